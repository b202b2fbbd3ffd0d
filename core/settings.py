"""Settings from the environment: secrets, where the store and the upstreams are, the clock.

What the wire collects is in feeds.toml (`core.config`); what differs from one deployment to the next is here.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, Field, HttpUrl, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core import sample
from core.config import FeedsFile, load_feeds_file, read_feeds_file
from core.domain.errors import ConfigError

ROOT = Path(__file__).resolve().parents[1]
Clock = Callable[[], datetime]


class Settings(BaseSettings):
    """One field an environment variable, in capitals; a `.env` file in the working directory may hold them too."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True)

    arxiv_rss_url: HttpUrl = Field(HttpUrl("https://rss.arxiv.org"), description="where arXiv's RSS is")
    admin_token: str = Field("", description="lets its owner refresh at will")
    cron_secret: str = Field("", description="what the platform's cron sends; also lets refresh")
    base_url: str = Field(
        "", pattern=r"^(https?://[^\s?#]+)?$", description="the public address, if not that of the request"
    )
    feeds_toml: str = Field("", description="the text of a feeds.toml, instead of the file")
    feeds_file: Path | None = Field(None, description="where feeds.toml is; else ./feeds.toml, else the one shipped")
    sqlite_path: Path = Field(Path(".paperwire/store.sqlite3"), description="the SQLite store")
    now: AwareDatetime | None = Field(None, description="freezes the clock, to replay a day: 2025-12-30T12:00:00Z")
    sample: bool = Field(False, description="serve the built-in sample week instead of arXiv")
    vercel: str = Field("", description="set by Vercel")

    @field_validator("base_url")
    @classmethod
    def _no_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @property
    def clock(self) -> Clock:
        """The present (UTC), or the moment at which it is frozen: by `NOW`, or because the sample is of the past."""
        frozen = self.now or (sample.noon(sample.days()[-1]) if self.sample else None)
        return (lambda: frozen.astimezone(UTC)) if frozen else (lambda: datetime.now(UTC))

    @property
    def rss_url(self) -> str:
        """The upstream's address without a trailing slash."""
        return str(self.arxiv_rss_url).rstrip("/")

    @cached_property
    def feeds(self) -> FeedsFile:
        """The configuration of the feeds. Raises `ConfigError`."""
        if self.feeds_toml:
            return read_feeds_file(self.feeds_toml, "FEEDS_TOML")
        return load_feeds_file(self.feeds_path)

    @property
    def feeds_path(self) -> Path:
        """The feeds.toml in force, if `FEEDS_TOML` does not hold it."""
        here = Path("feeds.toml")
        return self.feeds_file or (here if here.exists() else ROOT / "feeds.toml")


def load_settings(**overrides: Any) -> Settings:
    """Settings from the environment, `overrides` before it. Raises `ConfigError` that names the variables."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        lines = [f"{str(e['loc'][0]).upper()}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()]
        raise ConfigError(lines) from error
