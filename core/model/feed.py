"""Feeds, named selections of papers by rules; and entries, papers as a feed shows them, with the reasons of a score."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from core.model.paper import Paper
from core.model.rubric import Rubric, Scorecard, rubric_of
from core.model.rules import PREFIXES, parse_rule, split_prefix
from core.model.summary import Summary
from core.util.signing import fingerprint

MATCH_MODES = ("word", "substring", "regex")
UPVOTES = "upvotes"  # what the points are called that a feed of Hugging Face's papers gives for these
BONUS_NAME = "{} in title"  # what the extra points of a keyword are called
OTHER_WORDS = "other words"  # what the learned points are called that no single term explains
_LEARNED_NAMES = {
    "liked": "in {} papers you liked",
    "disliked": "in {} papers you disliked",
    "keywords": "in {} of the papers that your keywords find best",
}
_NO_SETTINGS = ("name", "learned", "lessons")
_FEW_KEYWORDS = 5  # a feed with fewer expands them, unless it says otherwise
_SCORED = frozenset(
    {"match", "title_bonus", "keywords", "exclude", "categories", "source", "urls", "learned", "lessons"}
)
_ANALYSED = frozenset({"summary", "summaries", "rubric", "interest", "screen"})
DEFAULT_SUMMARY = "default"  # a template by whether there is a model: see `Feed.template`
SCORING_VERSION = 2  # to be raised when the same rules come to give other scores
LEAST_SCORE = 0.0001  # the smallest score above 0: scores have four places


@dataclass(frozen=True, slots=True)
class Keyword:
    """A rule: `weight` points where `text`, in the grammar of `core.model.rules`, is found in `field`.

    "" means in the title or the abstract, or that the text itself says where ("ti:cache OR abs:prefill"). In the field
    "upvotes", `text` is a whole number: so many or more of them on Hugging Face.
    """

    text: str
    weight: float = 1.0
    field: str = ""

    @property
    def label(self) -> str:
        """The rule as its owner wrote it, with the short prefix: "ti:quantization"."""
        prefix = next((short for short, name in PREFIXES.items() if name == self.field), "")
        return f"{prefix}:{self.text}" if prefix else self.text


def parse_keyword(written: str, weight: float = 1.0, match: str = "word") -> Keyword:
    """Read a rule with its optional prefix: "KV cache", "ti:quantization", "au:Tri Dao", "cat:cs.DC", "hf:20"."""
    alternatives = parse_rule(written, match)
    if len(alternatives) > 1 or len(alternatives[0]) > 1:
        return Keyword(" ".join(written.split()), weight)
    field, text = split_prefix(written)
    of_text = field in ("", "title", "abstract")
    return Keyword(text if of_text or match != "word" else alternatives[0][0].text, weight, field)


def default_min_score(keywords: Iterable[Keyword], source: str = "arxiv") -> float:
    """The least score of a feed that names none: above 0 where keywords give points, so that one of them is found.

    That is the smallest weight; papers of Hugging Face have points by their upvotes, and need no keyword.
    """
    weights = [keyword.weight for keyword in keywords]
    if source == "huggingface" or max(weights, default=0) <= 0:
        return 0.0
    return LEAST_SCORE if min(weights) < 0 else max(min(filter(None, weights)), LEAST_SCORE)


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
    source: str = "arxiv"  # or another of `core.model.sources`; the upvotes of "huggingface" are points
    urls: tuple[str, ...] = ()  # of source "rss": the RSS and Atom feeds that it is made of
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
    interest: str = ""  # what its reader looks for, in words: a model judges by it
    screen: int = 0  # how many of a day's best papers a model looks at, also below `min_score`; 0: those that it shows
    rubric: Rubric | None = None
    expand: bool | None = None  # whether keywords expand themselves where nothing was voted; None: where there are few
    vote_links: bool | None = None  # whether entries end with links to vote; None: on a private copy
    learned: str = ""  # no setting: the fingerprint of what was learned from its votes
    lessons: "Lessons | None" = field(default=None, compare=False, repr=False)  # no setting: it, where scores are made

    def to_plain(self, *, defaults: bool = True) -> dict[str, Any]:
        """The feed in the shape of `[feeds.NAME]`: all its fields, or only those that differ from their `defaults`."""
        usual = {f.name: f.default for f in fields(self)} | {"min_score": self.usual_min_score}
        plain = {name: getattr(self, name) for name in usual if defaults or getattr(self, name) != usual[name]}
        for name in _NO_SETTINGS:
            plain.pop(name, None)
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
    def usual_min_score(self) -> float:
        """The `min_score` where none is configured."""
        return default_min_score(self.keywords, self.source)

    @cached_property
    def uses_upvotes(self) -> bool:
        """Whether a rule asks for upvotes on Hugging Face."""
        rules = [parse_rule(rule, self.match) for rule in (*self.labels, *self.exclude)]
        return any(term.field == "upvotes" for alternatives in rules for terms in alternatives for term in terms)

    @cached_property
    def fingerprint(self) -> str:
        """The fingerprint of all fields."""
        shown = [getattr(self, f.name) for f in fields(self) if f.name not in _SCORED | _ANALYSED]
        return fingerprint("feed", self.scoring_fingerprint, self.analysis_fingerprint, shown)

    @cached_property
    def analysis_fingerprint(self) -> str:
        """The fingerprint of all inputs of summaries and scorecards, and of their number."""
        rubric = self.rubric and (
            self.rubric.fingerprint, self.rubric.deep_at, self.rubric.must_read_at, self.rubric.review_at,
        )  # fmt: skip
        more = [self.interest, self.screen] if self.interest or self.screen else []
        return fingerprint("analysis", self.template(has_model=False), self.summaries, self.language, rubric, *more)

    @cached_property
    def judging(self) -> Rubric | None:
        """By what a model judges its papers: its rubric, else how near they come to its interest."""
        return self.rubric or (rubric_of(self.interest) if self.interest else None)

    @property
    def screened(self) -> int:
        """How many of a day's best papers are judged beside those from `min_score` on."""
        return self.screen if self.judging else 0

    def template(self, *, has_model: bool) -> str:
        """The template of its summaries: by default the key findings where a model writes them, else an extract."""
        if self.summary == DEFAULT_SUMMARY:
            return "key-findings" if has_model else "extract"
        return self.summary

    @property
    def expands(self) -> bool:
        """Whether its keywords expand themselves while there are no votes. The keyword bot's rule stays as it was."""
        if self.expand is None:
            return self.match != "substring" and 0 < len(self.keywords) < _FEW_KEYWORDS
        return self.expand and bool(self.keywords)

    @cached_property
    def scoring_fingerprint(self) -> str:
        """The fingerprint of all inputs of scores, and of nothing else."""
        return fingerprint("learned", self.rules_fingerprint, self.learned) if self.learned else self.rules_fingerprint

    @cached_property
    def rules_fingerprint(self) -> str:
        """The fingerprint of all inputs of keyword points."""
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
            *([sorted(self.urls)] if self.urls else []),
        )


