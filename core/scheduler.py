"""A server that refreshes by itself: when a batch is due, and until nothing is missing.

Where instances only live while they answer, a cron does this instead.
"""

import asyncio
import logging
from random import uniform

from core.app import Paperwire
from core.model.errors import PaperwireError

log = logging.getLogger("paperwire")

LATER_SECONDS = 120.0  # at most so long after the time at which a batch is due: not all copies at once
CATCH_UP_SECONDS = 600.0  # at a stretch; then it is looked whether another batch is due
IDLE_SECONDS = 3600.0  # between looks while nothing is due
FAILED_SECONDS = 300.0


async def keep_fresh(wire: Paperwire) -> None:
    """Refresh for as long as the server runs. Never raises: what fails is logged, and tried again."""
    while True:
        try:
            pause = await refresh_once(wire)
        except Exception as error:  # whatever it is, the next round may go well
            level = logging.WARNING if isinstance(error, PaperwireError) else logging.ERROR
            log.log(level, "refreshing by itself: %s", error, exc_info=level == logging.ERROR)
            pause = FAILED_SECONDS
        await asyncio.sleep(pause)


async def refresh_once(wire: Paperwire) -> float:
    """Refresh if the due batch is missing, and work off what is owed. In how many seconds to look again."""
    await wire.refresh(on_demand=True)
    caught = await wire.catch_up(seconds=CATCH_UP_SECONDS)
    if caught and caught.owed and not caught.problems:
        return 0.0
    if caught and (caught.problems or caught.analysed.pending):
        return FAILED_SECONDS
    # What is missing is looked for as often as answers are renewed; how often arXiv is asked for it, its note decides
    fresh = wire.freshness(await wire.manifest()).seconds
    return min(fresh, IDLE_SECONDS) + uniform(0, LATER_SECONDS if fresh > IDLE_SECONDS else 1)  # noqa: S311
