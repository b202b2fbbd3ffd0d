"""Rate limits: a share a minute for each client, and a limit on concurrent work for all clients.

Answers from memory, and addresses without a query (feeds and pages), are free and never limited. Answers made for one
client have a cost: filters, searches, rules in an address. Owners, who send their token or key, are not limited. The
counters are in the memory of one process, within bounds.
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

RENDERING, RULES, WRONG = 1, 2, 12  # costs of filters, of rules in an address, and of a wrong token
MOST_CLIENTS = 10_000  # remembered; beyond that, the least recent one is forgotten
AT_ONCE = 4  # concurrent renderings, which share the processor
WAITING = 60  # renderings that wait for their turn
_SOON = 5  # seconds


class Limits:
    """The shares of clients as token buckets: they hold a minute's worth, and refill steadily."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._most = float(settings.rate_limit)
        self._left: LRUCache[tuple[float, float]] = LRUCache(MOST_CLIENTS)  # tokens left, and the time of that
        self._turns = PerLoop(partial(asyncio.Semaphore, AT_ONCE))
        self._waiting = 0

    def spend(self, trace: Trace, cost: float) -> None:
        """Take `cost` from the share of the request's client. Raises `RateLimited` if less is left."""
        if not self._most or trace.is_owner or has_token(self._settings, trace.headers.get(b"authorization", b"")):
            return
        client = self.client(trace)
        left = self._now(client)
        if left < cost:
            raise self._limited(client, cost - left)
        self._left.put(client, (left - cost, monotonic()))

    def check_wrong(self, trace: Trace) -> None:
        """Raise `RateLimited` if this client has sent too many wrong tokens, unless the present one is right.

        The right one always passes: clients behind one address, as of a proxy, cannot lock the owner out.
        """
        name = f"wrong {self.client(trace)}"
        if not self._most or has_token(self._settings, trace.headers.get(b"authorization", b"")):
            return
        if (left := self._now(name)) < WRONG:
            raise self._limited(name, WRONG - left)

    def note_wrong(self, trace: Trace) -> None:
        """Count a wrong token of a client, against a separate share."""
        name = f"wrong {self.client(trace)}"
        self._left.put(name, (max(self._now(name) - WRONG, 0.0), monotonic()))

    def wrong_again(self, trace: Trace | None) -> int:
        """Count a wrong token. Returns the seconds that its client has to wait if there were too many, else 0."""
        if trace is None or not self._most:
            return 0
        try:
            self.check_wrong(trace)
        except RateLimited as error:
            return error.retry_after
        self.note_wrong(trace)
        return 0

    @asynccontextmanager
    async def doing(self, trace: Trace | None, cost: float) -> AsyncIterator[None]:
        """Run the block for a request with this `cost`: takes it from the client's share, then waits for a turn.

        A cost of 0 needs neither. Raises `RateLimited`, and `Overloaded` if too many requests are waiting.
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
        """Returns the name of the client of a request."""
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
