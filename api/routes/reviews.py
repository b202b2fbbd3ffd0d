"""Reviews over HTTP: the stored ones, the feed of reviews, and the owner's command to make one."""

from datetime import UTC, datetime
from functools import partial
from time import monotonic

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from api import openapi
from api.access import check_token
from api.errors import no_model, problem
from api.headers import NOT_KEPT
from api.resource import Loaded, Resource, answer_once, format_of, opened, parse_paper, serve, wire_of
from api.routes.feeds import FORMATS, feed_links, make_channel
from api.urls import feed_url, page_url, raw_query
from core.model.digest import FRONT_MATTERS
from core.model.errors import ConfigError
from core.model.paper import PaperId
from core.model.query import read_options
from core.model.review import Review, best_rows, find_row
from core.model.template import LANGUAGES
from core.render.feeds import render_feed
from core.util.log import NO_PROGRESS

router = APIRouter(tags=["reviews"], default_response_class=Response)
POST_SECONDS = 100.0  # of one request, because platforms end longer ones; the next one continues
KEPT_SECONDS = 60  # in shared caches: reviews grow
MOST_IN_FEED = 30
MEDIA_TYPES = {"md": "text/markdown", "html": "text/html", "json": "application/json"}
_NEVER = datetime(1991, 8, 14, tzinfo=UTC)
_ID = openapi.of_path("paper_id", "an identifier, with or without version", "2603.90045")
_FORMAT = openapi.of_path("format", f"one of {', '.join(MEDIA_TYPES)}", "md")
_FEED_FORMAT = openapi.of_path("format", f"one of {', '.join(FORMATS)}", "rss")


@router.get(
    "/api/papers/{paper_id:path}/review.{format}",
    summary="A paper's review as Markdown, HTML or JSON",
    responses=openapi.REVIEW,
    openapi_extra={"parameters": [_ID, _FORMAT, *openapi.REVIEW_PARAMETERS]},
)
async def get_review(request: Request) -> Response:
    """The stored review, marked if it is incomplete; without a language, the newest one.

    No model is asked. If no review is stored, the answer says how to make one.
    """
    format_name = format_of(request, MEDIA_TYPES, "review format")
    return await serve_review(request, format_name, with_front_matter=format_name == "md")


@router.get("/api/papers/{paper_id:path}/review", include_in_schema=False)
async def no_format(request: Request) -> Response:  # noqa: ARG001 - the route's own signature
    """Answer 404: reading needs a format. Without this route, the path would be read as a paper's identifier."""
    raise HTTPException(405, headers={"Allow": "POST"})


@router.post(
    "/api/papers/{paper_id:path}/review",
    summary="Have a paper's review made",
    responses=openapi.MAKE_REVIEW,
    openapi_extra={"parameters": [_ID, openapi.REVIEW_PARAMETERS[0]]},
)
async def make_review(request: Request) -> Response:
    """Begin or continue a review, for at most 100 seconds. Answered questions are not sent to the model again.

    Answers 200 with a complete review, 202 with the progress of an incomplete one: repeat the request. Needs
    `Authorization: Bearer …` with `ADMIN_TOKEN` (or `CRON_SECRET`), and a language model.
    """
    from core.jobs.review import carry_out, plan_review  # not at a cold start

    begun, wire = monotonic(), wire_of(request)
    check_token(request, "Reviewing")
    wanted = parse_paper(request)
    language = read_options(raw_query(request), {"language": tuple(LANGUAGES)}).get("language", "")
    await wire.manifest()  # the store may have other feeds
    try:
        plan = await plan_review(
            wire.archive, wire.settings, wire.paper, wanted, language or wire.main.language, NO_PROGRESS
        )
        seconds = POST_SECONDS - (monotonic() - begun)
        outcome = await carry_out(wire.archive, wire.settings, plan, seconds=seconds, progress=NO_PROGRESS)
    except ConfigError as error:
        return no_model(error)
    await wire_of(request).reviews.rows(refresh=True)
    if outcome is None:
        return answer_once({"status": "running", "detail": "another process is writing this review"}, 202)
    review = outcome.review
    if review.state != "running":
        return Response(_document(request, review, "json"), 200, NOT_KEPT, "application/json")
    progress = {"answered": len(review.answers), "total": len(review.keys)}
    if outcome.error:
        status = 503 if outcome.error.again else 502
        after = {"Retry-After": str(int(outcome.error.retry_after or 60))} if outcome.error.again else {}
        return problem(status, "model", "A language model did not answer", str(outcome.error), after, **progress)
    failures = [{"question": one.key, "problem": one.words} for one in review.failures.values()]
    running = {"status": "running", **progress, "detail": outcome.stopped or "some questions failed; send it again"}
    return answer_once(running | ({"failures": failures} if failures else {}), 202)


