"""Writing TOML: tables of strings, numbers, truths, and lists of them.

`[instance]` and `[feeds.NAME]` of feeds.toml as models: which keys there are, and which values they may have.

feeds.toml: the one file that an owner edits; read, checked, and turned into feeds.

Every value can be overridden by an environment variable: `PAPERWIRE_FEEDS__MAIN__MIN_SCORE=4` for `min_score` in
`[feeds.main]`, `PAPERWIRE_INSTANCE__CONTACT=…` for `contact` in `[instance]`.
"""

import difflib
import json
import math
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

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
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from core.llm.templates import template_names
from core.model.categories import CATEGORIES
from core.model.errors import ConfigError
from core.model.feed import Feed, Keyword, parse_keyword
from core.model.rubric import Criterion, Rubric
from core.model.scoring import same_keyword
from core.text.fold import fold

_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def to_toml(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """The text of a TOML file with these `tables`, by their dotted names, which have to be bare keys."""
    return "\n\n".join(_table(name, values) for name, values in tables.items()) + "\n"


def _table(name: str, values: Mapping[str, Any]) -> str:
    lines = [f"{_key(key)} = {_value(value)}" for key, value in values.items()]
    return "\n".join([f"[{name}]", *lines])


def _key(key: str) -> str:
    return key if key and set(key) <= _BARE else _value(key)


def _value(value: Any) -> str:
    """JSON's strings and numbers are TOML's too, but for one character."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


_HEAVIEST = 1000
MOST_ENTRIES = 500
_TOO_LARGE = "together these regular expressions are too large; make some of them simpler"
_MOST_STEPS = 20_000  # of all regular expressions of a feed: each letter of a text may take them all
_LARGEST_REGEX = 5_000  # steps of RE2's program: a letter of any alphabet takes 1,200
MOST_DAYS = 366
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]

Pattern = Annotated[str, StringConstraints(max_length=300)]


class InstanceModel(BaseModel):
    """`[instance]`: what holds for all feeds."""

    model_config = ConfigDict(extra="forbid")

    title: Text = "My arXiv wire"
    contact: str = Field("", max_length=200)
    retention_days: int = Field(30, ge=1, le=MOST_DAYS)

    @property
    def retention(self) -> timedelta:
        """How long batches are kept."""
        return timedelta(days=self.retention_days)


class CriterionModel(BaseModel):
    """One of `criteria` in `[feeds.NAME.rubric]`."""

    model_config = ConfigDict(extra="forbid")

    name: Text
    max: int = Field(ge=1, le=100)
    about: str = Field("", max_length=2000)


class RubricModel(BaseModel):
    """`[feeds.NAME.rubric]`: by what a model judges the papers of a feed, and what follows from the points."""

    model_config = ConfigDict(extra="forbid")

    deep_at: float = Field(4, ge=0, allow_inf_nan=False)
    must_read_at: float = Field(5, ge=0, allow_inf_nan=False)
    review_at: float = Field(3, ge=0, allow_inf_nan=False)
    criteria: list[CriterionModel] = Field(min_length=1, max_length=20)

    @field_validator("criteria")
    @classmethod
    def _different(cls, criteria: list[CriterionModel]) -> list[CriterionModel]:
        if len({criterion.name for criterion in criteria}) < len(criteria):
            raise ValueError("two criteria have the same name")
        return criteria

    @model_validator(mode="after")
    def _reachable(self) -> "RubricModel":
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


class FeedModel(BaseModel):
    """`[feeds.NAME]`: one feed."""

    model_config = ConfigDict(extra="forbid")

    title: Text
    description: str = Field("", max_length=1000)
    source: Literal["arxiv", "huggingface"] = "arxiv"
    categories: list[Text] = Field([], max_length=50, validate_default=True)
    announce_types: list[Literal["new", "cross", "replace", "replace-cross"]] = Field(["new"], min_length=1)
    match: Literal["word", "substring", "regex"] = "word"
    title_bonus: float = Field(0.5, ge=0, le=10, allow_inf_nan=False)
    min_score: float = Field(0, ge=-1000, le=1000, allow_inf_nan=False)
    max_entries: int = Field(0, ge=0, le=MOST_ENTRIES)
    keywords: dict[Pattern, float] = Field({}, max_length=1000)
    exclude: list[Pattern] = Field([], max_length=200)
    summary: str = "extract"
    summaries: int = Field(15, ge=0, le=MOST_ENTRIES)
    language: Literal["en", "ko", "zh"] = "en"
    hold: bool = False
    hold_hours: float = Field(12, gt=0, le=168, allow_inf_nan=False)
    digest: Literal["list", "staged", "daily"] = "list"
    rubric: RubricModel | None = None

    @field_validator("summary")
    @classmethod
    def _template(cls, name: str) -> str:
        if name and name not in template_names():
            raise ValueError(
                f"there is no template of that name; allowed are {', '.join(template_names())}, or nothing"
            )
        return name

    @field_validator("categories")
    @classmethod
    def _known(cls, names: list[str], info: ValidationInfo) -> list[str]:
        if not names and info.data.get("source", "arxiv") == "arxiv":
            raise ValueError("name at least one category or archive, such as cs.CL or cs")
        return cls._in_arxiv(names)

    @classmethod
    def _in_arxiv(cls, names: list[str]) -> list[str]:
        for name in names:
            if name not in CATEGORIES:
                near = difflib.get_close_matches(name, CATEGORIES, 3, 0.5)
                hint = f"near it: {', '.join(near)}" if near else "see https://arxiv.org/category_taxonomy"
                raise ValueError(f"{name!r} is not an archive or category of arXiv; {hint}")
        return names

    @field_validator("keywords")
    @classmethod
    def _rules(cls, keywords: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        match = info.data.get("match", "word")
        weights: dict[object, tuple[str, float]] = {}
        steps = 0
        for written, weight in keywords.items():
            keyword = parse_keyword(written)
            if not math.isfinite(weight) or abs(weight) > _HEAVIEST:
                allowed = f"numbers from -{_HEAVIEST} to {_HEAVIEST}"
                raise ValueError(f"the weight of {written!r} is {weight}; allowed are {allowed}")
            if keyword.field == "upvotes":
                _check_upvotes(written, keyword.text)
            else:
                steps = _together(steps, _check_pattern(match, written, keyword.text))
            other, before = weights.setdefault(_sameness(match, keyword), (written, weight))
            if before != weight:
                raise ValueError(f"{other!r} and {written!r} are the same keyword, but weigh {before:g} and {weight:g}")
            if keyword.field == "categories":
                cls._in_arxiv([keyword.text])
        if match == "regex":
            parsed = map(parse_keyword, keywords)
            _check_together([keyword.text for keyword in parsed if keyword.field != "upvotes"])
        return keywords

    @field_validator("exclude")
    @classmethod
    def _exclude(cls, words: list[str], info: ValidationInfo) -> list[str]:
        steps = 0
        for word in words:
            steps = _together(steps, _check_pattern(info.data.get("match", "word"), word, word))
        return words

    def to_feed(self, name: str) -> Feed:
        """The feed; a keyword that is listed in several spellings counts once."""
        keywords = [parse_keyword(written, weight + 0.0) for written, weight in self.keywords.items()]  # no -0
        once: dict[object, Keyword] = {}
        for keyword in keywords:
            once.setdefault(_sameness(self.match, keyword), keyword)
        return Feed(
            name=name,
            title=self.title,
            description=self.description,
            categories=tuple(dict.fromkeys(self.categories)),
            announce_types=tuple(dict.fromkeys(self.announce_types)),
            match=self.match,
            title_bonus=self.title_bonus,
            min_score=self.min_score,
            max_entries=self.max_entries,
            keywords=tuple(once.values()),
            exclude=tuple(dict.fromkeys(self.exclude)),
            source=self.source,
            summary=self.summary,
            summaries=self.summaries,
            language=self.language,
            hold=self.hold,
            hold_hours=self.hold_hours,
            digest=self.digest,
            rubric=self.rubric.to_rubric() if self.rubric else None,
        )


def _sameness(match: str, keyword: Keyword) -> object:
    """What makes two keywords the same rule: "KV-cache" and "KV cache" are one as words, but not as substrings."""
    if match == "word":
        return same_keyword(keyword)
    return keyword.field, keyword.text.lower() if match == "substring" else keyword.text


def _check_together(patterns: list[str]) -> None:
    """Raise `ValueError` for patterns that are too much for one pass over a text."""
    import re2  # only where a feed uses it

    from core.ranking.matching import regex_set

    try:
        regex_set(patterns).Match("")
    except re2.error as error:
        raise ValueError(_TOO_LARGE) from error


def _together(before: int, steps: int) -> int:
    """The steps of several regular expressions. Raises `ValueError` before they are too many."""
    if before + steps > _MOST_STEPS:
        raise ValueError(_TOO_LARGE)
    return before + steps


def _check_upvotes(written: str, text: str) -> None:
    """Raise `ValueError` for what is no number of upvotes."""
    if not re.fullmatch(r"[1-9]\d{0,6}", text, re.ASCII):
        raise ValueError(f"{written!r} needs a whole number from 1 on, so many upvotes on Hugging Face: hf:20")


def _check_pattern(match: str, written: str, text: str) -> int:
    """How many steps it takes, for a regular expression, to look for a keyword or an exclude word; else 0.

    Raises `ValueError` for one that could match nothing, or everything.
    """
    if not text:
        raise ValueError(f"{written!r} has nothing to look for")
    if match == "word" and not fold(text).strip():
        raise ValueError(f"{written!r} has no words to look for")
    return _check_regex(text) if match == "regex" else 0


def _check_regex(pattern: str) -> int:
    """The steps of a regular expression. Raises `ValueError` if it is none, is too much, or matches nothing."""
    import re2

    from core.ranking.matching import regex_options

    try:
        compiled = re2.compile(pattern, regex_options())
    except re2.error as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise ValueError(f"{pattern!r} is not a regular expression in RE2's syntax: {reason}") from None
    if any((match := compiled.search(text)) and not match[0] for text in ("", "a", "a b")):
        raise ValueError(f"{pattern!r} matches the empty text, and so every paper")
    size: int = compiled.programsize
    if size > _LARGEST_REGEX:
        raise ValueError(f"{pattern!r} is too large: {size:,} steps, of which {_LARGEST_REGEX:,} are possible")
    return size


_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_ENV_PREFIX = "PAPERWIRE_"
_RESERVED = ("custom",)  # /api/feeds/custom.rss is for rules in the URL


class FeedsFile(BaseSettings):
    """The whole file, with environment variables on top."""

    model_config = SettingsConfigDict(env_prefix=_ENV_PREFIX, env_nested_delimiter="__", extra="forbid")

    instance: InstanceModel = InstanceModel()
    feeds: dict[str, FeedModel] = Field(min_length=1)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings' own signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment before the file; nothing else."""
        return env_settings, init_settings

    @field_validator("feeds")
    @classmethod
    def _names(cls, feeds: dict[str, FeedModel]) -> dict[str, FeedModel]:
        for name in feeds:
            check_name(name)
        return feeds

    def to_feeds(self) -> dict[str, Feed]:
        """The feeds by name, in the order of the file; the first is the main one."""
        return {name: model.to_feed(name) for name, model in self.feeds.items()}


def check_name(name: str) -> str:
    """`name`, if it may name a feed: it is part of addresses. Raises `ValueError`."""
    if not _NAME.fullmatch(name) or name in _RESERVED:
        allowed = "a-z, 0-9, - and _, beginning with a letter, and not " + ", ".join(_RESERVED)
        raise ValueError(f"{name!r} cannot name a feed; allowed are {allowed}")
    return name


def explain_feed(error: ValidationError) -> dict[str, str]:
    """What is wrong with a feed that was not valid: by its key, in words. One message for each key."""
    problems: dict[str, str] = {}
    for problem in error.errors():
        problems.setdefault(str(problem["loc"][0]), problem["msg"].removeprefix("Value error, "))
    return problems


def read_feeds_file(text: str, origin: str) -> FeedsFile:
    """Read the text of a feeds.toml; `origin` is how messages call it.

    Raises `ConfigError` with one line for each mistake: where it is, what was found, and what is allowed.
    """
    try:
        plain = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{origin}: not TOML: {error}"]) from error
    if private := [name for name in plain if name.startswith("_")]:  # pydantic-settings would take them for options
        raise ConfigError([_unknown_key(origin, (private[0],))])
    try:
        return FeedsFile(**plain)
    except ValidationError as error:
        raise ConfigError(list(_explained(error, origin))) from error
    except SettingsError as error:  # a variable that should hold a list or a table, and does not
        names = ", ".join(sorted(name for name in os.environ if name.upper().startswith(_ENV_PREFIX)))
        raise ConfigError([f"{names}: {error}: {error.__cause__}; lists and tables are written as JSON"]) from error


def load_feeds_file(path: Path) -> FeedsFile:
    """Read feeds.toml from a file. Raises `ConfigError`."""
    try:
        return read_feeds_file(path.read_text("utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read: {error}"]) from error


def _explained(error: ValidationError, origin: str) -> Iterator[str]:
    for problem in error.errors():
        where = ".".join(str(part) for part in problem["loc"] if part != "[key]")
        variable = _ENV_PREFIX + "__".join(map(str, problem["loc"])).upper()
        named = variable if variable in map(str.upper, os.environ) else origin
        value = problem["input"]
        shown = f" = {value!r}" if isinstance(value, (str, int, float, bool)) else ""
        if problem["type"] == "extra_forbidden":
            yield _unknown_key(origin, problem["loc"])
        elif problem["type"] == "missing":
            yield f"{named}: {where}: is missing"
        else:
            yield f"{named}: {where}{shown}: {problem['msg'].removeprefix('Value error, ')}"


def _unknown_key(origin: str, loc: tuple[int | str, ...]) -> str:
    return f"{origin}: {'.'.join(map(str, loc))}: unknown key; allowed here: {', '.join(_allowed_keys(loc))}"


def _allowed_keys(loc: tuple[int | str, ...]) -> list[str]:
    if len(loc) == 1:
        return list(FeedsFile.model_fields)
    model = RubricModel if "rubric" in loc[2:-1] else InstanceModel if loc[0] == "instance" else FeedModel
    return list(model.model_fields)
