"""The ledger: in whatever order announcements are read, every paper is there once, on its date where that shows."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from hypothesis import example, given, note, settings
from hypothesis import strategies as st

from core.model.batch import Announcement, Batch
from core.model.calendar import announcement_days, due_date, submission_window
from core.model.categories import listed
from core.model.ledger import Window, WindowReading, affected_dates, enter, windows_to_read
from core.model.manifest import Manifest, rfc3339
from core.model.paper import Paper
from core.model.reconcile import FetchedDate, settle
from tests.support.invented import make_paper

CATEGORIES = ("cs.CL", "cs.LG")
DAYS = announcement_days(date(2026, 3, 1), date(2026, 3, 12))  # eight days
RETENTION = timedelta(days=14)
KINDS = (("cs.LG",), ("cs.CL",), ("cs.AI", "cs.CL"), ("cs.LG", "cs.CL"))
RSS = ("whole", "whole", "whole", "no cs.CL", "missed")  # what a day's fetch may bring


@dataclass(frozen=True)
class Truth:
    """A paper: for which day it was submitted, when it was announced, and by which number on that day."""

    paper: Paper
    submitted: int
    announced: int
    crossed: int = 99  # the day on which it is listed in another category too


def truths(drawn: list[tuple[int, int, int, int]]) -> list[Truth]:
    """Papers by the day that they were submitted for, how long they were held, their kind, and when they are crossed
    over after that, if at all.

    Identifiers rise from one announcement to the next; on one date they are in no order.
    """
    found = []
    for number, (day, held, kind, crossed) in enumerate(sorted(drawn, key=lambda row: row[0] + row[1])):
        first, last = submission_window(DAYS[day])
        moment = first + (last - first) * ((number * 37) % 97 + 1) / 100
        paper = make_paper(number + 1, *KINDS[kind], published=rfc3339(moment))
        found.append(Truth(paper, day, day + held, day + held + crossed if crossed else 99))
    return found


@dataclass
class World:
    """arXiv at a day, and the ledger that is kept of it."""

    truths: list[Truth]
    today: int = 0
    minutes: int = 0  # since noon
    manifest: Manifest = field(default_factory=Manifest)
    batches: dict[date, Batch] = field(default_factory=dict)
    confirmed: dict[date, frozenset[str]] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        """Noon in New York, or a little later."""
        return datetime.combine(DAYS[self.today], time(17), UTC) + timedelta(minutes=self.minutes)

    def fetch(self, kind: str) -> None:
        """Read arXiv's feed of the day."""
        self.minutes += 1
        day = DAYS[self.today]
        if kind == "missed":
            return
        shown = [
            Announcement(replace(t.paper, published="", categories=self.categories(t)), self.kind(t))
            for t in self.truths
            if self.today in (t.announced, t.crossed) and (kind == "whole" or "cs.LG" in self.categories(t))
        ]
        failures = {} if kind == "whole" else {"cs.CL": "status 503"}
        outcome = FetchedDate(day, tuple(shown), failures, at=rfc3339(self.now))
        previous = next((self.batches[d] for d in sorted(self.batches, reverse=True) if d < day), None)
        record, batch = settle(outcome, CATEGORIES, self.manifest.get(day), self.batches.get(day), previous)
        self.manifest = replace(self.manifest, records={**self.manifest.records, day: record})
        if batch:
            self.batches[day] = batch

    def categories(self, truth: Truth) -> tuple[str, ...]:
        """Where a paper is listed today."""
        return truth.paper.categories + (("cs.LG", "cs.CL") if truth.crossed <= self.today else ())

    def kind(self, truth: Truth) -> str:
        """What arXiv's feed calls it today."""
        return "new" if truth.paper.primary in CATEGORIES and self.today == truth.announced else "cross"

    def pending(self) -> list[Window]:
        """What is pending today."""
        return windows_to_read(self.manifest, CATEGORIES, self.now, RETENTION)

    def read(self, window: Window) -> None:
        """Ask arXiv's API, which knows what was announced."""
        self.minutes += 1
        first, last = submission_window(window.date)
        papers = tuple(
            replace(t.paper, categories=self.categories(t))
            for t in self.truths
            if t.announced <= self.today
            and any(listed(c, window.categories) for c in self.categories(t))
            and first <= datetime.fromisoformat(t.paper.published) <= last
        )
        reading = WindowReading(window, papers, rfc3339(self.now))
        dates = affected_dates(self.manifest, reading, self.now, RETENTION)
        batches = {day: self.batches[day] for day in dates if day in self.batches}
        entered = enter(self.manifest, batches, self.confirmed, reading, CATEGORIES, self.now, RETENTION)
        self.manifest = replace(self.manifest, records={**self.manifest.records, **entered.records})
        self.batches |= entered.batches
        self.confirmed |= entered.confirmed

    def placed(self, truth: Truth) -> list[int]:
        """The days on which a paper is, without that on which it is only listed in another category."""
        return [
            number
            for number, day in enumerate(DAYS)
            for item in (self.batches[day].announcements if day in self.batches else ())
            if item.paper.id == truth.paper.id and not (number == truth.crossed and item.source == "rss")
        ]

    def shows(self, number: int, truth: Truth) -> bool:
        """Whether arXiv's feed was seen to show a paper on that day."""
        batch = self.batches.get(DAYS[number]) if number < len(DAYS) else None
        items = batch.announcements if batch else ()
        return any(item.paper.id == truth.paper.id and item.source == "rss" for item in items)

    def whole(self, number: int, truth: Truth) -> bool:
        """Whether arXiv's feed brought all that it had that day in a category of the paper."""
        states = [self.manifest.get(DAYS[number]).of(name) for name in truth.paper.categories if name in CATEGORIES]
        return all(state.settled and state.source == "rss" for state in states)

    def is_decided(self, truth: Truth) -> bool:
        """Whether times or identifiers tell when a paper was announced that arXiv's feed did not show."""
        if truth.submitted == truth.announced:
            return True
        before = [self.last(number) for number in range(truth.submitted, truth.announced)]
        known = all(self.whole(n, truth) for n in range(truth.submitted, truth.announced)) and all(before)
        return known and self.last(truth.announced) >= truth.paper.id

    def last(self, number: int) -> str:
        """The greatest identifier that the feed announced as new."""
        batch = self.batches.get(DAYS[number])
        items = [i for i in batch.announcements if i.source == "rss" and i.served == "new"] if batch else []
        return max((item.paper.id for item in items), default="")


