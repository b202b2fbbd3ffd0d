"""feeds.toml: the one file that an owner edits; read, checked, and turned into feeds.

Every value can be overridden by an environment variable: `PAPERWIRE_FEEDS__MAIN__MIN_SCORE=4` for `min_score` in
`[feeds.main]`, `PAPERWIRE_INSTANCE__CONTACT=…` for `contact` in `[instance]`.
"""

import difflib
import math
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from core.domain.categories import CATEGORIES
from core.domain.errors import ConfigError
from core.domain.feed import Feed, Keyword, parse_keyword
from core.domain.scoring import same_keyword
from core.domain.text import fold

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_ENV_PREFIX = "PAPERWIRE_"
_HEAVIEST = 1000
MOST_ENTRIES = 500
MOST_DAYS = 366
_RESERVED = ("custom",)  # /api/feeds/custom.rss is for rules in the URL
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]

Pattern = Annotated[str, StringConstraints(max_length=300)]


class InstanceModel(BaseModel):
    """`[instance]`: what holds for all feeds."""

    model_config = ConfigDict(extra="forbid")

    title: Text = "My arXiv wire"
    contact: str = Field("", max_length=200)
    retention_days: int = Field(30, ge=1, le=MOST_DAYS)


class FeedModel(BaseModel):
    """`[feeds.NAME]`: one feed."""

    model_config = ConfigDict(extra="forbid")

    title: Text
    description: str = Field("", max_length=1000)
    source: Literal["arxiv"] = "arxiv"
    categories: list[Text] = Field(min_length=1, max_length=50)
    announce_types: list[Literal["new", "cross", "replace", "replace-cross"]] = Field(["new"], min_length=1)
    match: Literal["word", "substring", "regex"] = "word"
    title_bonus: float = Field(0.5, ge=0, le=10, allow_inf_nan=False)
    min_score: float = Field(0, ge=-1000, le=1000, allow_inf_nan=False)
    max_entries: int = Field(0, ge=0, le=MOST_ENTRIES)
    keywords: dict[Pattern, float] = Field({}, max_length=1000)
    exclude: list[Pattern] = Field([], max_length=200)

    @field_validator("categories")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
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
        for written, weight in keywords.items():
            keyword = parse_keyword(written)
            if not math.isfinite(weight) or abs(weight) > _HEAVIEST:
                allowed = f"numbers from -{_HEAVIEST} to {_HEAVIEST}"
                raise ValueError(f"the weight of {written!r} is {weight}; allowed are {allowed}")
            _check_pattern(match, written, keyword.text)
            other, before = weights.setdefault(_sameness(match, keyword), (written, weight))
            if before != weight:
                raise ValueError(f"{other!r} and {written!r} are the same keyword, but weigh {before:g} and {weight:g}")
            if keyword.field == "categories":
                cls._known([keyword.text])
        if match == "regex":
            _check_together([parse_keyword(written).text for written in keywords])
        return keywords

    @field_validator("exclude")
    @classmethod
    def _exclude(cls, words: list[str], info: ValidationInfo) -> list[str]:
        for word in words:
            _check_pattern(info.data.get("match", "word"), word, word)
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
        )


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


def _sameness(match: str, keyword: Keyword) -> object:
    """What makes two keywords the same rule: "KV-cache" and "KV cache" are one as words, but not as substrings."""
    if match == "word":
        return same_keyword(keyword)
    return keyword.field, keyword.text.lower() if match == "substring" else keyword.text


def _check_together(patterns: list[str]) -> None:
    """Raise `ValueError` for patterns that are too much for one pass over a text."""
    import re2  # only where a feed uses it

    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    together = re2.Set.SearchSet(options)
    for pattern in patterns:
        together.Add(pattern)
    try:
        together.Compile()
        together.Match("")
    except re2.error as error:
        raise ValueError("together these regular expressions are too large; make some of them simpler") from error


def _check_pattern(match: str, written: str, text: str) -> None:
    """Raise `ValueError` for a keyword or exclude word that could match nothing, or everything."""
    if not text:
        raise ValueError(f"{written!r} has nothing to look for")
    if match == "word" and not fold(text).strip():
        raise ValueError(f"{written!r} has no words to look for")
    if match == "regex":
        _check_regex(text)


def _check_regex(pattern: str) -> None:
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise ValueError(f"{pattern!r} is not a regular expression in RE2's syntax: {reason}") from None
    if any((match := compiled.search(text)) and not match[0] for text in ("", "a", "a b")):
        raise ValueError(f"{pattern!r} matches the empty text, and so every paper")


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
    return list((InstanceModel if loc[0] == "instance" else FeedModel).model_fields)