class Lessons(Protocol):
    """What was learned for a feed: `core.ranking.learned` implements it. `signs` are the votes by paper."""

    @property
    def signs(self) -> Mapping[str, int]:
        """The owner's votes, 1 or -1, by identifier without version."""

    def reasons(self, paper: Paper) -> "tuple[Reason, ...]":
        """Returns the learned points of a paper."""


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
    learned: str = ""  # of learned points: whose papers have the term (`_LEARNED_NAMES`), or "rest"
    papers: int = 0  # how many these are

    @property
    def name(self) -> str:
        """The rule, with what it says of the points: "KV cache in title", "kv cache (in 3 papers you liked)"."""
        if self.bonus:
            return BONUS_NAME.format(self.rule)
        about = _LEARNED_NAMES.get(self.learned)
        return f"{self.rule} ({about.format(self.papers)})" if about else self.rule

    @property
    def of_upvotes(self) -> bool:
        """Whether the points are the upvotes themselves, which no keyword asked for."""
        return self.rule == UPVOTES == self.field


@dataclass(frozen=True, slots=True)
class Entry:
    """A paper as a feed shows it.

    `rank` is its place among all of the feed's entries of the date, 0 for the best. `matched` are the labels of the
    keywords that were found, and `mentions` is how often. `points` and `band` come from the feed's rubric, `upvotes`
    from Hugging Face; None where there are none. `late` is when it was stored (RFC 3339), if that was after its day.
    `learned` are those points of the score that come from votes, and `vote` is the owner's own.
    `relisted`: the paper was announced before, and is now listed in one more category.
    """

    feed: str
    paper: Paper
    announced: date
    type: str
    score: float = 0.0
    reasons: Sequence[Reason] = ()
    matched: tuple[str, ...] = ()
    mentions: int = 0
    rank: int = 0
    points: float | None = None
    band: str | None = None
    upvotes: int | None = None
    summary: Summary | None = None
    scorecard: Scorecard | None = None
    late: str = ""
    learned: float = 0.0
    vote: int = 0
    relisted: bool = False
    by_learning: bool = False  # it has too few points by keywords, and is shown for the learned ones

    @property
    def words(self) -> float:
        """The points of the score that come from keywords."""
        return round(self.score - self.learned, 4) if self.learned else self.score

    @property
    def id(self) -> str:
        """The paper's identifier without version."""
        return self.paper.id

    @property
    def standing(self) -> float:
        """What orders the entries of a feed before their score: points, 0 where there are none, less if skipped."""
        if self.points is None:
            return 0.0
        return -1.0 if self.band == "skip" else 1.0 + self.points

    @property
    def is_promoted(self) -> bool:
        """Whether a model found it worth reading, so that the feed shows it whatever its score."""
        return self.standing > 0
