"""`[instance]` and `[feeds.NAME]`: their keys, and the allowed values.

The tables only validate input; the rest of the program uses `Instance` and `Feed`. A new field of a feed needs a field
of `Feed` and one here, with the same name.
"""

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from core.model.categories import CATEGORIES, find_category
from core.model.errors import FeedError
from core.model.feed import DEFAULT_SUMMARY, Feed, Keyword, default_min_score, parse_keyword
from core.model.rubric import Criterion, Rubric
from core.model.rules import Term, parse_rule
from core.model.scoring import same_keyword
from core.model.sources import AGAIN, ARXIV, CATEGORIES_OF, PREPRINTS, RSS, find_preprint_category, slug
from core.model.template import Language
from core.text.fold import fold

LONGEST_RETENTION = 366
MOST_ENTRIES = 500
MOST_INTEREST = 2000  # characters
MOST_URLS = 50
_HEAVIEST = 1000
_MOST_STEPS = 20_000  # of all regular expressions of a feed: each letter of a text may take them all
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ESCAPES = {"\a": r"\a", "\b": r"\b", "\f": r"\f", "\v": r"\v", "\x1b": r"\e"}
_BLANK = re.compile(r"[\s\x00-\x1f\x7f<>\"]")
_TOO_LARGE = "together these regular expressions are too large; make some of them simpler"

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Pattern = Annotated[str, StringConstraints(max_length=300)]


class _Table(BaseModel):
    """A table of feeds.toml; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Instance(_Table):
    """`[instance]`: values for all feeds."""

    title: Text = "My arXiv wire"
    contact: str = Field("", max_length=200)
    retention_days: int = Field(30, ge=1, le=LONGEST_RETENTION)

    @property
    def retention(self) -> timedelta:
        """How long batches are kept."""
        return timedelta(days=self.retention_days)


class CriterionTable(_Table):
    """One of `criteria` in `[feeds.NAME.rubric]`."""

    name: Text
    max: int = Field(ge=1, le=100)
    about: str = Field("", max_length=2000)


class RubricTable(_Table):
    """`[feeds.NAME.rubric]`: the criteria by which a model judges a feed's papers, and the thresholds of points."""

    deep_at: float = Field(Rubric.deep_at, ge=0, allow_inf_nan=False)
    must_read_at: float = Field(Rubric.must_read_at, ge=0, allow_inf_nan=False)
    review_at: float = Field(Rubric.review_at, ge=0, allow_inf_nan=False)
    criteria: list[CriterionTable] = Field(min_length=1, max_length=20)

    @field_validator("criteria")
    @classmethod
    def _different(cls, criteria: list[CriterionTable]) -> list[CriterionTable]:
        if len({criterion.name for criterion in criteria}) < len(criteria):
            raise ValueError("two criteria have the same name")
        return criteria

    @model_validator(mode="after")
    def _reachable(self) -> "RubricTable":
        most = sum(criterion.max for criterion in self.criteria)
        if not self.review_at <= self.must_read_at <= most or self.deep_at > most:
            raise ValueError(
                f"review_at, must_read_at have to rise, and neither they nor deep_at may exceed {most}, the most points"
            )
        return self

    def to_rubric(self) -> Rubric:
        """The rubric."""
        criteria = tuple(Criterion(c.name, c.max, c.about) for c in self.criteria)
        return Rubric(criteria, self.deep_at, self.must_read_at, self.review_at)


