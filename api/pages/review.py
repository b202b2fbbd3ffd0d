"""The pages of reviews: one for each, with the post and the questions, and the list of all."""

from datetime import UTC, datetime

from fastapi import Request
from fastapi.responses import Response

from api.pages import Pages
from api.pages.html import MEDIA_TYPE, render
from api.resource import Resource, opened, serve, updated
from api.routes.reviews import KEPT_SECONDS, serve_review
from core.model.review import best_rows

router = Pages()


@router.get("/reviews")
async def reviews_page(request: Request) -> Response:
    """All reviews, newest first, complete or not."""
    wire = await opened(request)
    manifest, rows = await wire.manifest(), await wire.reviews.rows()
    done = best_rows(rows)
    known = {(row.paper, row.language) for row in done}
    begun = {(row.paper, row.language): row for row in reversed(rows) if (row.paper, row.language) not in known}
    resource = Resource(
        MEDIA_TYPE,
        lambda _: render(request, "reviews.html", done=done, begun=list(begun.values())),
        depends_on=[row.to_plain() for row in rows],
        updated=max([updated(manifest), *(datetime.fromisoformat(row.updated).astimezone(UTC) for row in rows)]),
        at_most=KEPT_SECONDS,
        volatile=True,
        cost=0,
    )
    return await serve(request, manifest, resource)


@router.get("/reviews/{paper_id:path}")
async def review_page(request: Request) -> Response:
    """A paper's review, complete or not, in the given `language`."""
    return await serve_review(request, "html")
