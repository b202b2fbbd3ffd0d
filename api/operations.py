"""Running the wire: refreshing at will, and its state of health."""

import logging

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api import docs
from api.owner import check_token
from api.problems import problem
from api.publishing import wire_of
from core.domain.calendar import due_date, next_due
from core.domain.errors import StoreError
from core.domain.manifest import rfc3339
from core.publish import batch_summaries
from core.render.plain import to_json

log = logging.getLogger("paperwire")

router = APIRouter(tags=["operations"])


@router.api_route("/api/refresh", methods=["GET"], summary="Fetch what arXiv announces now", responses=docs.REFRESH)
@router.post("/api/refresh", summary="Fetch what arXiv announces now", responses=docs.REFRESH)
async def refresh_now(request: Request) -> Response:
    """Fetch, score and store, whatever was tried before, then what is owed; answers with a report when done.

    After the due batch the API of arXiv is asked for what was missed, and Hugging Face for its picks, for a minute at
    most (`CATCH_UP_SECONDS`); what is left is done by the next refresh.

    Needs `Authorization: Bearer …` with `CRON_SECRET` or `ADMIN_TOKEN`; where neither is set, nobody may.
    """
    wire = wire_of(request)
    check_token(request, "Refreshing")
    try:
        report = await wire.refresh()
        caught = await wire.catch_up() if report and not report.error else None
    except StoreError as error:  # its owner may know which store, and how to mend it
        log.warning("%s", error)
        return problem(503, "store", "The store does not answer", str(error), {"Retry-After": "10"})
    if report is None:
        return _json({"status": "running", "detail": "another refresh is at it"}, 202)
    done = report.to_plain() | ({"caught": caught.to_plain()} if caught else {})
    return _json(done, 502 if report.record.state == "failed" else 200)


@router.get("/api/health", summary="What is there, and what is missing", responses=docs.HEALTH)
async def health(request: Request) -> Response:
    """The due date and its state, all known batches with their states and reasons, and the last error."""
    wire = wire_of(request)
    manifest = await wire.manifest()
    now = wire.clock()
    due = manifest.get(due_date(now))
    body = {
        "due": due.date.isoformat(),
        "state": due.state,
        "reason": due.reason,
        "next_due": rfc3339(next_due(now)),
        "now": rfc3339(now),
        "error": dict(manifest.error),
        "rejected": list(due.rejected),
        "warning": wire.freshness(manifest).warning,
        "batches": batch_summaries(manifest),
    }
    return _json({name: value for name, value in body.items() if value}, 200)


def _json(value: object, status: int) -> Response:
    return Response(to_json(value), status, {"Cache-Control": "no-store"}, "application/json")
