"""The usage of models: budgets of tokens by day and month, and a record by month, step and model.

All of them are counters in the store, changed atomically: concurrent instances never exceed the limits together, and no
update is lost. If the store fails, no question is sent.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson

from core.archive.reading import attempt
from core.llm.base import Hold, Usage, wrong
from core.model.errors import StoreError
from core.store import keys
from core.store.base import Store, holding

log = logging.getLogger("paperwire")

_KEPT_SECONDS = 400 * keys.DAY_SECONDS
MILLIONTHS = 1_000_000
_DIGITS = 16  # of a counter
_NO_LIMIT = 2**53  # the largest number that scripts of Redis count exactly
_WHAT = ("prompt", "completion", "calls", "cost")
_LOCK_TRIES, _LOCK_PAUSE = 20, 0.05  # tries, and seconds between them; a change of the list takes milliseconds


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of a million tokens, read and written; 0 if unknown."""

    prompt: float = 0.0
    completion: float = 0.0

    def millionths(self, usage: Usage) -> int:
        """Returns the cost of the usage, in millionths of the prices' currency."""
        return round(usage.prompt * self.prompt + usage.completion * self.completion)

    def cost(self, usage: Usage) -> float:
        """Returns the cost of the usage, in the prices' currency; 0 if they are unknown."""
        return self.millionths(usage) / MILLIONTHS


@dataclass(frozen=True, slots=True)
class Spent:
    """The usage of one model in one step; `cost` is in the prices' currency, 0 if they were unknown."""

    step: str
    model: str
    usage: Usage
    cost: float


@dataclass(frozen=True, slots=True)
class _Period:
    """A period with a limit. Its counter is kept for `ttl` seconds; the period ends in `left` seconds."""

    key: str
    variable: str
    limit: int
    ttl: float
    left: float


