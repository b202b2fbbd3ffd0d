"""The ledger with identifiers: for each date and category what arXiv announced, who says so, and what is corrected."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from core.archive import Archive
from core.model.batch import Batch, announced_in
from core.model.calendar import due_date
from core.model.ledger import NOT_ALL_READ, Ids, days_kept, ids_of
from core.model.manifest import BatchRecord, CategoryState, Correction, Manifest


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """A category of a date: its state with the reason, the `ids` of the ledger, the number of late announcements, and
    the time of the API's answer (RFC 3339), "" without one. `page` is the outcome of its catch-up page, "" without one.
    `corrections` are those of the whole date. `over`: a later date is due already.
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

    @property
    def witnesses(self) -> tuple[str, ...]:
        """Who says what was announced: "rss", "catchup", "api"."""
        return tuple(self.state.source.split("+")) if self.state.settled or self.ids.announced else ()

    @property
    def lacks(self) -> bool:
        """Whether a date that is over may lack papers."""
        return self.over and not self.state.settled

    def to_plain(self) -> dict[str, Any]:
        """Returns the line as JSON values."""
        head = {"date": self.date.isoformat(), "category": self.category, "state": self.state.state}
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
) -> list[LedgerLine]:
    """Returns the lines of the dates from `first` to `last`, newest date first; by default of the whole retention.

    A date without a record lacks everything. Raises `StoreError`.
    """
    days = sorted({*manifest.records, *days_kept(now, archive.retention)}, reverse=True)
    records = [manifest.get(day) for day in days if (first is None or day >= first) and (last is None or day <= last)]
    batches = await archive.days.batches(records)
    confirmed = await archive.days.confirmed([record.date for record in records])
    due = due_date(now)
    return [
        _line(record, name, batches.get(record.hash), confirmed.get(record.date, frozenset()), over=record.date < due)
        for record in records
        for name in categories
    ]


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
