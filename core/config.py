"""feeds.toml: the one file that an owner edits; read, checked, and turned into feeds.

Every value can be overridden by an environment variable: `PAPERWIRE_FEEDS__MAIN__MIN_SCORE=4` for `min_score` in
`[feeds.main]`, `PAPERWIRE_INSTANCE__CONTACT=…` for `contact` in `[instance]`.
"""

import difflib
import math
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from core.domain.categories import CATEGORIES
from core.domain.errors import ConfigError
from core.domain.feed import Feed, Keyword, parse_keyword
from core.domain.scoring import same_keyword

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_RESERVED = ("custom",)  # /api/feeds/custom.rss is for rules in the URL
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


class InstanceModel(BaseModel):
    """`[instance]`: what holds for all feeds."""

    model_config = ConfigDict(extra="forbid")

    title: Text = "My arXiv wire"
    contact: str = Field("", max_length=200)
    retention_days: int = Field(30, ge=1, le=366)


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
    max_entries: int = Field(0, ge=0, le=500)
    keywords: dict[Text, float] = Field({}, max_length=1000)
    exclude: list[Text] = Field([], max_length=200)

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
    def _weights(cls, keywords: dict[str, float]) -> dict[str, float]:
        for written, weight in keywords.items():
            if not math.isfinite(weight) or abs(weight) > 1000:
                raise ValueError(f"the weight of {written!r} is {weight}; allowed are numbers from -1000 to 1000")
            if not parse_keyword(written).text:
                raise ValueError(f"{written!r} has nothing behind its prefix")
        weights: dict[tuple[str, str], tuple[str, float]] = {}
        for written, weight in keywords.items():
            other, before = weights.setdefault(same_keyword(parse_keyword(written)), (written, weight))
            if before != weight:
                raise ValueError(f"{other!r} and {written!r} are the same keyword, but weigh {before:g} and {weight:g}")
        return keywords

    @model_validator(mode="after")
    def _regexes(self) -> "FeedModel":
        if self.match == "regex":
            for written in [*(parse_keyword(k).text for k in self.keywords), *self.exclude]:
                _check_regex(written)
        return self

    def to_feed(self, name: str) -> Feed:
        """The feed; a keyword that is listed in several spellings counts once."""
        keywords = [parse_keyword(written, weight) for written, weight in self.keywords.items()]
        once: dict[object, Keyword] = {}
        for keyword in keywords:
            once.setdefault(same_keyword(keyword) if self.match == "word" else keyword, keyword)
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

    model_config = SettingsConfigDict(env_prefix="PAPERWIRE_", env_nested_delimiter="__", extra="forbid")

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
            if not _NAME.fullmatch(name) or name in _RESERVED:
                raise ValueError(f"{name!r} cannot name a feed; allowed are a-z, 0-9, - and _, beginning with a letter")
        return feeds

    def to_feeds(self) -> dict[str, Feed]:
        """The feeds by name, in the order of the file; the first is the main one."""
        return {name: model.to_feed(name) for name, model in self.feeds.items()}


def read_feeds_file(text: str, origin: str) -> FeedsFile:
    """Read the text of a feeds.toml; `origin` is how messages call it.

    Raises `ConfigError` with one line for each mistake: where it is, what was found, and what is allowed.
    """
    try:
        plain = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{origin}: not TOML: {error}"]) from error
    try:
        return FeedsFile(**plain)
    except ValidationError as error:
        raise ConfigError(list(_explained(error, origin))) from error


def load_feeds_file(path: Path) -> FeedsFile:
    """Read feeds.toml from a file. Raises `ConfigError`."""
    try:
        return read_feeds_file(path.read_text("utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read: {error}"]) from error


def _check_regex(pattern: str) -> None:
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise ValueError(f"{pattern!r} is not a regular expression in RE2's syntax: {reason}") from None
    if compiled.search(""):
        raise ValueError(f"{pattern!r} matches the empty text, and so every paper")


def _explained(error: ValidationError, origin: str) -> Iterator[str]:
    for problem in error.errors():
        where = ".".join(str(part) for part in problem["loc"] if part != "[key]")
        value = problem["input"]
        shown = f" = {value!r}" if isinstance(value, (str, int, float, bool)) else ""
        if problem["type"] == "extra_forbidden":
            yield f"{origin}: {where}: unknown key; allowed here: {', '.join(_allowed_keys(problem['loc']))}"
        elif problem["type"] == "missing":
            yield f"{origin}: {where}: is missing"
        else:
            yield f"{origin}: {where}{shown}: {problem['msg'].removeprefix('Value error, ')}"


def _allowed_keys(loc: tuple[int | str, ...]) -> list[str]:
    if len(loc) == 1:
        return list(FeedsFile.model_fields)
    return list((InstanceModel if loc[0] == "instance" else FeedModel).model_fields)
