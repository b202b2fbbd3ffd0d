"""Summaries of single papers over HTTP: the stored ones, and the owner's command to make one."""

from time import monotonic

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from api import openapi
from api.access import check_token
from api.errors import no_model
from api.headers import NOT_KEPT
from api.resource import Resource, answer_once, format_of, parse_paper, serve, wire_of
from api.routes.reviews import KEPT_SECONDS, MEDIA_TYPES, POST_SECONDS
from api.urls import page_url, raw_query
from core.model.errors import ConfigError, UnknownName
from core.model.paper import Paper
from core.model.query import read_options
from core.model.summary import Summary
from core.model.template import LANGUAGES

router = APIRouter(tags=["summaries"], default_response_class=Response)
_PARAMETERS = [
    openapi.of_path("paper_id", "an identifier, with or without version", "2603.90045"),
    openapi.of_path("template", "the name of a template", "key-findings"),
    openapi.of_path("format", f"one of {', '.join(MEDIA_TYPES)}", "md"),
    openapi.REVIEW_PARAMETERS[0],
]
_PATH = "/api/papers/{paper_id:path}/summaries/{template}.{format}"


@router.get(
    _PATH,
    summary="A paper's summary by a template",
    responses=openapi.SUMMARY,
    openapi_extra={"parameters": _PARAMETERS},
)
async def get_summary(request: Request) -> Response:
    """The stored summary, by default in the language of the first feed. No model is asked.

    If no summary is stored, the answer says how to make one. Extracts are always available.
    """
    from core.jobs.summarise import stored_summary  # not at a cold start

    wire, (paper, language) = wire_of(request), await _asked(request)
    name = request.path_params["template"]
    summary = await stored_summary(wire.archive, wire.settings, paper, name, language)
    if summary is None:
        path = f"/api/papers/{paper.versioned}/summaries/{name}.{request.path_params['format']}?language={language}"
        raise HTTPException(
            404,
            f"There is no summary of {paper.versioned} by {name} in {language} yet. Its owner makes one with "
            f"POST {page_url(request, path, keyed=False)} and the header `Authorization: Bearer …`.",
        )
    resource = Resource(
        _media_type(request),
        lambda _: _body(request, summary, paper),
        depends_on=(summary.to_plain(), language),
        at_most=KEPT_SECONDS,
        volatile=True,
        cost=0,
    )
    return await serve(request, await wire.manifest(), resource)


@router.post(
    _PATH,
    summary="Have a paper's summary made",
    responses=openapi.MAKE_SUMMARY,
    openapi_extra={"parameters": _PARAMETERS},
)
async def make_summary_now(request: Request) -> Response:
    """Have the language model summarise a stored paper by a template, and store it; a stored summary is returned.

    Needs `Authorization: Bearer …` with `ADMIN_TOKEN` (or `CRON_SECRET`), and a language model within its budget.
    """
    from core.jobs.summarise import make_summary  # not at a cold start

    begun, wire = monotonic(), wire_of(request)
    check_token(request, "Summarising")
    paper, language = await _asked(request)
    name = request.path_params["template"]
    try:
        left = POST_SECONDS - (monotonic() - begun)
        summary = await make_summary(wire.archive, wire.settings, paper, name, language, seconds=left)
    except ConfigError as error:
        return no_model(error)
    if summary is None:
        return answer_once({"status": "running", "detail": "another process is making this summary"}, 202)
    return Response(_body(request, summary, paper), 200, NOT_KEPT, _media_type(request))


async def _asked(request: Request) -> tuple[Paper, str]:
    """Returns the stored paper and the language that a request names. Raises `UnknownName` and `QueryError`."""
    from core.llm.templates import get_template  # not at a cold start

    format_of(request, MEDIA_TYPES, "summary format")
    get_template(request.path_params["template"])
    language = read_options(raw_query(request), {"language": tuple(LANGUAGES)}).get("language", "")
    wire = wire_of(request)
    paper = await wire.paper(parse_paper(request))
    if paper is None:
        raise UnknownName("paper", request.path_params["paper_id"])
    return paper, language or wire.main.language


def _media_type(request: Request) -> str:
    return MEDIA_TYPES[request.path_params["format"]]


def _body(request: Request, summary: Summary, paper: Paper) -> bytes:
    from core.render.summary import summary_document  # not at a cold start

    return summary_document(summary, paper, request.path_params["format"])
