"""feeds.toml: the one file that an owner edits; read, checked, and turned into feeds.

Every value can be overridden by an environment variable: `PAPERWIRE_FEEDS__MAIN__MIN_SCORE=4` for `min_score` in
`[feeds.main]`, `PAPERWIRE_INSTANCE__CONTACT=…` for `contact` in `[instance]`.
"""

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from core.domain.errors import ConfigError
from core.domain.feed import Feed
from core.feed_model import FeedModel, InstanceModel, RubricModel

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
