"""Tokens per day and month over all instances: taken by an estimate before a call, settled after it.

The counters are in the store, and every change of them is atomic: instances that ask at the same time never take more
than the limits together. Where the store does not answer, nothing is asked.
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.domain.errors import ModelError, StoreError
from core.models.states import wrong
from core.store import keys
from core.store.protocol import Store

log = logging.getLogger("paperwire")

_NO_LIMIT = 2**53  # the largest number that scripts of Redis count exactly


@dataclass(frozen=True, slots=True)
class Period:
    """A span of time with a limit: `ttl` is how long its counter is kept, `left` what is left of the span; seconds."""

    key: str
    variable: str
    limit: int
    ttl: float
    left: float


@dataclass(frozen=True, slots=True)
class Hold:
    """Tokens that were taken for one call."""

    tokens: int
    periods: tuple[Period, ...]


class Budget:
    """`daily` and `monthly` are tokens, 0 for no limit. Days and months are those of UTC."""

    def __init__(self, store: Store, *, daily: int = 0, monthly: int = 0) -> None:
        self._store = store
        self._daily, self._monthly = daily, monthly
        self._open = 0  # calls of this process that are not settled
        self._settled = asyncio.Event()  # set when one is, and replaced

    async def take(self, tokens: int, now: datetime) -> Hold:
        """Take what a call may need at most. Raises `ModelError` ("budget"): it does not fit, or the store failed.

        While calls of this process are open, what they give back is waited for.
        """
        periods = tuple(period for period in self._periods(now.astimezone(UTC)) if period.limit)
        while True:
            settled = self._settled
            full = await self._take(tokens, periods)
            if full is None:
                self._open += 1
                return Hold(tokens, periods)
            if not self._open and not settled.is_set():
                raise _used_up(full, tokens)
            await settled.wait()

    async def settle(self, hold: Hold, spent: int) -> None:
        """Give back what was not needed, or take what was needed more, whatever the limits.

        Where the store fails the estimate stays counted: too much rather than too little.
        """
        try:
            for period in hold.periods:
                if spent != hold.tokens:
                    await self._store.take(period.key, spent - hold.tokens, _NO_LIMIT, period.ttl)
        except StoreError as error:
            log.warning("what a call to the model did not need could not be given back: %s", error)
        finally:
            self._open -= 1
            self._settled.set()
            self._settled = asyncio.Event()

    async def _take(self, tokens: int, periods: tuple[Period, ...]) -> Period | None:
        """None, or the period in which it does not fit; then nothing stays taken."""
        taken: list[Period] = []
        full = None
        try:
            for period in periods:
                if not await self._store.take(period.key, tokens, period.limit, period.ttl):
                    full = period
                    break
                taken.append(period)
            for period in taken if full else ():
                await self._store.take(period.key, -tokens, period.limit, period.ttl)
        except StoreError as error:
            raise wrong("budget", f"it cannot be read, so nothing was asked: {error}", retry_after=60) from error
        return full

    def _periods(self, now: datetime) -> tuple[Period, Period]:
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        month = day.replace(day=1)
        ends = (day + timedelta(days=1), (month + timedelta(days=32)).replace(day=1))
        # Kept for a while longer than it lasts: calls may be settled after the end
        left_day, left_month = ((end - now).total_seconds() for end in ends)
        keep = keys.DAY_SECONDS
        return (
            Period(keys.llm_budget(f"{now:%Y-%m-%d}"), "LLM_DAILY_TOKENS", self._daily, left_day + keep, left_day),
            Period(keys.llm_budget(f"{now:%Y-%m}"), "LLM_MONTHLY_TOKENS", self._monthly, left_month + keep, left_month),
        )


def _used_up(period: Period, tokens: int) -> ModelError:
    detail = f"{period.variable} is {period.limit:,}, and this would need up to {tokens:,}"
    return wrong("budget", detail, retry_after=period.left)