papers = st.tuples(
    st.integers(0, len(DAYS) - 2),
    st.sampled_from((0, 0, 0, 1, 2, 3)),
    st.integers(0, len(KINDS) - 1),
    st.sampled_from((0, 0, 0, 1, 2)),
)
histories = st.lists(papers, min_size=1, max_size=30)
courses = st.lists(st.lists(st.sampled_from((*RSS, "read")), max_size=4), min_size=len(DAYS), max_size=len(DAYS))


# A date of which the feed brought only a part does not tell its last identifier
@example([(1, 0, 0, 0), (1, 0, 1, 0), (2, 0, 0, 0)], [["whole"], ["no cs.CL"], *([["whole"]] * 6)], Random(1))
# The API had a held paper before the feed announced it
@example([(0, 3, 0, 0), (2, 1, 0, 0)], [[], [], [], ["read", "whole"], [], [], [], []], Random(1))
# The feed announced a held paper with an identifier below the first new one, as if it were listed once more
@example([(3, 3, 2, 0), (3, 3, 0, 0)], [[], [], [], [], [], [], ["whole"], []], Random(1))
@given(histories, courses, st.randoms(use_true_random=False))
@settings(max_examples=min(settings().max_examples, 60))
def test_every_paper_once_and_on_its_date(
    drawn: list[tuple[int, int, int, int]], course: list[list[str]], chance: Random
) -> None:
    """Through days that were fetched whole, in part or not at all, with held and crossed papers, and windows read in
    any order, every paper is there once; when nothing is pending any more all are, on their dates where these show.
    """
    world = World(truths(drawn))
    note(repr((drawn, course)))
    live(world, course, chance)
    assert [] == world.pending()
    for truth in world.truths:
        check(world, truth)
    last = due_date(world.now)
    kept = {day: record for day, record in world.manifest.records.items() if last - RETENTION <= day < last}
    assert {"unconfirmed", "partial", "failed"} >= {record.state for record in kept.values()}  # without pages


def live(world: World, course: list[list[str]], chance: Random) -> None:
    """Go through the days, and at last read what is pending."""
    for number, steps in enumerate(course):
        world.today, world.minutes = number, 0
        for step in steps:
            if step != "read":
                world.fetch(step)
            elif windows := world.pending():
                world.read(chance.choice(windows))
    world.fetch("whole")
    for _ in range(100):
        if windows := world.pending():
            world.read(chance.choice(windows))


def check(world: World, truth: Truth) -> None:
    """A paper is where it should be."""
    shown, found = world.shows(truth.announced, truth), world.placed(truth)
    if truth.announced >= len(DAYS):
        assert [] == found
        return
    if not shown and truth.paper.primary not in CATEGORIES and world.shows(truth.crossed, truth):
        return  # that is the first that the feed showed of it, and the API does not know when it was crossed over
    assert 1 == len(found), (truth, found)
    assert truth.submitted <= found[0] <= truth.announced, (truth, found)
    if shown or world.is_decided(truth):
        assert [truth.announced] == found, (truth, found)
