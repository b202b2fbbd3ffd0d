"""Operation of the wire: refreshes on request, and its health."""

import logging
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api import openapi
from api.access import check_token, has_token, signed_key
from api.deadline import refresh_seconds, step_seconds
from api.errors import problem, refusal_text
from api.resource import answer_once, wire_of
from core.app import Paperwire
from core.archive import State
from core.config.queues import queue_problem
from core.model.errors import ConfigError, StoreError, StoreRefused
from core.model.freshness import due_record
from core.model.health import Trouble, status_of, trouble_to_plain, troubles
from core.model.manifest import BatchRecord, Manifest, rfc3339
from core.model.reconcile import seen_by
from core.model.repair import without_lost
from core.model.work import Chain
from core.views.entries import batch_to_plain

log = logging.getLogger("paperwire")
_UNSTORED = ("due", "empty", "asleep")  # troubles that a store which refuses to write causes, too

router = APIRouter(tags=["operations"])


@router.get("/api/refresh", summary="Fetch what arXiv announces now", responses=openapi.REFRESH)
@router.post("/api/refresh", summary="Fetch what arXiv announces now", responses=openapi.REFRESH)
async def refresh_now(request: Request) -> Response:
    """Fetch, score and store the due batch, even during the backoff, then do pending work; answers with a report.

    After the due batch, for at most a minute (`CATCH_UP_SECONDS`), or on Vercel until its deadline, it asks arXiv's API
    for missed papers, Hugging Face for its picks, and models for summaries; the next refresh continues. A failed step
    does not prevent other steps; `failures` lists the problems by step.

    Needs `Authorization: Bearer …` with `CRON_SECRET` or `ADMIN_TOKEN`; where neither is set, it is off.
    """
    check_token(request, "Refreshing")
    return await _run(request, "all", refresh_seconds(request.scope, wire_of(request).settings))


@router.get("/api/work", summary="Do a bounded step of what is pending", responses=openapi.WORK)
@router.post("/api/work", summary="Do a bounded step of what is pending", responses=openapi.WORK)
async def work_now(request: Request) -> Response:
    """Fetch the due batch if it is missing and the backoff is over, then do pending work, until shortly before the
    platform's deadline (`WORK_SECONDS`). The report lists what is still pending. If a queue is configured, it calls
    this again until nothing is pending; else repeat the request. If nothing is pending, it is answered at once.

    Needs `Authorization: Bearer …` with `CRON_SECRET` or `ADMIN_TOKEN`, or the signature of QStash.
    """
    key = await signed_key(request)
    if not key:
        check_token(request, "Refreshing")
    return await _run(
        request, "step" if key else "pending", step_seconds(request.scope, wire_of(request).settings), key
    )


async def _run(request: Request, scope: str, seconds: float, key: str = "") -> Response:
    try:
        report = await wire_of(request).refresh(scope, seconds=seconds, key=key)
    except StoreError as error:  # the owner may see the details
        log.warning("%s", error)
        return _no_store(error)
    if key:  # a queue calls again after an error: only if another process may be killed before it schedules a step
        busy = {"Retry-After": "60"} if "rest" in report.busy else {}
        return answer_once(report.to_plain(), 503 if busy else 200, busy)
    if "today" in report.busy:
        done = report.to_plain() if report.did_something else {}
        return answer_once({"status": "running", "detail": "another refresh is at it"} | done, 202)
    return answer_once(report.to_plain(), 502 if report.failed else 200)