@router.get(
    "/api/reviews.{format}",
    summary="The reviews as a feed",
    responses=openapi.FEED,
    openapi_extra={"parameters": [_FEED_FORMAT, openapi.REVIEW_PARAMETERS[0]]},
)
async def get_reviews(request: Request) -> Response:
    """The newest reviews that have a post, newest first, in all languages or in one."""
    format_name = format_of(request, FORMATS, "feed format")
    language = read_options(raw_query(request), {"language": tuple(LANGUAGES)}).get("language", "")
    wire = await opened(request)
    rows = [row for row in best_rows(await wire.reviews.rows()) if language in ("", row.language)][:MOST_IN_FEED]
    newest = max((datetime.fromisoformat(row.updated) for row in rows), default=_NEVER)

    def render(reviews: list[Review]) -> bytes:
        from api import documents  # not at a cold start

        channel = make_channel(
            request,
            "/api/reviews",
            title=f"Reviews · {wire.title}",
            description="Deep reviews of single papers: a post, and the questions and answers that it was made of",
            home_url=feed_url(request, "/reviews"),
            updated=newest,
            language=language or "en",
        )
        return render_feed(format_name, channel, documents.reviews_feed_items(request, reviews))

    resource = Resource(
        FORMATS[format_name].media_type,
        render,
        load=partial(wire.archive.reviews.get_many, rows),
        depends_on=[row.to_plain() for row in rows],
        updated=newest,
        link=feed_links(request),
        at_most=KEPT_SECONDS,
        volatile=True,
        cost=0,
    )
    return await serve(request, await wire.manifest(), resource)


async def serve_review(request: Request, format_name: str, *, with_front_matter: bool = False) -> Response:
    """Answer with the review that the request names, rendered once for each of its states. Raises a 404 that says how
    to make one.
    """
    allowed: dict[str, tuple[str, ...]] = {"language": tuple(LANGUAGES)}
    allowed |= {"front_matter": FRONT_MATTERS} if with_front_matter else {}
    options = read_options(raw_query(request), allowed)
    wanted, language = parse_paper(request), options.get("language", "")
    wire = await opened(request)
    row = find_row(await wire.reviews.rows(), wanted, language)
    review = await wire.archive.reviews.get(row) if row else None
    if row is None or review is None:
        raise HTTPException(404, await _how(request, wanted, language))

    def render(_: Loaded) -> bytes:
        return _document(request, review, format_name, options.get("front_matter", "plain"))

    resource = Resource(
        MEDIA_TYPES[format_name],
        render,
        depends_on=row.to_plain(),
        updated=datetime.fromisoformat(review.updated),
        at_most=KEPT_SECONDS,
        volatile=True,
        cost=0,
    )
    return await serve(request, await wire.manifest(), resource)


def _document(request: Request, review: Review, format_name: str, front_matter: str = "plain") -> bytes:
    from api import documents  # as above

    return documents.review_as(request, review, format_name, front_matter)


async def _how(request: Request, wanted: PaperId, language: str) -> str:
    """Returns how to make a missing review."""
    others = sorted({row.language for row in await wire_of(request).reviews.rows() if row.paper.id == wanted.id})
    elsewhere = f" There is one in {', '.join(others)}." if others and language else ""
    query = f"?language={language}" if language else ""
    path = page_url(request, f"/api/papers/{wanted}/review{query}", keyed=False)
    option = f" --language {language}" if language else ""
    return (
        f"There is no review of {wanted} yet.{elsewhere} Its owner makes one with `paperwire review {wanted}{option}`, "
        f"or with POST {path} and the header `Authorization: Bearer …`."
    )