class FeedTable(_Table):
    """`[feeds.NAME]`: one feed. Its keys are the fields of `Feed`, with the same defaults."""

    title: Text
    description: str = Field(Feed.description, max_length=1000)
    source: Literal["arxiv", "huggingface", "biorxiv", "medrxiv", "rss", "again"] = "arxiv"
    urls: list[Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]] = Field(
        [], max_length=MOST_URLS, validate_default=True
    )
    categories: list[Text] = Field([], max_length=50, validate_default=True)
    announce_types: list[Literal["new", "cross", "replace", "replace-cross"]] = Field(["new"], min_length=1)
    match: Literal["word", "substring", "regex"] = "word"
    title_bonus: float = Field(Feed.title_bonus, ge=0, le=10, allow_inf_nan=False)
    min_score: float | None = Field(None, ge=-1000, le=1000, allow_inf_nan=False)  # None: `default_min_score`
    max_entries: int = Field(Feed.max_entries, ge=0, le=MOST_ENTRIES)
    keywords: dict[Pattern, float] = Field({}, max_length=1000)
    exclude: list[Pattern] = Field([], max_length=200)
    summary: str = Feed.summary
    summaries: int = Field(Feed.summaries, ge=0, le=MOST_ENTRIES)
    language: Language = "en"
    hold: bool = Feed.hold
    hold_hours: float = Field(Feed.hold_hours, gt=0, le=168, allow_inf_nan=False)
    digest: Literal["list", "staged", "daily"] = "list"
    interest: str = Field(Feed.interest, max_length=MOST_INTEREST)
    rubric: RubricTable | None = None
    screen: int = Field(Feed.screen, ge=0, le=MOST_ENTRIES)
    expand: bool | None = None
    vote_links: bool | None = None

    @field_validator("interest", mode="after")
    @classmethod
    def _one_paragraph(cls, text: str) -> str:
        return " ".join(text.split())

    @field_validator("summary")
    @classmethod
    def _template(cls, name: str) -> str:
        if not name or name == DEFAULT_SUMMARY:
            return name
        from core.llm.templates import template_names  # most feeds have the default

        if name not in template_names():
            raise ValueError(
                f"there is no template of that name; allowed are {', '.join(template_names())}, or nothing"
            )
        return name

    @field_validator("screen")
    @classmethod
    def _by_something(cls, count: int, info: ValidationInfo) -> int:
        if count and "rubric" in info.data and not (info.data["rubric"] or info.data.get("interest")):
            raise ValueError("a model that looks at papers needs an interest or a rubric to judge them by")
        return count

    @field_validator("urls")
    @classmethod
    def _addresses(cls, urls: list[str], info: ValidationInfo) -> list[str]:
        source = info.data.get("source", ARXIV)
        if source != RSS and urls:
            raise ValueError('only a feed with source = "rss" has addresses')
        if source == RSS and not urls:
            raise ValueError('name at least one RSS or Atom feed: urls = ["https://…"]')
        return [checked_address(url) for url in urls]

    @field_validator("categories")
    @classmethod
    def _known(cls, names: list[str], info: ValidationInfo) -> list[str]:
        source = info.data.get("source", ARXIV)
        if not names and source in (ARXIV, AGAIN):
            raise ValueError("name at least one category or archive, such as cs.CL or cs")
        if names and source == RSS:
            raise ValueError('the papers of RSS and Atom feeds have no categories; leave this out with source = "rss"')
        return cls._of_preprints(names, source) if source in CATEGORIES_OF else cls._in_arxiv(names)

    @classmethod
    def _of_preprints(cls, names: list[str], source: str) -> list[str]:
        known = CATEGORIES_OF[source]
        for name in names:
            if slug(name) not in known:
                near = ", ".join(difflib.get_close_matches(slug(name), known, 3, 0.5) or known)
                raise ValueError(f"{name!r} is not a category of {PREPRINTS[source]}; near it: {near}")
        return [slug(name) for name in names]

    @classmethod
    def _in_arxiv(cls, names: list[str]) -> list[str]:
        found = {name: find_category(name) for name in names}
        for name in names:
            if not found[name]:
                near = difflib.get_close_matches(name, CATEGORIES, 3, 0.5)
                hint = f"near it: {', '.join(near)}" if near else "see https://arxiv.org/category_taxonomy"
                raise ValueError(f"{name!r} is not an archive or category of arXiv; {hint}")
        return list(found.values())

    @field_validator("keywords")
    @classmethod
    def _rules(cls, keywords: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        match = info.data.get("match", "word")
        weights: dict[object, tuple[str, float]] = {}
        steps = 0
        for written, weight in keywords.items():
            keyword = parse_keyword(written, weight, match)
            if not math.isfinite(weight) or abs(weight) > _HEAVIEST:
                allowed = f"numbers from -{_HEAVIEST} to {_HEAVIEST}"
                raise ValueError(f"the weight of {written!r} is {weight}; allowed are {allowed}")
            steps = _together(steps, cls._check_rule(written, match))
            other, before = weights.setdefault(_sameness(match, keyword), (written, weight))
            if before != weight:
                raise ValueError(f"{other!r} and {written!r} are the same keyword, but weigh {before:g} and {weight:g}")
        if match == "regex":
            _check_together(keywords)
        return keywords

    @field_validator("exclude")
    @classmethod
    def _exclude(cls, words: list[str], info: ValidationInfo) -> list[str]:
        steps = 0
        for word in words:
            steps = _together(steps, cls._check_rule(word, info.data.get("match", "word")))
        return words

    @classmethod
    def _check_rule(cls, written: str, match: str) -> int:
        """The steps of a rule, see `_check_term`. Raises `ValueError` if it can match nothing, or everything."""
        if match != "substring":
            _check_characters(written)
        terms = {term for terms in parse_rule(written, match) for term in terms}
        names = [term.text for term in terms if term.field == "categories"]
        cls._in_arxiv([name for name in names if not find_preprint_category(name)])
        return sum(_check_term(match, written, term) for term in terms)

    def to_feed(self, name: str) -> Feed:
        """Returns the feed; a keyword that is listed in several spellings counts once."""
        values = {key: getattr(self, key) for key in type(self).model_fields}
        values = {key: tuple(dict.fromkeys(v)) if isinstance(v, list) else v for key, v in values.items()}
        written = self.keywords.items()
        keywords = [parse_keyword(rule, weight + 0.0, self.match) for rule, weight in written]  # no -0
        once: dict[object, Keyword] = {}
        for keyword in keywords:
            once.setdefault(_sameness(self.match, keyword), keyword)
        made: dict[str, Any] = {
            "keywords": tuple(once.values()),
            "rubric": self.rubric.to_rubric() if self.rubric else None,
        }
        if self.min_score is None:
            made["min_score"] = default_min_score(keywords, self.source)
        return Feed(name, **values | made)


def checked_address(url: str) -> str:
    """Returns the address of an RSS or Atom feed. Raises `ValueError` with a mend.

    It is requested from where Paperwire runs, which may reach more than its owner wants to.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in ("http", "https") or not parts.hostname or port == -1 or _BLANK.search(url):
        raise ValueError(f"{url[:100]!r} is not the address of a feed such as https://example.org/feed.xml")
    if parts.username or parts.password:
        raise ValueError('an address with a name or a password in it is not requested; use one with a token after "?"')
    return url.partition("#")[0]


def read_feed(name: str, plain: Mapping[str, Any]) -> Feed:
    """Returns the feed of a table in the shape of `[feeds.NAME]`. Raises `FeedError`."""
    try:
        return FeedTable.model_validate(plain).to_feed(name)
    except ValidationError as error:
        by_key: dict[str, str] = {}
        for problem in error.errors():
            by_key.setdefault(str(problem["loc"][0]), problem["msg"].removeprefix("Value error, "))
        raise FeedError(by_key) from error


def _sameness(match: str, keyword: Keyword) -> object:
    """Returns a key that is equal for equal rules: "KV-cache" and "KV cache" as words, but not as substrings."""
    if match == "word":
        return same_keyword(keyword)
    return keyword.field, keyword.text.lower() if match == "substring" else keyword.text


def _check_together(rules: Iterable[str]) -> None:
    """Raise `ValueError` for rules whose expressions are together too large for one pass over a text."""
    from core.ranking.regexes import regex_set  # RE2 only where a feed uses it

    terms = [parse_rule(rule, "regex")[0][0] for rule in rules]
    try:
        regex_set(term.text for term in terms if term.field != "upvotes")
    except ValueError as error:
        raise ValueError(_TOO_LARGE) from error


def _check_characters(written: str) -> None:
    """Raise `ValueError` for a rule with control characters, which texts never contain."""
    if _CONTROL.search(written):
        mend = _CONTROL.sub(lambda match: _ESCAPES.get(match[0], ""), written)
        raise ValueError(
            f"{written!r} holds control characters, and so matches nothing: in double quotes TOML makes one of \\b. "
            f"Write it in single quotes: '{mend}'"
        )


def _together(before: int, steps: int) -> int:
    """Returns the total steps of several regular expressions. Raises `ValueError` beyond the limit."""
    if before + steps > _MOST_STEPS:
        raise ValueError(_TOO_LARGE)
    return before + steps


def _check_upvotes(written: str, text: str) -> None:
    """Raise `ValueError` for an invalid number of upvotes."""
    if not re.fullmatch(r"[1-9]\d{0,6}", text, re.ASCII):
        raise ValueError(f"{written!r} needs a whole number from 1 on, so many upvotes on Hugging Face: hf:20")


def _check_term(match: str, written: str, term: Term) -> int:
    """Returns the steps of a term that is a regular expression, else 0.

    Raises `ValueError` for a term that can match nothing, or that matches everything.
    """
    if term.field == "upvotes":
        _check_upvotes(written, term.text)
        return 0
    if not term.text:
        raise ValueError(f"{written!r} has nothing to look for")
    if match == "word" and not fold(term.text).strip():
        raise ValueError(f"{written!r} has no words to look for")
    if match != "regex":
        return 0
    from core.ranking.regexes import check_regex

    return check_regex(term.text)
