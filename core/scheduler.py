"""The scheduler of a server: refreshes when a batch is due, when the owner saves feeds, and until nothing is pending.
It takes in changes of feeds.toml.

On serverless platforms, where instances run only while they answer, a cron does this instead.
"""

import asyncio
import logging
from datetime import datetime
from random import uniform
from typing import TYPE_CHECKING

from core.app import Paperwire
from core.model.errors import ConfigError, PaperwireError, StoreError
from core.queue.local import LocalQueue
from core.util.tasks import is_cancelled

if TYPE_CHECKING:
    from core.jobs.run import Report

log = logging.getLogger("paperwire")

LATER_SECONDS = 120.0  # maximal random delay after a batch is due, to spread the requests of all deployments
REST_SECONDS = 600.0  # of one run; after that the due date is checked again
_IDLE_SECONDS = 3600.0  # between checks while nothing is due
FAILED_SECONDS = 300.0
WATCH_SECONDS = 2.0  # between looks at feeds.toml, each of which is one call of the system
Stamp = tuple[str, int, int]


async def keep_fresh(wire: Paperwire) -> None:
    """Refresh while the server runs. Never raises: a failure is logged, and the next round tries again."""
    queue = wire.queue = LocalQueue()
    key = ""
    while True:
        try:
            pause = await refresh_once(wire, key)
        except Exception as error:  # the next round may succeed
            if is_cancelled():
                return
            level = logging.WARNING if isinstance(error, PaperwireError) else logging.ERROR
            log.log(level, "the scheduled refresh failed: %s", error, exc_info=level == logging.ERROR)
            pause = FAILED_SECONDS
        if is_cancelled():
            return
        key = await _next(wire, queue, pause)


async def _next(wire: Paperwire, queue: LocalQueue, pause: float) -> str:
    """Wait for the next step, and return its key; "" after `pause` seconds, or when the owner has saved something: it
    may need announcements that are not here.
    """
    step, changed = asyncio.create_task(queue.take()), asyncio.create_task(wire.changed.wait())
    try:
        await asyncio.wait([step, changed], timeout=pause, return_when=asyncio.FIRST_COMPLETED)
        return step.result() if step.done() else ""
    finally:
        wire.changed.clear()
        for task in (step, changed):
            task.cancel()


async def keep_feeds(wire: Paperwire) -> None:
    """Take in changes of feeds.toml while the server runs. Never raises: a mistake in it is logged."""
    stamp = stamp_of(wire)
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        stamp = await take_in_feeds(wire, stamp)


async def take_in_feeds(wire: Paperwire, known: Stamp) -> Stamp:
    """Use feeds.toml if it is not the `known` one any more. Returns what it is now."""
    stamp = stamp_of(wire)
    if stamp == known or not stamp[1]:  # an editor may have taken it away for a moment
        return known
    try:
        if await wire.reread_feeds():
            log.info("%s has changed; in force now: %s", stamp[0], ", ".join(wire.feeds))
    except ConfigError as error:
        log.warning("%s has changed and is wrong; the feeds stay as they were: %s", stamp[0], error)
    except StoreError as error:
        log.warning("%s has changed, and counts when the store answers again: %s", stamp[0], error)
    except Exception:
        log.exception("%s has changed, and could not be taken in", stamp[0])
    return stamp


def stamp_of(wire: Paperwire) -> Stamp:
    """Returns the path of feeds.toml with its time of change and its size; 0 for a file that there is not."""
    path = wire.settings.feeds_path
    try:
        found = path.stat()
    except OSError:
        return str(path), 0, 0
    return str(path), found.st_mtime_ns, found.st_size


async def refresh_once(wire: Paperwire, key: str = "") -> float:
    """Fetch the due batch if it is missing, and continue pending work: the step of `key`, if there is one. Returns the
    seconds until the next check.
    """
    seconds = wire.settings.work_seconds or REST_SECONDS
    report = await wire.refresh("step" if key else "pending", seconds=seconds, key=key)
    return min(await _pause(wire, report), _until(wire, report.deliver.next))


def _until(wire: Paperwire, hour: datetime | None) -> float:
    """Returns the seconds until the `hour` of a delivery."""
    return max((hour - wire.clock()).total_seconds(), 1.0) if hour else _IDLE_SECONDS * 2


async def _pause(wire: Paperwire, report: "Report") -> float:
    failures = report.failures.keys() - {"today"}  # for arXiv's due batch, the backoff note decides
    if report.backfill.pending and not failures:
        return 0.0
    if failures or (report.analyze.pending and not report.chain.scheduled):
        return FAILED_SECONDS
    fresh = wire.freshness(await wire.manifest()).seconds
    return min(fresh, _IDLE_SECONDS) + uniform(0, LATER_SECONDS if fresh > _IDLE_SECONDS else 1)  # noqa: S311
