"""feeds.toml, the one file that an owner edits: parses and validates it, makes feeds of it, and writes it.

Every value can be overridden by an environment variable: `PAPERWIRE_FEEDS__MAIN__MIN_SCORE=4` for `min_score` in
`[feeds.main]`, `PAPERWIRE_INSTANCE__CONTACT=…` for `contact` in `[instance]`, and so for `[deliver.NAME]`.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from core.config.environment import read_text_file, variables
from core.config.feed_table import FeedTable, Instance, RubricTable
from core.model.errors import ConfigError
from core.model.feed import Feed

if TYPE_CHECKING:
    from core.model.delivery import Delivery

_ENV_PREFIX = "PAPERWIRE_"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_RESERVED = ("custom",)  # /api/feeds/custom.rss is for rules in the URL
_BARE = re.compile(r"[A-Za-z0-9_-]+")  # a key that needs no quotes in TOML
_A_TABLE = re.compile(r"a valid dictionary( or instance of \w+)?")


@dataclass(frozen=True, slots=True)
class FeedsFile:
    """The content of the file and the environment: `feeds` by name, in the file's order; the first is the main feed.

    `deliver` are the validated tables of the `deliveries`.
    """

    instance: Instance
    feeds: Mapping[str, Feed]
    deliver: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def deliveries(self) -> "list[Delivery]":
        """Where digests go, in the file's order."""
        if not self.deliver:
            return []
        from core.config.deliver_table import DeliverTable  # not at a cold start

        return [DeliverTable(**table).to_delivery(name) for name, table in self.deliver.items()]


class _File(BaseSettings):
    """The whole file, with environment variables on top."""

    model_config = SettingsConfigDict(env_prefix=_ENV_PREFIX, env_nested_delimiter="__", extra="forbid")

    instance: Instance = Instance()
    feeds: dict[str, FeedTable] = Field(min_length=1)
    deliver: dict[str, dict[str, Any]] = Field({}, max_length=20)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings' own signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment, with the `.env` file below it, before the file; nothing else."""
        if isinstance(env_settings, EnvSettingsSource):
            env_settings.env_vars = {name.lower(): value.strip() for name, value in variables().items()}
        return env_settings, init_settings

    @field_validator("feeds")
    @classmethod
    def _names(cls, feeds: dict[str, FeedTable]) -> dict[str, FeedTable]:
        for name in feeds:
            check_name(name)
        return feeds

    @field_validator("deliver")
    @classmethod
    def _names_of_deliveries(cls, deliver: dict[str, Any]) -> dict[str, Any]:
        for name in deliver:
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} cannot name a delivery; allowed are a-z, 0-9, - and _, a letter first")
        return deliver


def check_name(name: str) -> str:
    """Returns `name` if it is valid for a feed, as a part of URLs. Raises `ValueError`."""
    if not _NAME.fullmatch(name) or name in _RESERVED:
        allowed = "a-z, 0-9, - and _, beginning with a letter, and not " + ", ".join(_RESERVED)
        raise ValueError(f"{name!r} cannot name a feed; allowed are {allowed}")
    return name


def read_feeds_file(text: str, origin: str) -> FeedsFile:
    """Parse the text of a feeds.toml; `origin` is its name in messages.

    Raises `ConfigError` with one line for each mistake: its place, the value, and the allowed values.
    """
    try:
        plain = tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        mend = "; rules with backslashes are written in single quotes" if "\\" in str(error) else ""
        raise ConfigError([f"{origin}: not TOML: {error}{mend}"]) from error
    if private := [name for name in plain if name.startswith("_")]:  # pydantic-settings would read them as options
        raise ConfigError([_unknown_key(origin, (private[0],))])
    try:
        file = _File(**plain)
    except ValidationError as error:
        raise ConfigError(list(_explained(error, origin))) from error
    except SettingsError as error:  # a variable that should hold a list or a table, and does not
        names = ", ".join(sorted(name for name in variables() if name.upper().startswith(_ENV_PREFIX)))
        raise ConfigError([f"{names}: {error}: {error.__cause__}; lists and tables are written as JSON"]) from error
    _check_deliver(file.deliver, origin)
    return FeedsFile(file.instance, {name: table.to_feed(name) for name, table in file.feeds.items()}, file.deliver)


