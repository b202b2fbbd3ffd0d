"""Scorecards and summaries under fingerprints of all their inputs, and the analyses of feeds' dates made from them.

A value that is lost or damaged is made again.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any, NamedTuple

from core.archive.draft import Draft
from core.archive.reading import read_value
from core.model.analysis import Analysis, from_plain, to_plain
from core.model.rubric import Scorecard
from core.model.summary import Summary
from core.store import keys
from core.store.base import Store, Values, holding
from core.store.codec import encode


class CardKey(NamedTuple):
    """Names the scorecard of a paper ("2512.22925v1"). The fingerprint covers all its other inputs."""

    paper: str
    fingerprint: str


class SummaryKey(NamedTuple):
    """Names the summary of a paper ("2512.22925v1"). The fingerprint covers model, prompt and what was read."""

    paper: str
    template: str
    language: str
    fingerprint: str


class AnalysisKey(NamedTuple):
    """Names the analysis of a feed's date; `name` is the one in the manifest."""

    feed: str
    date: date
    name: str


Answers = Mapping[CardKey | SummaryKey, Scorecard | Summary]
Put = Callable[[SummaryKey, Summary], Awaitable[None]]


class Analyses:
    """Scorecards, summaries and analyses in one store. All methods raise `StoreError` if the store fails."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(self, requested: Iterable[CardKey | SummaryKey]) -> dict[CardKey | SummaryKey, Scorecard | Summary]:
        """Returns the stored answers by key, without missing ones, in one round trip."""
        return await self._read({key: (_key(key), _MAKERS[type(key)]) for key in requested})

    async def read(self, requested: Iterable[AnalysisKey]) -> dict[AnalysisKey, dict[str, Any]]:
        """Returns the stored analyses by key, as JSON values, without missing ones, in one round trip."""
        return await self._read({key: (keys.analysis(*key), from_plain) for key in requested})

    async def put(self, answers: Answers) -> None:
        """Store answers, not atomically."""
        await self._store.put_many(_encoded(answers))

    def draft(self, draft: Draft, analyses: Mapping[AnalysisKey, Analysis], answers: Answers, now: datetime) -> None:
        """Put analyses and answers into a draft, and the names of the analyses into its manifest."""
        names: dict[str, dict[str, str]] = {}
        values = _encoded(answers)
        for key, analysis in analyses.items():
            names.setdefault(key.feed, {})[key.date.isoformat()] = key.name
            values[keys.analysis(*key)] = (encode(to_plain(analysis)), draft.batch_seconds)
        draft.put(values)
        if names:
            draft.manifest = draft.manifest.naming(names, now)

    @asynccontextmanager
    async def summarising(self, paper: str, template: str, language: str) -> AsyncIterator[Put | None]:
        """Hold the lock of this summary. Yields a function that stores it, None if another process has the lock."""
        async with holding(self._store, keys.summary_lock(paper, template, language)) as lock:

            async def put(key: SummaryKey, summary: Summary) -> None:
                if lock:
                    await lock.commit(_encoded({key: summary}), release=True)

            yield put if lock else None

    async def _read(self, requested: Mapping[Any, tuple[str, Callable[[Any], Any]]]) -> dict[Any, Any]:
        found = await self._store.get_many([name for name, _ in requested.values()]) if requested else []
        rows = zip(requested.items(), found, strict=True)
        made = {key: read_value(name, make, data) for (key, (name, make)), data in rows}
        return {key: value for key, value in made.items() if value is not None}


_MAKERS: Mapping[type, Callable[[Any], Any]] = {CardKey: Scorecard.from_plain, SummaryKey: Summary.from_plain}


def _key(key: CardKey | SummaryKey) -> str:
    return keys.card(*key) if isinstance(key, CardKey) else keys.summary(*key)


def _encoded(answers: Answers) -> Values:
    return {_key(key): (encode(answer.to_plain()), keys.WRITTEN_SECONDS) for key, answer in answers.items()}
