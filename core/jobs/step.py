"""One step of the chain that finishes the pending work: whether it may begin, and what follows it.

The lock in the store makes sure that one process at a time works; the chain in it, that every chain ends and that a
message of a queue that comes twice or late does nothing (`core.model.work`).
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import time

from core.archive import Archive
from core.archive.work import Working
from core.config.models import models_of
from core.config.overrides import Rules
from core.config.settings import Settings
from core.model.errors import ConfigError, QueueError
from core.model.manifest import Manifest, rfc3339
from core.model.work import OWNER, PICKS_SECONDS, QUIET_SECONDS, Chain
from core.queue.base import Queue
from core.util.signing import fingerprint

log = logging.getLogger("paperwire")


@dataclass(frozen=True, slots=True)
class Call:
    """Who calls a step (`core.model.work`), with which key of a queue, and the queue that may call the next one."""

    by: str = OWNER
    key: str = ""
    queue: Queue | None = None


@dataclass(frozen=True, slots=True)
class Remainder:
    """What a step has left: how many dates and papers are `pending`, in how many seconds that can go on, whether
    anything was done, what is read of each feed's dates, and why the endpoint of models answers nothing.
    """

    pending: int
    resumes: float
    progress: bool
    asked_picks: bool
    reading: Mapping[str, tuple[int, int]]
    model: Mapping[str, str] | None = None  # see `Chain.with_model`


@dataclass(slots=True)
class Step:
    """One step under the lock. `refused` says why it did not begin."""

    working: Working
    call: Call
    refused: str = ""
    problem: str = ""  # of the queue

    @property
    def chain(self) -> Chain:
        """The chain as it was written last."""
        return self.working.chain

    async def begin(self, now: datetime) -> bool:
        """Count this step, unless the bounds in the store refuse it. Returns whether it may be done."""
        self.refused = self.chain.refusal(self.call.by, self.call.key, time())
        if not self.refused:
            await self.working.begin(self.call.by, now.date())
        return not self.refused

    async def claim(self, feed: str) -> None:
        """Note that a stage of this feed is worked on: the next step begins with another one, also after a kill."""
        await self.working.change(lambda chain: replace(chain, cursor=feed))

    def wants_others(self, rules: Rules, *, forced: bool) -> bool:
        """Returns whether the sources beside arXiv are to be asked."""
        return rules.wants_others and (forced or not 0 <= time() - self.chain.asked < PICKS_SECONDS)

    async def end(self, left: Remainder, settled: str) -> None:
        """Write what is left, and have the queue call the next step if there is any.

        The message is sent first: a process that is killed in between has sent one that finds an open step.
        """
        now = time()
        chain = self.chain.over(
            now, progress=left.progress, pending=left.pending, at=now + left.resumes if left.resumes else 0
        )
        chain = replace(
            chain.with_reading(left.reading).with_model(left.model, rfc3339(datetime.fromtimestamp(now, UTC))),
            asked=now if left.asked_picks else chain.asked,
            settled="" if left.pending else settled,
        )
        if await self._schedule(chain, now):
            chain = replace(chain, scheduled=chain.key)
        await self.working.change(lambda _: chain)

    async def _schedule(self, chain: Chain, now: float) -> bool:
        if (queue := self.call.queue) is None:
            return False
        delay = chain.delay(now, most_delay=queue.most_delay, most_links=queue.most_links)
        if delay is None:
            return False
        try:
            await queue.schedule(delay, chain.key)
        except QueueError as error:
            self.problem = f"the next step was not scheduled: {error}"
            log.warning("%s", self.problem)
            return False
        return True


async def refused_by_chain(archive: Archive, call: Call) -> str:
    """Returns why a queue's or a reader's step may not begin, as far as the stored chain tells; "" if it may."""
    return "" if call.by == OWNER else (await archive.work.chain()).refusal(call.by, call.key, time())


def is_quiet(chain: Chain, settled: str) -> bool:
    """Returns whether the last step left nothing pending, and nothing has changed since."""
    return not chain.pending and chain.settled == settled and 0 <= time() - chain.ended < QUIET_SECONDS


def settled_under(manifest: Manifest, rules: Rules, settings: Settings) -> str:
    """Returns the fingerprint of all that the pending work follows from."""
    try:
        models = models_of(settings)
    except ConfigError:
        models = {}
    return fingerprint("settled", manifest.version, rules.fingerprint, models)