def _check_deliver(deliver: Mapping[str, Mapping[str, Any]], origin: str) -> None:
    """Validate the tables `[deliver.NAME]`. Raises `ConfigError`."""
    if not deliver:
        return
    from core.config.deliver_table import DeliverTable  # not at a cold start

    problems: list[str] = []
    for name, table in deliver.items():
        try:
            DeliverTable(**table)
        except ValidationError as error:
            problems += _explained(error, origin, ("deliver", name))
    if problems:
        raise ConfigError(problems)


def load_feeds_file(path: Path) -> FeedsFile:
    """Read feeds.toml from a file. Raises `ConfigError`."""
    try:
        return read_feeds_file(read_text_file(path), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read: {error}"]) from error


def _explained(error: ValidationError, origin: str, table: tuple[str, ...] = ()) -> Iterator[str]:
    for problem in error.errors():
        loc = (*table, *problem["loc"])
        where = ".".join(str(part) for part in loc if part != "[key]")
        variable = _ENV_PREFIX + "__".join(map(str, loc)).upper()
        named = variable if variable in map(str.upper, variables()) else origin
        value = problem["input"]
        is_secret = loc[-1] == "to"  # an address in the wrong place holds a password
        shown = f" = {value!r}" if isinstance(value, (str, int, float, bool)) and not is_secret else ""
        if problem["type"] == "extra_forbidden":
            yield _unknown_key(origin, loc)
        elif problem["type"] == "missing":
            yield f"{named}: {where}: is missing"
        else:
            message = _A_TABLE.sub("a table", problem["msg"].removeprefix("Value error, "))
            yield f"{named}: {where}{shown}: {message}"


def _unknown_key(origin: str, loc: tuple[int | str, ...]) -> str:
    return f"{origin}: {'.'.join(map(str, loc))}: unknown key; allowed here: {', '.join(_allowed_keys(loc))}"


def _allowed_keys(loc: tuple[int | str, ...]) -> list[str]:
    if len(loc) == 1:
        return list(_File.model_fields)
    table: type[BaseModel] = FeedTable
    if "rubric" in loc[2:-1]:
        table = RubricTable
    elif loc[0] == "instance":
        table = Instance
    elif loc[0] == "deliver":
        from core.config.deliver_table import DeliverTable

        table = DeliverTable
    return list(table.model_fields)


def write_feeds_file(
    instance: Mapping[str, Any],
    feeds: Mapping[str, Mapping[str, Any]],
    deliver: Mapping[str, Mapping[str, Any]] | None = None,
) -> str:
    """Returns the text of a feeds.toml with these values of `[instance]`, `[feeds.NAME]` and `[deliver.NAME]`."""
    tables = {"instance": instance}
    for name, feed in feeds.items():
        inner = {key: value for key, value in feed.items() if isinstance(value, Mapping)}
        tables[f"feeds.{name}"] = {key: value for key, value in feed.items() if key not in inner}
        tables |= {f"feeds.{name}.{key}": value for key, value in inner.items()}
    tables |= {f"deliver.{name}": values for name, values in (deliver or {}).items()}
    return "\n\n".join("\n".join([f"[{name}]", *_lines(values)]) for name, values in tables.items()) + "\n"


def _lines(values: Mapping[str, Any]) -> Iterator[str]:
    return (f"{_toml_key(key)} = {_toml(value)}" for key, value in values.items())


def _toml_key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _toml(key)


def _toml(value: Any) -> str:
    """Returns a TOML value: JSON's strings and numbers are valid TOML, except for one character."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(_lines(value)) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