@router.get("/api/health", summary="What is there, and what is missing", responses=openapi.HEALTH)
async def health(request: Request) -> Response:
    """The overall status, the problems and how to fix them, and every date with its categories: the ledger in numbers.

    It names a store that has lost something, that is full, or that refuses writes for another reason; with the owner's
    token in the store's own words.

    The HTTP status is 503 if the owner should act ("failing"), else 200: "ok", or "degraded" for problems that pass
    automatically.
    """
    wire = wire_of(request)
    is_owner = has_token(wire.settings, request.headers.get("Authorization", "").encode())
    try:
        state = (await wire.snapshot(also=wire.archive.work.slot)).state
    except StoreError as error:
        if is_owner:
            return _no_store(error)
        raise
    now = wire.clock()
    checked, chain = await wire.store_checks.get(state), await _chain(wire)
    own = seen_by(state.manifest, wire.rules.categories)
    manifest = without_lost(own, checked.lost, now, wire.archive.retention, wire.rules.sources)
    pending = sorted({one.date for one in wire.pending(manifest)}, reverse=True)
    damaged = len(checked.unsound) + len(checked.lost)
    found = await _troubles(wire, state, manifest, damaged, chain, is_owner=is_owner)
    due = due_record(manifest, wire.due, wire.rules.sources)
    body = {
        "status": status_of(found),
        "troubles": [trouble_to_plain(trouble) for trouble in found],
        "due": due.date.isoformat(),
        "state": due.state,
        "reason": due.reason,
        "next_due": rfc3339(wire.due.following),
        "now": rfc3339(now),
        "pending": [day.isoformat() for day in pending],
        "reading": _reading(chain),
        "error": dict(manifest.error),
        "rejected": list(due.rejected),
        "warning": wire.freshness(manifest).warning,
        "batches": [batch_to_plain(record) for record in _newest_first(manifest.records)],
        "picks": [batch_to_plain(record) for record in _newest_first(manifest.picks)],
    }
    failing = body["status"] == "failing"
    return answer_once({name: value for name, value in body.items() if value}, 503 if failing else 200)


async def _troubles(
    wire: Paperwire, state: State, manifest: Manifest, damaged: int, chain: Chain, *, is_owner: bool
) -> list[Trouble]:
    """Returns all troubles of a wire. Whether the store accepts writes is tried only for its owner, and where it would
    explain what lacks.
    """
    look = partial(
        troubles,
        manifest,
        wire.pending(manifest),
        wire.clock(),
        failure=_failure(state, is_owner=is_owner),
        store_error=wire.snapshots.error,
        damaged=damaged + len(state.damaged),
        sources=wire.rules.sources,
        chain=chain,
        queue=queue_problem(wire.settings),
        whole=is_owner,
    )
    found = look(refusal=refusal_text(wire.archive.refused, is_owner=is_owner))
    if is_owner or any(trouble.kind in _UNSTORED for trouble in found):
        found = look(refusal=refusal_text(await wire.archive.refusal(), is_owner=is_owner))
    return sorted([*found, *await _of_deliveries(wire)], key=lambda trouble: not trouble.act)


async def _of_deliveries(wire: Paperwire) -> list[Trouble]:
    """Returns the problems of deliveries, without any address."""
    if not wire.settings.feeds.deliver:
        return []
    from core.config.deliver_table import address_of  # not at a cold start
    from core.model.delivery import delivery_troubles

    found, deliveries = [], wire.settings.feeds.deliveries
    for delivery in deliveries:
        try:
            address_of(delivery)
        except ConfigError as error:
            found.append(Trouble("deliver", error.problems[0], mend=f"set {delivery.to} in the environment", act=True))
    try:
        logs = {one.name: await wire.archive.deliveries.log(one.name) for one in deliveries}
    except StoreError:  # which is named already
        return found
    return [*found, *delivery_troubles(deliveries, logs, wire.clock())]


def _failure(state: State, *, is_owner: bool) -> Mapping[str, str]:
    """Returns when and why the store refused the work of the last refresh; its own words are for its owner."""
    note = state.failure
    return note if is_owner or not note else {**note, "reason": StoreRefused.says}


async def _chain(wire: Paperwire) -> Chain:
    work = wire.archive.work
    came, value = wire.snapshots.take(work.slot)
    try:
        return work.read(value) if came else await work.chain()
    except StoreError:  # the last good copy of the manifest is shown, and the error
        return Chain()


def _reading(chain: Chain) -> dict[str, object]:
    """Returns how far models are with the papers that are planned, without anything before the first step."""
    read, planned = chain.progress()
    if not planned:
        return {}
    found: dict[str, object] = {"read": read, "planned": planned, "pending": chain.pending, "steps": chain.steps}
    if chain.pending and chain.at:
        found["next"] = rfc3339(datetime.fromtimestamp(chain.at, UTC))
    return found


def _no_store(error: StoreError) -> Response:
    """What the owner sees: the store by its address."""
    return problem(503, "store", "The store does not answer", str(error), {"Retry-After": "10"})


def _newest_first(records: Mapping[date, BatchRecord]) -> list[BatchRecord]:
    return sorted(records.values(), key=lambda record: record.date, reverse=True)