class Spending:
    """The `Account` (`core.llm.base`) of an instance. `daily` and `monthly` are limits in tokens, 0 for none.

    Days and months are those of UTC.
    """

    def __init__(self, store: Store, *, daily: int = 0, monthly: int = 0, prices: Prices | None = None) -> None:
        self._store = store
        self._daily, self._monthly = daily, monthly
        self.prices = prices or Prices()
        self._open = 0  # unsettled calls of this process
        self._settled = asyncio.Event()  # set when a call is settled, and replaced
        self._named: set[tuple[str, str, str]] = set()  # month, step and model of known list entries

    def limited(self, daily: int, monthly: int, prices: Prices) -> "Spending":
        """Returns an account over the same counters with limits and prices."""
        return Spending(self._store, daily=daily, monthly=monthly, prices=prices)

    @asynccontextmanager
    async def hold(self, tokens: int, now: datetime) -> AsyncIterator[Hold]:
        """See `Account`. If the budget is exhausted, waits for the rest of this process's open calls."""
        periods = tuple(period for period in self._periods(now.astimezone(UTC)) if period.limit)
        await self._take(tokens, periods)
        hold = Hold(tokens, tokens)
        try:
            yield hold
        finally:
            await self._settle(hold, periods)

    async def record(self, step: str, model: str, usage: Usage, now: datetime) -> None:
        """See `Account`."""
        if usage == Usage():
            return
        month = month_of(now)
        await self._name(month, step, model)
        amounts = (usage.prompt, usage.completion, usage.calls, self.prices.millionths(usage))
        counters = {keys.usage_counter(month, step, model, what): n for what, n in zip(_WHAT, amounts, strict=True)}
        await asyncio.gather(
            *(self._store.take(key, amount, _NO_LIMIT, _KEPT_SECONDS) for key, amount in counters.items() if amount)
        )

    async def used(self, month: str) -> list[Spent]:
        """Returns the usage in a month ("2026-03"), by step and model. Raises `StoreError`."""
        listed = await self._listed(month)
        wanted = [keys.usage_counter(month, step, model, what) for step, model in listed for what in _WHAT]
        found = dict(zip(wanted, await self._store.get_many(wanted), strict=True))
        return [_spent(month, step, model, found) for step, model in listed]

    async def _take(self, tokens: int, periods: tuple[_Period, ...]) -> None:
        """Take tokens from the budgets of all periods. Raises `ModelError` ("budget")."""
        while True:
            settled = self._settled
            full = await self._try_to_take(tokens, periods)
            if full is None:
                self._open += 1
                return
            if not self._open and not settled.is_set():
                detail = f"{full.variable} is {full.limit:,}, and this would need up to {tokens:,}"
                raise wrong("budget", detail, retry_after=full.left)
            await settled.wait()

    async def _try_to_take(self, tokens: int, periods: tuple[_Period, ...]) -> _Period | None:
        """Take tokens from all periods, or none. Returns the period whose budget is too small, None on success."""
        taken: list[_Period] = []
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

    async def _settle(self, hold: Hold, periods: tuple[_Period, ...]) -> None:
        """Correct the estimate to the actual usage, regardless of the limits.

        If the store fails, the estimate stays counted, which is rather too much than too little.
        """
        try:
            for period in periods:
                if hold.spent != hold.tokens:
                    await self._store.take(period.key, hold.spent - hold.tokens, _NO_LIMIT, period.ttl)
        except StoreError as error:
            log.warning("unused tokens of a call to the model could not be returned to the budget: %s", error)
        finally:
            self._open -= 1
            self._settled.set()
            self._settled = asyncio.Event()

    def _periods(self, now: datetime) -> tuple[_Period, _Period]:
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        month = day.replace(day=1)
        ends = (day + timedelta(days=1), (month + timedelta(days=32)).replace(day=1))
        # Kept longer than the period: calls may be settled after its end
        left_day, left_month = ((end - now).total_seconds() for end in ends)
        keep = keys.DAY_SECONDS
        return (
            _Period(keys.llm_budget(f"{now:%Y-%m-%d}"), "LLM_DAILY_TOKENS", self._daily, left_day + keep, left_day),
            _Period(
                keys.llm_budget(f"{now:%Y-%m}"), "LLM_MONTHLY_TOKENS", self._monthly, left_month + keep, left_month
            ),
        )

    async def _name(self, month: str, step: str, model: str) -> None:
        """List the step and model, once a month; if the list stays locked, the next call tries again."""
        name = (month, step, model)
        for _ in range(_LOCK_TRIES):
            if name in self._named:
                return
            if await self._list(*name):
                self._named = {known for known in self._named if known[0] == month} | {name}
                return
            await asyncio.sleep(_LOCK_PAUSE)

    async def _list(self, month: str, step: str, model: str) -> bool:
        """Add a step and model to the list. Returns False if another process is changing it."""
        if [step, model] in await self._listed(month):
            return True
        async with holding(self._store, keys.USAGE_LOCK) as lock:
            if lock is None:
                return False
            listed = await self._listed(month)  # again, under the lock
            if [step, model] not in listed:
                value = orjson.dumps(sorted([*listed, [step, model]]))
                await lock.commit({keys.usage(month): (value, _KEPT_SECONDS)}, release=True)
        return True

    async def _listed(self, month: str) -> list[list[str]]:
        value = await self._store.get(keys.usage(month))
        return attempt(keys.usage(month), _names, value) or []


def _names(value: bytes) -> list[list[str]]:
    try:
        return [[str(step), str(model)] for step, model in orjson.loads(value)]
    except (TypeError, ValueError) as error:
        raise StoreError("it is no list of steps and models") from error


def month_of(now: datetime) -> str:
    """Returns the month of `now` in UTC: "2026-03"."""
    return f"{now.astimezone(UTC):%Y-%m}"


def _spent(month: str, step: str, model: str, found: Mapping[str, bytes | None]) -> Spent:
    prompt, completion, calls, cost = (_number(found[keys.usage_counter(month, step, model, w)]) for w in _WHAT)
    return Spent(step, model, Usage(prompt, completion, calls), cost / MILLIONTHS)


def _number(value: bytes | None) -> int:
    text = value or b"0"
    return int(text) if text.isdigit() and len(text) <= _DIGITS else 0  # as `Store.take` counts
