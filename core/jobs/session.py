"""Which language models the settings name: one OpenAI-compatible endpoint, and a model for each step.

One run of the analysis: who is asked, until when, what was found so far, and what ends it early."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from core.archive.days import Made
from core.archive.spending import Prices, Spending
from core.config.models import endpoint_url, models_of
from core.config.settings import Settings
from core.llm.base import STATES, Answer, Ask, Model, Usage
from core.model.analysis import Wait
from core.model.errors import ModelError, StoreError
from core.model.manifest import rfc3339
from core.model.paper import Paper
from core.sources.client import Get
from core.sources.fulltext import FullText, fetch_text
from core.sources.rss import Progress
from core.store.base import Store
from core.util.caches import LRUCache, SingleFlight


def open_model(settings: Settings, store: Store) -> Model | None:
    """The model that `settings` name, None if none is; nothing is connected before it is asked.

    Raises `ConfigError`. The budget and what is used are kept in `store`, by the days of the settings' clock.
    """
    if not (models := models_of(settings)):
        return None
    from core.llm.client import CompatibleModel
    from core.llm.endpoint import Endpoint

    return CompatibleModel(
        Endpoint(endpoint_url(settings), settings.llm_api_key),
        models,
        Spending(
            store, daily=settings.llm_daily_tokens, monthly=settings.llm_monthly_tokens, prices=prices_of(settings)
        ),
        settings.clock,
        concurrency=settings.llm_concurrency,
        timeout=settings.llm_timeout_seconds,
    )


def prices_of(settings: Settings) -> Prices:
    """What the models cost."""
    return Prices(settings.llm_price_prompt, settings.llm_price_completion)


log = logging.getLogger("paperwire")

MOST_TRIES = 5  # of a step for a paper; then it is left, until it is asked in other words
TEXT_TRIES = 3  # of reading a paper; then its abstract has to do
RESERVE_SECONDS = 10.0  # a call takes about as long: with less time left none is begun, because it would be lost
_RESERVE_SHARE = 0.25  # of a short run
_LAST_SECONDS = 1.0  # for calls that are under way when a run is stopped
_PAUSE_SECONDS = 300.0  # before a step is tried again, doubled with every try
_LONGEST_PAUSE = 86_400.0
_TEXT_CHARS = 10_000_000  # remembered, because several feeds may want the same paper
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Analyst:
    """Who reads the papers: a model, if there is one, and where their texts are. `at_once` bounds the questions.

    `cost` is what a usage costs, in the currency of the prices, 0 where these are not known.
    """

    model: Model | None
    get: Get
    pdf_url: str
    at_once: int = 4
    cost: Callable[[Usage], float] = lambda _: 0.0


@dataclass(slots=True)
class Analysed:
    """What came of a run: papers screened, analysed, summarised by a model, and extracted; summaries and judgements
    that are still to be made (`pending`), failures by their state, what the models took, and what was wrong.
    """

    screened: int = 0
    analysed: int = 0
    summarised: int = 0
    extracted: int = 0
    pending: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    usage: Usage = field(default_factory=Usage)
    cost: float = 0.0
    problems: list[str] = field(default_factory=list)

    def to_plain(self) -> dict[str, Any]:
        """This as JSON values."""
        names = ("screened", "analysed", "summarised", "extracted", "pending")
        tokens = {"prompt": self.usage.prompt, "completion": self.usage.completion, "calls": self.usage.calls}
        more = {"failed": dict(self.failed), "tokens": tokens, "cost": self.cost, "problems": list(self.problems)}
        return {name: getattr(self, name) for name in names} | more


class Place(Protocol):
    """A place in the report and in the analysis where failures are noted by step."""

    waits: dict[str, Wait]


@dataclass(slots=True)
class Run:
    """A run that ends at `deadline` (the event loop's time). `stopped` is what makes all further questions useless.

    `unsaved` are answers that the store has not taken yet; they go with the next commit.
    """

    store: Store
    analyst: Analyst
    now: datetime
    deadline: float
    reserve: float
    progress: Progress
    report: Analysed
    stopped: ModelError | None = None
    cancelled: bool = False
    unsaved: Made = field(default_factory=dict)
    _at: tuple[int, int] = (0, 1)  # how far the stage is
    _texts: LRUCache[FullText] = field(default_factory=lambda: LRUCache(limit=_TEXT_CHARS))
    _fetching: SingleFlight[FullText] = field(default_factory=SingleFlight)
    _one_by_one: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def of(
        cls, store: Store, analyst: Analyst, now: datetime, seconds: float, progress: Progress, report: Analysed
    ) -> "Run":
        """A run of so many seconds from now on, which adds to a report."""
        end = asyncio.get_running_loop().time() + seconds
        return cls(store, analyst, now, end, min(RESERVE_SECONDS, seconds * _RESERVE_SHARE), progress, report)

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return asyncio.get_running_loop().time() >= self.deadline

    @property
    def may_ask(self) -> bool:
        """Whether another question may be begun."""
        left = self.deadline - asyncio.get_running_loop().time()
        return self.stopped is None and not self.cancelled and left > self.reserve

    async def each(
        self, what: str, todo: Sequence[T], work: Callable[[T], Awaitable[None]], then: Callable[[], Awaitable[None]]
    ) -> None:
        """Do `work` for all, a few at once, as long as questions may be asked; and `then` after each."""
        left, done = deque(todo), 0

        async def worker() -> None:
            nonlocal done
            while left and self.may_ask:
                one = left.popleft()
                self._tell(what, done, len(todo))
                try:
                    await work(one)
                    await then()
                except StoreError as error:
                    self.stop(ModelError("store", str(error)))
                done += 1
                self._tell(what, done, len(todo))

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self.analyst.at_once, len(todo))):
                group.create_task(worker())

    def _tell(self, what: str, done: int, total: int) -> None:
        self._at = (done, total)
        self.progress(what, done, total)

    async def ask(self, question: Ask) -> Answer:
        """The answer, whose usage is counted. Raises `ModelError`.

        Whoever is cancelled meanwhile still gets an answer that comes in a moment, because it is paid for.
        """
        if self.analyst.model is None:
            raise AssertionError("nobody is there to be asked")
        call = asyncio.ensure_future(self.analyst.model.ask(question, deadline=self.deadline))
        try:
            answer = await asyncio.shield(call)
        except asyncio.CancelledError:
            self.cancelled = True
            await asyncio.wait([call], timeout=_LAST_SECONDS)
            if not call.done() or call.cancelled() or call.exception():
                call.cancel()
                raise
            answer = call.result()
        except ModelError as error:
            self._count(error.usage or Usage())
            raise
        self._count(answer.usage)
        return answer

    def _count(self, usage: Usage) -> None:
        self.report.usage += usage
        self.report.cost = self.analyst.cost(self.report.usage)

    async def keep(self, values: Made) -> None:
        """Store what was found. If the store fails, it is tried again at the end; until then nothing more is asked."""
        self.unsaved |= values
        try:
            await self.store.put_many(values)
        except StoreError as error:
            self.stop(ModelError("store", str(error)))
        else:
            for key in values:
                self.unsaved.pop(key, None)

    async def read(self, paper: Paper) -> FullText:
        """The full text of a paper, or what there is of it. Papers are fetched one by one. Raises `StoreError`."""
        if text := self._texts.get(paper.versioned):
            return text

        async def fetch() -> FullText:
            async with self._one_by_one:
                self.progress(f"reading {paper.versioned}", *self._at)
                analyst, end = self.analyst, self.deadline
                text = await fetch_text(analyst.get, paper, pdf_url=analyst.pdf_url, deadline=end)
            if not text.again:
                self._texts.put(paper.versioned, text, len(text.text) + 1)
            return text

        return await self._fetching.get(paper.versioned, fetch)

    def stop(self, error: ModelError) -> None:
        """Ask nothing more in this run: what is wrong is wrong for all."""
        if self.stopped is None:
            self.stopped = error
            self.report.problems.append(str(error))

    def failed(self, place: Place, step: str, of: str, error: ModelError) -> None:
        """Note why a step could not be done for a paper, and when it is worth another try."""
        row = STATES.get(error.state)
        if row is not None and row.for_all:
            self.stop(error)
            return
        if error.state == "timeout" and self.is_over:
            return  # it is this run whose time is up
        says = row.says if row else "something unexpected went wrong"
        self.wait(place, step, Wait(of, error.state, says), error.retry_after, again=error.again, most=MOST_TRIES)
        self.report.failed[error.state] += 1
        log.warning("%s failed: %s", step, error)

    def wait(self, place: Place, step: str, wait: Wait, seconds: float | None, *, again: bool, most: int) -> None:
        """Note that a step has to wait, for longer each time, at least so many seconds; after `most` tries for ever."""
        before = place.waits.get(step)
        tries = before.tries + 1 if before and before.of == wait.of else 1
        pause = min(max(seconds or 0, _PAUSE_SECONDS) * 2 ** (tries - 1), _LONGEST_PAUSE)
        until = rfc3339(self.now + timedelta(seconds=pause)) if again and tries < most else ""
        place.waits[step] = Wait(wait.of, wait.state, wait.problem, tries, until)
