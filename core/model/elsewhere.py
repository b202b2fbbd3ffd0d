"""Papers from sources beside arXiv: which date they belong to, and which of them are the same work.

An entry of an RSS feed belongs to the date on which it was first seen there, so that nothing that comes late is missed;
when a feed is read for the first time, to its own date. A work that arXiv or a preprint server has too is that paper.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from core.model.batch import Announcement, Batch, make_batch
from core.model.manifest import BatchRecord, CategoryState, rfc3339
from core.model.paper import Paper, find_dois, own_doi
from core.model.sources import Origin
from core.text.fold import fold

MOST_A_DAY = 5000  # entries of all RSS feeds
_LEAST_TITLE = 30  # letters of a title that is not "Editorial" or "Correction to: …"
_LEAST_WORDS = 4


def work_title(paper: Paper) -> str:
    """Returns what papers with the same title have in common, "" for titles that several works may have."""
    words = "".join(char if char.isalnum() else " " for char in fold(paper.title)).split()
    return " ".join(words) if len(words) >= _LEAST_WORDS and sum(map(len, words)) >= _LEAST_TITLE else ""


def dois_of(paper: Paper) -> frozenset[str]:
    """Returns the DOIs of a work: its own, and that of its publication, in small letters."""
    return frozenset(doi.lower() for doi in (own_doi(paper.id), *find_dois(paper.doi)) if doi)


def same_authors(one: Paper, other: Paper) -> bool:
    """Returns whether two papers may be by the same authors: a family name in common, or one that names none."""
    if not (one.authors and other.authors):
        return True
    names = [{fold(author.parts[1]) for author in paper.authors} for paper in (one, other)]
    return not names[0].isdisjoint(names[1])


@dataclass(slots=True)
class Works:
    """Papers that are known, by identifier, DOI and title, to find the same work again."""

    by_id: dict[str, Paper] = field(default_factory=dict)
    by_doi: dict[str, Paper] = field(default_factory=dict)
    by_title: dict[str, Paper] = field(default_factory=dict)

    def add(self, paper: Paper) -> None:
        """Add a paper; of several versions the last one that is added counts."""
        self.by_id[paper.id] = paper
        self.by_doi |= dict.fromkeys(dois_of(paper), paper)
        if key := work_title(paper):
            self.by_title[key] = paper

    def find(self, paper: Paper) -> Paper | None:
        """Returns the known paper that is the same work, None without one."""
        if known := self.by_id.get(paper.id):
            return known
        for doi in sorted(dois_of(paper)):
            if known := self.by_doi.get(doi):
                return known
        known = self.by_title.get(work_title(paper))
        return known if known and same_authors(known, paper) else None


def as_known(paper: Paper, known: Paper) -> Paper:
    """Returns an entry's paper under the identity of a `known` paper: with its texts, and where it is published."""
    if paper.id == known.id:
        return known
    doi = own_doi(paper.id)
    return replace(known, doi=known.doi or doi, journal_ref=known.journal_ref or (paper.venue if doi else ""))


@dataclass(frozen=True, slots=True)
class Came:
    """What an RSS feed answered: its papers, or the `problem`; `unchanged` if it said that nothing has changed."""

    origin: Origin
    papers: tuple[Paper, ...] = ()
    rejected: tuple[Mapping[str, str], ...] = ()
    problem: str = ""
    unchanged: bool = False
    validators: Mapping[str, str] = field(default_factory=dict)


def file_entries(
    records: Mapping[date, BatchRecord],
    batches: Mapping[date, Batch],
    came: Iterable[Came],
    elsewhere: Works,
    *,
    now: datetime,
    oldest: date,
) -> tuple[dict[date, BatchRecord], list[Batch]]:
    """File the entries of RSS feeds. Returns all records, and the batches that have changed.

    `elsewhere` are papers of the other sources that may be the same works.
    """
    today = now.date()
    newest = records.get(max(records, default=today)) or BatchRecord(today, "quiet")
    days: dict[date, dict[str, Announcement]] = {
        day: {item.paper.id: item for item in batch.announcements} for day, batch in batches.items()
    }
    own = Works()
    where: dict[str, date] = {}
    for day in sorted(days):
        for item in days[day].values():
            own.add(item.paper)
            where[item.paper.id] = day
    states, validators = dict(newest.categories), dict(newest.validators)
    rejected: list[Mapping[str, str]] = []
    for one in came:
        key, known = one.origin.key, states.get(one.origin.key)
        states[key] = _state(one, known, now)
        rejected += one.rejected
        if one.problem or one.unchanged:
            continue
        validators[key] = one.validators
        first = known is None or not known.source
        for paper in one.papers:
            day = min(max(paper.published_on or today, oldest), today) if first else today
            if not _file(paper, key, day, days, own, where, elsewhere):
                validators.pop(key, None)  # what has no room is asked for again
                states[key] = states[key]._replace(reason=f"{one.origin.name}: more than {MOST_A_DAY} entries in a day")
    changed = [
        batch
        for day, items in days.items()
        if items and (batch := make_batch(day, items.values())).hash != getattr(batches.get(day), "hash", "")
    ]
    out = dict(records)
    for batch in changed:
        out[batch.date] = _record_of(batch, out.get(batch.date), now)
    return out | {today: _today(out.get(today), today, states, validators, rejected)}, changed


