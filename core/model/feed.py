"""Feeds, named selections of papers by rules; and entries, papers as a feed shows them, with the reasons of a score."""

from dataclasses import asdict, dataclass, fields
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

from core.model.paper import Paper
from core.model.rubric import Rubric, Scorecard
from core.model.summary import Summary
from core.util.signing import fingerprint

MATCH_MODES = ("word", "substring", "regex")
PREFIXES = {"ti": "title", "abs": "abstract", "au": "authors", "cat": "categories", "hf": "upvotes"}
UPVOTES = "upvotes"  # what the points are called that a feed of Hugging Face's papers gives for these
BONUS_NAME = "{} in title"  # what the extra points of a keyword are called
_SCORED = frozenset({"match", "title_bonus", "keywords", "exclude", "categories", "source"})
_ANALYSED = frozenset({"summary", "summaries", "rubric"})
DEFAULT_SUMMARY = "default"  # a template by whether there is a model: see `Feed.template`
SCORING_VERSION = 1  # to be raised when the same rules come to give other scores


@dataclass(frozen=True, slots=True)
class Keyword:
    """A rule: `weight` points where `text` is found in `field`; "" means in the title or the abstract.

    In the field "upvotes", `text` is a whole number: so many or more of them on Hugging Face.
    """

    text: str
    weight: float = 1.0
    field: str = ""

    @property
    def label(self) -> str:
        """The rule as its owner wrote it: "ti:quantization"."""
        prefix = next((short for short, name in PREFIXES.items() if name == self.field), "")
        return f"{prefix}:{self.text}" if prefix else self.text


def parse_keyword(written: str, weight: float = 1.0) -> Keyword:
    """Read a rule with its optional prefix: "KV cache", "ti:quantization", "au:Tri Dao", "cat:cs.DC", "hf:20"."""
    prefix, colon, rest = written.strip().partition(":")
    if colon and prefix in PREFIXES:
        return Keyword(rest.strip(), weight, PREFIXES[prefix])
    return Keyword(written.strip(), weight)


@dataclass(frozen=True)
class Feed:
    """A named selection of papers. Its fields but `name` are the keys of `[feeds.NAME]`.

    `core.config.feed_table` says which values they may have; saved feeds, exports, rules in a URL and `/api/feeds` are
    derived from the fields.
    """

    name: str
    title: str
    categories: tuple[str, ...] = ()
    description: str = ""
    source: str = "arxiv"  # or "huggingface": its daily papers, whose upvotes are points
    # These and `min_score` and `max_entries` (a day; 0: all) are defaults that a request's filters replace
    announce_types: tuple[str, ...] = ("new",)
    match: str = "word"
    title_bonus: float = 0.5  # the share of a keyword's weight that is added if the title has it
    min_score: float = 0.0
    max_entries: int = 0
    keywords: tuple[Keyword, ...] = ()
    exclude: tuple[str, ...] = ()
    summary: str = DEFAULT_SUMMARY  # the template of its summaries; "" for none
    summaries: int = 15  # how many of a day's best papers get one
    language: str = "en"
    hold: bool = False  # keep an entry back until its summary is there
    hold_hours: float = 12.0  # but no longer than this
    digest: str = "list"  # the style of its digests
    rubric: Rubric | None = None

    def to_plain(self, *, defaults: bool = True) -> dict[str, Any]:
        """The feed in the shape of `[feeds.NAME]`: all its fields, or only those that differ from their `defaults`."""
        plain = {f.name: getattr(self, f.name) for f in fields(self) if defaults or getattr(self, f.name) != f.default}
        del plain["name"]
        if "keywords" in plain:
            plain["keywords"] = {keyword.label: keyword.weight for keyword in self.keywords}
        if self.rubric:
            plain["rubric"] = asdict(self.rubric)
        return plain

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The keywords as their owner wrote them, in order."""
        return tuple(keyword.label for keyword in self.keywords)

    @property
    def uses_upvotes(self) -> bool:
        """Whether a rule asks for upvotes on Hugging Face."""
        return any(keyword.field == "upvotes" for keyword in self.keywords)

    @cached_property
    def fingerprint(self) -> str:
        """Changes with every field."""
        shown = [getattr(self, f.name) for f in fields(self) if f.name not in _SCORED | _ANALYSED]
        return fingerprint("feed", self.scoring_fingerprint, self.analysis_fingerprint, shown)

    @cached_property
    def analysis_fingerprint(self) -> str:
        """Changes with everything that summaries and scorecards depend on, and the number of them."""
        rubric = self.rubric and (
            self.rubric.fingerprint, self.rubric.deep_at, self.rubric.must_read_at, self.rubric.review_at,
        )  # fmt: skip
        return fingerprint("analysis", self.template(has_model=False), self.summaries, self.language, rubric)

    def template(self, *, has_model: bool) -> str:
        """The template of its summaries: by default the key findings where a model writes them, else an extract."""
        if self.summary == DEFAULT_SUMMARY:
            return "key-findings" if has_model else "extract"
        return self.summary

    @cached_property
    def scoring_fingerprint(self) -> str:
        """Changes with everything that scores depend on, and with nothing else."""
        rules = [(k.text, k.weight, k.field) for k in self.keywords]  # in order: stored reasons name them by number
        return fingerprint(
            "scores",
            SCORING_VERSION,
            self.match,
            self.title_bonus,
            rules,
            sorted(self.exclude),
            sorted(self.categories),
            *([] if self.source == "arxiv" else [self.source]),
        )


class Reason(NamedTuple):
    """Where points come from: the keyword, and the place in the paper that it matched.

    `text` is what stands at `start:end` of `field`: "title", "abstract", "authors" (the names joined by ", "),
    "categories" (joined by " ") or "upvotes" (their number).
    """

    rule: str
    points: float
    field: str
    start: int
    end: int
    text: str
    bonus: bool = False  # the extra points of a keyword that is in the title

    @property
    def of_upvotes(self) -> bool:
        """Whether the points are the upvotes themselves, which no keyword asked for."""
        return self.rule == UPVOTES == self.field


@dataclass(frozen=True, slots=True)
class Entry:
    """A paper as a feed shows it.

    `rank` is its place among all of the feed's entries of the date, 0 for the best. `matched` are the labels of the
    keywords that were found. `points` and `band` come from the feed's rubric, `upvotes`
    from Hugging Face; None where there are none. `late` is when it was stored (RFC 3339), if that was after its day.
    """

    feed: str
    paper: Paper
    announced: date
    type: str
    score: float = 0.0
    reasons: tuple[Reason, ...] = ()
    matched: tuple[str, ...] = ()
    rank: int = 0
    points: float | None = None
    band: str | None = None
    upvotes: int | None = None
    summary: Summary | None = None
    scorecard: Scorecard | None = None
    late: str = ""

    @property
    def id(self) -> str:
        """The paper's identifier without version."""
        return self.paper.id
