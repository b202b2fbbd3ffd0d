"""The ledger with identifiers: for each date and category what arXiv announced, who says so, and what is corrected.

Dates of other sources have a line each: these have one witness, and no categories of their own.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from core.archive import Archive
from core.model.batch import Batch, announced_in
from core.model.calendar import due_date
from core.model.ledger import NOT_ALL_READ, Ids, days_kept, ids_of
from core.model.manifest import BatchRecord, CategoryState, Correction, Manifest
from core.model.sources import ARXIV, NAMES, SOURCES


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """A category of a date, or a date of another source, whose category is "": its state with the reason, the `ids` of
    the ledger, the number of late announcements, and the time of the API's answer (RFC 3339), "" without one. `page` is
    the outcome of its catch-up page, "" without one. `corrections` are those of the whole date. `over`: a later date is
    due already.
    """

    date: date
    category: str
    state: CategoryState
    read: str
    ids: Ids
    late: int
    over: bool
    page: str = ""
    corrections: tuple[Correction, ...] = ()
    source: str = ARXIV

    @property
    def label(self) -> str:
        """The category, or the name of another source."""
        return self.category or NAMES[self.source]

    @property
    def witnesses(self) -> tuple[str, ...]:
        """Who says what was announced: "rss", "catchup", "api", or another source."""
        return tuple(self.state.source.split("+")) if self.state.settled or self.ids.announced else ()

    @property
    def lacks(self) -> bool:
        """Whether a date that is over may lack papers."""
        return self.over and not self.state.settled

    def to_plain(self) -> dict[str, Any]:
        """Returns the line as JSON values."""
        head = {"date": self.date.isoformat(), "source": self.source, "category": self.category}
        head |= {"state": self.state.state}
        more: dict[str, Any] = {"reason": self.state.reason, "read": self.read, "late": self.late}
        more |= {"witnesses": list(self.witnesses), "page": self.page}
        more |= {"lacks": [name for name in self.state.lacks.split(",") if name]}
        more |= {"corrections": [one._asdict() for one in self.corrections]}
        return head | more | {name: sorted(ids) for name, ids in self.ids._asdict().items()}


async def audit_dates(
    archive: Archive,
    manifest: Manifest,
    categories: Sequence[str],
    now: datetime,
    first: date | None = None,
    last: date | None = None,
    sources: Collection[str] = (ARXIV,),
) -> list[LedgerLine]:
    """Returns the lines of the dates from `first` to `last`, newest date first; by default of the whole retention.

    Those of arXiv's `categories` come first, where a date without a record lacks everything; then those of other
    `sources`. Raises `StoreError`.
    """

    def is_asked(day: date) -> bool:
        return (first is None or day >= first) and (last is None or day <= last)

    days = sorted({*manifest.records, *days_kept(now, archive.retention)}, reverse=True)
    records = [manifest.get(day) for day in days if is_asked(day)]
    others = [
        (source, record)
        for source in SOURCES
        if source != ARXIV and source in sources
        for day, record in sorted(manifest.all_of(source).items(), reverse=True)
        if is_asked(day)
    ]
    batches = await archive.days.batches([*records, *(record for _, record in others)])
    confirmed = await archive.days.confirmed([record.date for record in records])
    due = due_date(now)
    return [
        _line(record, name, batches.get(record.hash), confirmed.get(record.date, frozenset()), over=record.date < due)
        for record in records
        for name in categories
    ] + [_other_line(source, record, batches.get(record.hash), over=record.date < due) for source, record in others]


def _other_line(source: str, record: BatchRecord, batch: Batch | None, *, over: bool) -> LedgerLine:
    lost = bool(record.hash) and batch is None
    state, reason = ("failed", "its batch was lost by the store") if lost else (record.state, record.reason)
    ids = frozenset(item.paper.id for item in batch.announcements) if batch else frozenset[str]()
    found = Ids(ids, frozenset(), frozenset(), frozenset())
    since = CategoryState(state, reason, record.fetched, source)
    return LedgerLine(record.date, "", since, record.fetched, found, record.late, over, source=source)


def _line(
    record: BatchRecord, category: str, batch: Batch | None, confirmed: frozenset[str], *, over: bool
) -> LedgerLine:
    lost = bool(record.hash) and batch is None
    state = CategoryState("failed", "its batch was lost by the store") if lost else record.of(category)
    if over and state.state == "expected":
        state = state._replace(reason=NOT_ALL_READ)
    items = batch.announcements if batch else ()
    late = sum(bool(i.late) for i in items if announced_in(i, (category,)))
    ids = ids_of(batch, confirmed, category)
    page = record.pages[category].outcome if category in record.pages else ""
    read = record.read.get(category, "")
    return LedgerLine(record.date, category, state, read, ids, late, over, page, record.corrections)
