"""What a refresh does beside the batch that is due: what was missed, what the API adds, what Hugging Face picked.

Work is done in units, each of which is stored when it is done, until time is up or an upstream does not deliver. What
is left is owed, and the next refresh goes on there. No request of a stranger leads here.

The order is that of what readers miss most: Hugging Face's picks, the due date's papers as the API has them, scorecards
and summaries, and then the dates before.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from core.analysis import analyse
from core.analyst import Analysed, Analyst
from core.domain.calendar import due_date
from core.domain.errors import FetchError, SourceError
from core.domain.ledger import Window, owed
from core.domain.manifest import Manifest
from core.domain.saved import Saved
from core.picks import refresh_picks
from core.rules import Rules
from core.shown import complete_shown
from core.sources.announcements import Progress
from core.sources.fetch import Get
from core.state import State, read_state
from core.store import keys
from core.store.lock import holding
from core.store.protocol import Store
from core.windows import Begun, begin, enter_window, read_slice

_LEAST_SECONDS = 5.0  # no request is begun with less time left


@dataclass(slots=True)
class Caught:
    """What came of it: windows that were read, papers that were found late, papers that were completed, dates of
    Hugging Face, the analysis, the windows that are still owed, and what went wrong.
    """

    windows: int = 0
    late: int = 0
    completed: int = 0
    picks: int = 0
    owed: tuple[Window, ...] = ()
    problems: list[str] = field(default_factory=list)
    analysed: Analysed = field(default_factory=Analysed)

    def to_plain(self) -> dict[str, Any]:
        """This as JSON values."""
        numbers = {name: getattr(self, name) for name in ("windows", "late", "completed", "picks")}
        more = {"owed": len(self.owed), "problems": list(self.problems), "analysis": self.analysed.to_plain()}
        return numbers | more


@dataclass(frozen=True, slots=True)
class Upstreams:
    """Where arXiv's API and Hugging Face are, and how each is asked. Where there is no API it is not asked."""

    get: Get
    api_url: str
    get_picks: Get
    hf_url: str


async def catch_up(
    store: Store,
    upstreams: Upstreams,
    analyst: Analyst | None,
    rules_of: Callable[[Saved], Rules],
    *,
    now: datetime,
    retention: timedelta,
    seconds: float,
    progress: Progress,
) -> tuple[Caught, State] | None:
    """Work off what is owed, for so many seconds at most. None: another process is at it.

    Without an `analyst` nothing is analysed. Raises `StoreError`; what upstreams and models do wrong is told in the
    report.
    """
    end = monotonic() + seconds
    async with holding(store, keys.CATCH_UP_LOCK) as lock:
        if lock is None:
            return None
        caught = Caught()
        rules = rules_of((await read_state(store)).saved)
        fetching = _Fetching(store, upstreams, rules, caught, now, retention, end, progress)
        await fetching.due()

        async def analyse_now() -> None:
            if analyst and not caught.analysed.problems and (left := end - monotonic()) > 0:
                await analyse(
                    store, analyst, rules, now=now, retention=retention, seconds=left, progress=progress,
                    report=caught.analysed,
                )  # fmt: skip

        await analyse_now()
        if await fetching.windows(lambda _: True):
            await analyse_now()  # dates of which nothing was known before
        state = await read_state(store)
        caught.owed = fetching.owed(state.manifest)
        return caught, state


@dataclass(slots=True)
class _Fetching:
    """What is fetched, for whom, and until when (`time.monotonic`). `is_down`: the API does not deliver; `tried` are
    windows that it was asked for: once each, though they may be owed again.
    """

    store: Store
    upstreams: Upstreams
    rules: Rules
    caught: Caught
    now: datetime
    retention: timedelta
    end: float
    progress: Progress
    is_down: bool = False
    tried: set[Window] = field(default_factory=set)

    @property
    def _is_late(self) -> bool:
        return self.end - monotonic() <= _LEAST_SECONDS

    def owed(self, manifest: Manifest) -> tuple[Window, ...]:
        """The windows that the API is still to be asked for; none where there is no API."""
        if not self.upstreams.api_url:
            return ()
        return tuple(owed(manifest, self.rules.categories, self.now, self.retention))

    async def due(self) -> None:
        """Fetch what the papers that feeds show now still lack: picks, the due date's window, details."""
        store, upstreams, rules, now = self.store, self.upstreams, self.rules, self.now
        if rules.wants_picks:
            self.progress("asking Hugging Face", 0, 1)
            self.caught.picks, problems = await refresh_picks(
                store, upstreams.get_picks, upstreams.hf_url, rules, now, self.retention
            )
            self.caught.problems += problems
        if not upstreams.api_url:
            return
        due = due_date(now)
        await self.windows(lambda window: window.date == due)
        if not self.is_down and not self._is_late:
            self.caught.completed, problems = await complete_shown(
                store, upstreams.get, upstreams.api_url, rules, now, self.retention
            )
            self.caught.problems += problems

    async def windows(self, wanted: Callable[[Window], bool]) -> int:
        """Read the windows that are owed and `wanted`, newest first, until time is up or the API does not deliver. How
        many were read.
        """
        before = self.caught.windows
        while not self._is_late and not self.is_down:
            manifest = (await read_state(self.store)).manifest
            windows = [window for window in self.owed(manifest) if wanted(window)]
            window = next((one for one in windows if one not in self.tried), None)
            if window is None:
                break
            self.tried.add(window)
            begun = await begin(self.store, window, self.now)
            if await self._read(begun, len(windows)):
                entered = await enter_window(self.store, begun, self.rules, self.now, self.retention)
                self.caught.windows += 1
                self.caught.late += entered.added
        return self.caught.windows - before

    async def _read(self, begun: Begun, number: int) -> bool:
        """Read a window on: whether it was read to its end."""
        last, total = False, 0
        while not last and not self._is_late:
            what = f"asking arXiv's API for {begun.window.date}, {number} dates to go"
            self.progress(what, begun.start, max(total, 1))
            try:
                total, last, short = await read_slice(self.store, self.upstreams.get, self.upstreams.api_url, begun)
            except SourceError as error:
                self.caught.problems.append(error.reason if isinstance(error, FetchError) else str(error))
                self.is_down = True
                return False
            if short:
                self.caught.problems.append(short)
                break
        return last