def _file(
    paper: Paper,
    key: str,
    day: date,
    days: dict[date, dict[str, Announcement]],
    own: Works,
    where: dict[str, date],
    elsewhere: Works,
) -> bool:
    """Put a paper of the feed `key` in its place. Returns whether there was room for it."""
    if known := own.find(paper):
        at = days[where[known.id]]
        item = at[known.id]
        if paper.id == known.id and not known.is_arxiv:  # its feed may have corrected it
            abstract, link = paper.abstract or known.abstract, paper.link or known.link
            item = replace(item, paper=replace(known, title=paper.title, abstract=abstract, link=link))
            own.add(item.paper)
        at[known.id] = item if key in item.into else replace(item, into=(*item.into, key))
        return True
    place = days.setdefault(day, {})
    if len(place) >= MOST_A_DAY:
        return False
    same = elsewhere.find(paper)
    paper = as_known(paper, same) if same else paper
    if paper.id in place:
        return _file(paper, key, day, days, own, where, elsewhere)
    place[paper.id] = Announcement(paper, "new", into=(key,))
    own.add(paper)
    where[paper.id] = day
    return True


def _state(came: Came, known: CategoryState | None, now: datetime) -> CategoryState:
    """Returns the state of a feed; its `source` is "rss" once it has been read."""
    read = "rss" if not came.problem or (known and known.source) else ""
    if came.problem:
        since = known.since if known and known.state == "failed" else rfc3339(now)
        return CategoryState("failed", f"{came.origin.name}: {came.problem}", since, read)
    first = (
        f"{len(came.rejected)} of its entries could not be read: {came.rejected[0]['reason']}" if came.rejected else ""
    )
    unread = f"{came.origin.name}: {first}" if first else ""
    if came.unchanged and known and known.state == "complete":
        unread = known.reason
    return CategoryState("complete", unread, source=read)


def _record_of(batch: Batch, known: BatchRecord | None, now: datetime) -> BatchRecord:
    known = known or BatchRecord(batch.date, "complete")
    return replace(known, state="complete", hash=batch.hash, total=len(batch.announcements), fetched=rfc3339(now))


def _today(
    record: BatchRecord | None,
    today: date,
    states: Mapping[str, CategoryState],
    validators: Mapping[str, Mapping[str, str]],
    rejected: Sequence[Mapping[str, str]],
) -> BatchRecord:
    """Returns the record of the present date, which has the states of all feeds."""
    record = record or BatchRecord(today, "quiet")
    failed = [state.reason for state in states.values() if state.state == "failed"]
    state = "complete" if record.hash else "failed" if len(failed) == len(states) and states else "quiet"
    reason = "; ".join(failed) or ("" if record.hash else "the feeds have nothing new on this date so far")
    kept = tuple(rejected[:_MOST_REJECTED])
    return replace(record, state=state, reason=reason, categories=states, validators=validators, rejected=kept)


_MOST_REJECTED = 50


def without_origins(record: BatchRecord, kept: Collection[str]) -> BatchRecord:
    """Returns the record without the states of RSS feeds that no feed names any more."""
    states = {key: state for key, state in record.categories.items() if key in kept}
    return replace(record, categories=states, validators={k: v for k, v in record.validators.items() if k in kept})


def file_posted(
    day: date,
    record: BatchRecord | None,
    batch: Batch | None,
    papers: Iterable[Paper],
    *,
    problem: str,
    rejected: Sequence[Mapping[str, str]],
    over: bool,
    now: datetime,
) -> tuple[BatchRecord, Batch | None]:
    """File what a preprint server has of a date. Returns the record, and the batch if it has changed.

    What was there before and is not now stays. `over`: the date was due before; what comes now is late.
    """
    known = {item.paper.versioned: item for item in (batch.announcements if batch else ())}
    late = rfc3339(now) if over and known else ""
    items = dict(known)
    for paper in papers:
        before = items.get(paper.versioned)
        served = "new" if paper.version == 1 else "replace"
        items[paper.versioned] = replace(before, paper=paper) if before else Announcement(paper, served, late)
    made = make_batch(day, items.values())
    unread = f"{len(rejected)} paper(s) could not be read" if rejected else ""
    state = "partial" if problem else "complete" if items else "quiet"
    reason = problem or unread or ("" if items else "it has no papers of this date, or not yet")
    record = record or BatchRecord(day, state)
    changed = bool(items) and made.hash != record.hash
    if changed:
        record = replace(record, hash=made.hash, total=len(items), fetched=rfc3339(now))
    late_ones = sum(1 for item in items.values() if item.late)
    return (
        replace(
            record,
            state=state,
            reason=reason,
            rejected=tuple(rejected[:_MOST_REJECTED]),
            late=late_ones,
        ),
        made if changed else None,
    )


def days_to_ask(records: Mapping[date, BatchRecord], due: date, again: int, look_back: int, oldest: date) -> list[date]:
    """Returns the dates of a preprint server to ask for, newest first: the present ones again, others once."""
    days = [due + timedelta(days=1 - n) for n in range(look_back + 1)]
    wanted = [day for n, day in enumerate(days) if n <= again or day not in records or records[day].state in _ASKED]
    lost = [day for day, record in records.items() if record.state == "failed" and oldest <= day < days[-1]]
    return [day for day in wanted if day >= oldest] + sorted(lost, reverse=True)


_ASKED = ("failed", "partial")
