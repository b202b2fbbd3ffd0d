"""Limits on what a request costs: for each client a share a minute, for all together so much at a time.

What is in memory, and the addresses that a wire has anyway (its feeds and pages without a query), cost nothing and are
never limited. What has to be made for one client counts: filters, searches, rules in an address. Owners, who show their
token or key, are not limited. All of it is in the memory of one process, within bounds.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from math import ceil
from time import monotonic

from api.access import client_of, has_token
from api.trace import Trace
from core.config.settings import Settings
from core.model.errors import Overloaded, RateLimited
from core.util.caches import LRUCache, PerLoop

RENDERING, RULES, WRONG = 1, 2, 12  # what an answer to filters costs, one to rules in an address, and a wrong token
MOST_CLIENTS = 10_000  # that are remembered; the one seen longest ago is forgotten
AT_ONCE = 4  # answers that are made at the same time: they share the processor
WAITING = 60  # that wait for their turn
_SOON = 5  # seconds


class Limits:
    """The shares of clients as token buckets: a minute's worth at first, and filled up steadily."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._most = float(settings.rate_limit)
        self._left: LRUCache[tuple[float, float]] = LRUCache(MOST_CLIENTS)  # what is left, and when that was
        self._turns = PerLoop(partial(asyncio.Semaphore, AT_ONCE))
        self._waiting = 0

    def spend(self, trace: Trace, cost: float) -> None:
        """Take `cost` from the share of the request's client. Raises `RateLimited` if there is not so much left."""
        if not self._most or trace.is_owner or has_token(self._settings, trace.headers.get(b"authorization", b"")):
            return
        client = self.client(trace)
        left = self._now(client)
        if left < cost:
            raise self._limited(client, cost - left)
        self._left.put(client, (left - cost, monotonic()))

    def check_wrong(self, trace: Trace) -> None:
        """Raise `RateLimited` if this client has shown too many wrong tokens to be heard: also with the right one."""
        name = f"wrong {self.client(trace)}"
        if self._most and (left := self._now(name)) < WRONG:
            raise self._limited(name, WRONG - left)

    def note_wrong(self, trace: Trace) -> None:
        """Note that a client has shown a wrong token: these have a share of their own."""
        name = f"wrong {self.client(trace)}"
        self._left.put(name, (max(self._now(name) - WRONG, 0.0), monotonic()))

    @asynccontextmanager
    async def doing(self, trace: Trace | None, cost: float) -> AsyncIterator[None]:
        """Do for a request what costs so much: its client's share first, and then a turn; 0 needs neither.

        Raises `RateLimited`, and `Overloaded` if too many are waiting.
        """
        if not cost or trace is None:
            yield
            return
        self.spend(trace, cost)
        if self._waiting >= WAITING:
            raise Overloaded("More is being asked for than can be made right now; try again in a moment.", _SOON)
        self._waiting += 1
        try:
            turns = self._turns.get()
            await turns.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            turns.release()

    def client(self, trace: Trace) -> str:
        """What stands for the client of a request."""
        return client_of(trace.scope, trace.headers, vercel=bool(self._settings.vercel))

    def _limited(self, client: str, missing: float) -> RateLimited:
        seconds = ceil(missing * 60 / self._most)
        return RateLimited(
            f"Your address has asked for more than one client may; try again in {seconds} s. "
            "Feeds without filters, and answers that were made before, are not limited.",
            seconds,
            client,
        )

    def _now(self, client: str) -> float:
        left, since = self._left.get(client) or (self._most, 0.0)
        return min(left + (monotonic() - since) * self._most / 60, self._most)
