"""`[deliver.NAME]`: its keys, the allowed values, and the secret that it names."""

import json
import re
from datetime import time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from core.config.environment import variables
from core.model.delivery import Delivery
from core.model.errors import ConfigError

_MOST_PAPERS = 50
_AT = re.compile(r"(?P<hour>[01]?\d|2[0-3])(?::(?P<minute>[0-5]\d))?(?:\s+(?P<zone>\S+))?")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,79}")
_OWN = ("ADMIN_TOKEN", "CRON_SECRET", "FEED_KEY")  # secrets that open this wire are no addresses


class DeliverTable(BaseModel):
    """`[deliver.NAME]`: where digests of feeds go, and when."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    feeds: list[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]] = Field(
        min_length=1, max_length=20
    )
    to: str
    when: Literal["daily", "weekly", "must-read"] = "daily"
    at: str = "07:00 UTC"
    limit_hours: float = Field(3.0, ge=0, le=20, allow_inf_nan=False)
    most: int = Field(10, ge=1, le=_MOST_PAPERS)
    style: Literal["brief", "titles"] = "brief"
    language: Literal["", "en", "ko", "zh"] = ""
    empty: Literal["nothing", "line"] = "nothing"

    @field_validator("to")
    @classmethod
    def _names_a_variable(cls, name: str) -> str:
        if "://" in name:  # the message does not repeat it
            raise ValueError(
                "it is an address, which may hold secrets: put it into a variable of the environment, and name that"
            )
        if not _VARIABLE.fullmatch(name) or name in _OWN:
            raise ValueError("it is the name of a variable that holds an Apprise URL, such as MAIL_TO, in capitals")
        return name

    @field_validator("at")
    @classmethod
    def _a_time(cls, text: str) -> str:
        _read_at(text)
        return text

    @field_validator("feeds", mode="before")
    @classmethod
    def _of_a_variable(cls, names: object) -> object:
        if not isinstance(names, str):
            return names
        try:
            return json.loads(names)  # as other lists are written in the environment
        except ValueError:
            return names.split(",")

    @field_validator("feeds")
    @classmethod
    def _each_once(cls, names: list[str]) -> list[str]:
        return list(dict.fromkeys(names))

    def to_delivery(self, name: str) -> Delivery:
        """Returns the delivery of that name."""
        at, zone = _read_at(self.at)
        return Delivery(
            name, tuple(self.feeds), self.to, self.when, at, zone, timedelta(hours=self.limit_hours), self.most,
            self.style, self.language, self.empty,
        )  # fmt: skip


def _read_at(text: str) -> tuple[time, ZoneInfo]:
    """Returns hour and zone of "07:30 Europe/Berlin". Raises `ValueError`."""
    match = _AT.fullmatch(text.strip())
    if not match:
        raise ValueError('it is an hour with a time zone, such as "07:30 Europe/Berlin"')
    name = match["zone"] or "UTC"
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"{name!r} is no time zone; they are named as in Europe/Berlin, Asia/Seoul, America/New_York or UTC"
        ) from None
    return time(int(match["hour"]), int(match["minute"] or 0)), zone


def address_of(delivery: Delivery) -> str:
    """Returns the secret URL that a delivery goes to. Raises `ConfigError`, which does not quote it."""
    url = variables().get(delivery.to, "").strip()
    if not url:
        raise ConfigError([f"deliver.{delivery.name}: the variable {delivery.to} is not set; it holds an Apprise URL"])
    if "://" not in url or not url.isprintable() or " " in url:
        raise ConfigError(
            [f"deliver.{delivery.name}: {delivery.to} is no URL such as mailtos://user:password@example.org"]
        )
    return url
