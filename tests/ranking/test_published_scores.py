"""What real deployments of the keyword bot published, reproduced; and whole words over the same real days."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from core.model.feed import Feed, Keyword, Reason
from core.model.paper import Author, Paper
from core.model.scoring import field_text
from core.ranking.matching import make_scorer
from tests.conftest import SHARED
from tests.support.tables import each_row

DAYS = SHARED / "data" / "days"
DATES = ["2025-12-29", "2025-12-30", "2025-12-31", "2026-01-01", "2026-01-05", "2026-01-06"]
LISTS, PUBLISHED = 16, 480  # over all days

pytestmark = pytest.mark.shared


@cache
def papers(date: str) -> dict[str, Paper]:
    """The papers of a day by identifier, with their full abstracts."""
    lines = (DAYS / f"papers_{date}.jsonl").read_text("utf-8").splitlines()
    return {row["id"]: paper(row) for row in map(json.loads, lines)}


def paper(row: dict[str, Any]) -> Paper:
    authors = tuple(Author(name) for name in row["authors"])
    return Paper(row["id"], 1, row["title"], row["abstract"], authors, tuple(row["categories"]))


def first_line(whole: Paper) -> Paper:
    """The paper as the bot saw it: it cut abstracts at the first newline."""
    return Paper(whole.id, 1, whole.title, whole.abstract.split("\n")[0], whole.authors, whole.categories)


@cache
def lists(date: str) -> list[dict[str, Any]]:
    """What was published on a day, one for each deployment: its configuration and its papers."""
    return json.loads((DAYS / f"expected_{date}.json").read_text("utf-8"))["references"]  # type: ignore[no-any-return]


def feed_of(published: dict[str, Any]) -> Feed:
    """A published configuration as a feed: a keyword that was listed n times weighs n."""
    times = Counter(keyword.lower() for keyword in published["keywords"])
    return Feed(
        name="main",
        title="Published",
        categories=tuple(published["feeds_with_content"]),
        match="substring",
        title_bonus=0.5,
        keywords=tuple(Keyword(keyword, float(count)) for keyword, count in times.items()),
        exclude=tuple(published["exclude_keywords"]),
    )


def eligible(feed: Feed, candidate: Paper) -> bool:
    """Whether the first category feed that has the paper is that of its primary category, and so calls it new."""
    first = next((category for category in feed.categories if category in candidate.categories), None)
    return first == candidate.primary


def test_all_lists_are_there() -> None:
    """The records hold six days with sixteen lists of thirty papers."""
    assert [path.stem.removeprefix("expected_") for path in sorted(DAYS.glob("expected_*.json"))] == DATES
    assert sum(len(lists(date)) for date in DATES) == LISTS
    assert sum(len(published["expected"]) for date in DATES for published in lists(date)) == PUBLISHED


@each_row("date", DATES)
def test_published_scores(date: str) -> None:
    """Every published paper gets exactly the score that it was published with."""
    for published in lists(date):
        score = make_scorer(feed_of(published))
        made = {row["id"]: score(first_line(papers(date)[row["id"]])) for row in published["expected"]}
        expected = {row["id"]: row["score"] for row in published["expected"]}
        assert expected == {name: found and found.total for name, found in made.items()}


@each_row("date", DATES)
def test_published_papers_are_the_best(date: str) -> None:
    """No paper that was new that day and not excluded scores above the lowest that was published."""
    for published in lists(date):
        feed = feed_of(published)
        score = make_scorer(feed)
        names = {row["id"] for row in published["expected"]}
        lowest = min(row["score"] for row in published["expected"])
        others = {p.id: score(first_line(p)) for p in papers(date).values() if eligible(feed, p) and p.id not in names}
        assert [name for name, made in others.items() if made and made.total > lowest] == []
        assert len([made for made in others.values() if made]) >= 10
        assert all(eligible(feed, papers(date)[name]) for name in names)


def every_reason(*feeds: Feed) -> Iterator[tuple[str, Reason]]:
    """Every reason of every paper of all days, with the text that its offsets refer to."""
    for feed in feeds:
        score = make_scorer(feed)
        for date in DATES:
            for whole in papers(date).values():
                if made := score(whole):
                    yield from ((field_text(whole, reason.field), reason) for reason in made.reasons)


def whole_words(*keywords: str, **more: Any) -> Feed:
    return Feed("main", "Main", ("cs",), keywords=tuple(Keyword(keyword) for keyword in keywords), **more)


@pytest.fixture(scope="module")
def all_keywords() -> list[str]:
    """The keywords of all published configurations, each once."""
    return sorted({keyword for date in DATES for published in lists(date) for keyword in published["keywords"]})


def test_whole_words_on_real_days(all_keywords: list[str]) -> None:
    """Over thousands of real papers no reason begins or ends inside a word, and all offsets are true."""
    count = 0
    for text, reason in every_reason(
        whole_words(*all_keywords), whole_words("RL", "state-space", "I/O", "fine tuning")
    ):
        count += 1
        assert reason.text == text[reason.start : reason.end]
        assert not re.fullmatch(r"\w\w", text[max(reason.start - 1, 0) : reason.start + 1])
        assert not re.fullmatch(r"\w\w", text[reason.end - 1 : reason.end + 1])
    assert count > 5000


def test_substring_offsets_on_real_days(all_keywords: list[str]) -> None:
    """In substring mode every reason's text is the keyword, whatever the case, where the offsets say."""
    for text, reason in every_reason(whole_words(*all_keywords, match="substring")):
        assert reason.text == text[reason.start : reason.end]
        assert reason.text.lower() == reason.rule.removesuffix(" in title").lower()


@pytest.mark.parametrize(
    ("keyword", "pattern", "found", "never"),
    [
        ("LLM", r"(?<!\w)LLMs?(?!\w)", {"LLM", "LLMs"}, set()),
        ("fine-tuning", r"(?<!\w)fine[-–\s]?tuning(?!\w)", {"fine-tuning", "fine tuning", "finetuning"}, set()),
        ("fine tuning", r"(?<!\w)fine[-–\s]?tuning(?!\w)", {"fine-tuning", "fine tuning", "finetuning"}, set()),
        ("RL", r"(?<!\w)RLs?(?!\w)", {"RL"}, {"rl"}),
        ("network", r"(?<!\w)networks?(?!\w)", {"network", "networks", "Network", "Networks"}, set()),
    ],
)
def test_variants_on_real_days(keyword: str, pattern: str, found: set[str], never: set[str]) -> None:
    """A keyword is found in exactly the papers in which a regular expression finds it, plural and hyphen included."""
    score = make_scorer(whole_words(keyword, title_bonus=0))
    texts: set[str] = set()
    for date in DATES:
        for whole in papers(date).values():
            made = score(whole)
            assert made is not None
            expected = bool(re.search(pattern, f"{whole.title}\n\n\n{whole.abstract}", re.IGNORECASE))
            assert expected is bool(made.reasons)
            texts |= {reason.text for reason in made.reasons}
    assert found <= texts
    assert not never & texts
