"""The pages of reviews: each with the post and the questions, and the list of all."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.pages.html import MEDIA_TYPE, render
from api.resource import answer, make_document, updated, wire_of
from api.routes.reviews import KEPT_SECONDS, find_review, respond_with
from core.model.review import best_rows

router = APIRouter(include_in_schema=False)


@router.get("/reviews")
async def reviews_page(request: Request) -> Response:
    """All reviews, newest first, and those that are not complete yet."""
    manifest = await wire_of(request).manifest()
    rows = await wire_of(request).reviews.rows()
    done = best_rows(rows)
    known = {(row.paper, row.language) for row in done}
    begun = {(row.paper, row.language): row for row in reversed(rows) if (row.paper, row.language) not in known}
    newest = max((datetime.fromisoformat(row.updated).astimezone(UTC) for row in rows), default=updated(manifest))
    body = render(request, "reviews.html", done=done, begun=list(begun.values()))
    return answer(request, make_document(body, MEDIA_TYPE, max(newest, updated(manifest))), KEPT_SECONDS)


@router.get("/reviews/{paper_id:path}")
async def review_page(request: Request) -> Response:
    """A paper's review, as far as it is made; `language` says which one."""
    return await respond_with(request, await find_review(request), "html")
