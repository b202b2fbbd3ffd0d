"""What a refresh does beside the batch that is due: what was missed, what the API adds, what Hugging Face picked.

Work is done in units, each of which is stored when it is done, until time is up or an upstream does not deliver. What
is left is owed, and the next refresh goes on there. No request of a stranger leads here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from core.domain.errors import FetchError, SourceError
from core.domain.ledger import Window, owed
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
from core.windows import begin, enter_window, read_slice

_LEAST_SECONDS = 5.0  # no request is begun with less time left


@dataclass(slots=True)
class Caught:
    """What came of it: windows that were read, papers that were found late, papers that were completed, dates of
    Hugging Face, the windows that are still owed, and what went wrong.
    """

    windows: int = 0
    late: int = 0
    completed: int = 0
    picks: int = 0
    owed: tuple[Window, ...] = ()
    problems: list[str] = field(default_factory=list)

    def to_plain(self) -> dict[str, Any]:
        """This as JSON values."""
        numbers = {name: getattr(self, name) for name in ("windows", "late", "completed", "picks")}
        return numbers | {"owed": len(self.owed), "problems": list(self.problems)}


@dataclass(frozen=True, slots=True)
class Upstreams:
    """Where arXiv's API and Hugging Face are, and how each is asked."""

    get: Get
    api_url: str
    get_picks: Get
    hf_url: str


async def catch_up(
    store: Store,
    upstreams: Upstreams,
    rules_of: Callable[[Saved], Rules],
    *,
    now: datetime,
    retention: timedelta,
    seconds: float,
    progress: Progress,
) -> tuple[Caught, State] | None:
    """Work off what is owed, for so many seconds at most. None: another process is at it.

    Raises `StoreError`; what upstreams do wrong is told in the report.
    """
    end = monotonic() + seconds
    async with holding(store, keys.CATCH_UP_LOCK) as lock:
        if lock is None:
            return None
        caught = Caught()
        state = await read_state(store)
        rules = rules_of(state.saved)
        if rules.wants_picks:
            progress("asking Hugging Face", 0, 1)
            get, url = upstreams.get_picks, upstreams.hf_url
            caught.picks, problems = await refresh_picks(store, get, url, rules, now, retention)
            caught.problems += problems
        before = len(caught.problems)
        await _read_windows(store, upstreams, rules, caught, now, retention, end, progress)
        if len(caught.problems) == before and end - monotonic() > _LEAST_SECONDS:
            caught.completed, problems = await complete_shown(
                store, upstreams.get, upstreams.api_url, rules, now, retention
            )
            caught.problems += problems
        state = await read_state(store)
        caught.owed = tuple(owed(state.manifest, rules.categories, now, retention))
        return caught, state


async def _read_windows(
    store: Store,
    upstreams: Upstreams,
    rules: Rules,
    caught: Caught,
    now: datetime,
    retention: timedelta,
    end: float,
    progress: Progress,
) -> None:
    """Read the windows that are owed, newest first, until the time is up or the API does not deliver."""
    tried: set[Window] = set()
    while end - monotonic() > _LEAST_SECONDS:
        manifest = (await read_state(store)).manifest
        windows = owed(manifest, rules.categories, now, retention)
        window = next((one for one in windows if one not in tried), None)
        if window is None:
            return
        tried.add(window)
        begun, last, total = await begin(store, window, now), False, 0
        while not last and end - monotonic() > _LEAST_SECONDS:
            progress(f"asking arXiv's API for {window.date}, {len(windows)} dates to go", begun.start, max(total, 1))
            try:
                total, last, short = await read_slice(store, upstreams.get, upstreams.api_url, begun)
            except SourceError as error:
                caught.problems.append(error.reason if isinstance(error, FetchError) else str(error))
                return
            if short:
                caught.problems.append(short)
                break
        if last:
            entered = await enter_window(store, begun, rules, now, retention)
            caught.windows += 1
            caught.late += entered.added


def in_words(windows: Sequence[Window]) -> str:
    """What is owed, for people: "3 dates, 2026-03-02 to 2026-03-05", or ""."""
    if not windows:
        return ""
    days = sorted(window.date for window in windows)
    return f"{len(days)} date{'s' if len(days) > 1 else ''}, {days[0]} to {days[-1]}" if days[1:] else f"{days[0]}"
