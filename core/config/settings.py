"""Settings from the environment: secrets, the addresses of the store and the upstreams, the clock.

They differ between deployments; the feeds are in feeds.toml (`core.config.feeds_file`).
"""

import os
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import AwareDatetime, Field, HttpUrl, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core import __version__
from core.config.environment import env_file as read_env_file
from core.config.environment import variables
from core.config.feeds_file import FeedsFile, load_feeds_file, read_feeds_file
from core.model.errors import ConfigError
from core.sources import sample
from core.util.signing import fingerprint

ROOT = Path(__file__).resolve().parents[2]
_INSTALLED = Path(sys.prefix, "share", "paperwire")  # where an installed copy has what is beside the code in a checkout
SHORTEST_KEY = 16
SITE_PAUSES = 5  # of the gate: arxiv.org/robots.txt asks for 15 s between two requests to the site
GATE_SECONDS = 3.0  # arXiv's terms: one request every three seconds, https://info.arxiv.org/help/api/tou.html
_SHIPPED = (".py", ".html", ".css", ".js", ".toml")  # files on which answers depend
Clock = Callable[[], datetime]


def shipped(name: str) -> Path:
    """Returns the path of a file or folder that comes with the code: beside it, or where pip has put it."""
    beside = ROOT / name
    return beside if beside.exists() else _INSTALLED / name


_VERSION_OF_KEYS = re.compile(r"pw\d+")
_BLANK = " \t\r\n\v\f\xa0\ufeff\u200b"  # stripped from secrets


class Settings(BaseSettings):
    """One field an environment variable, in capitals; a `.env` file in the working directory may hold them too."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", hide_input_in_errors=True)

    arxiv_rss_url: HttpUrl = Field(HttpUrl("https://rss.arxiv.org"), description="where arXiv's RSS is")
    arxiv_api_url: HttpUrl | None = Field(None, description="where arXiv's API is; else with a replay, else arXiv's")
    arxiv_site_url: HttpUrl | None = Field(
        None, description="where arXiv's catch-up pages are; else with a replay, else arXiv's site"
    )
    hf_api_url: HttpUrl | None = Field(None, description="where Hugging Face is; else with a replay, else its own")
    biorxiv_api_url: HttpUrl | None = Field(
        None, description="where the API of bioRxiv and medRxiv is; else with a replay, else its own"
    )
    private_sources: bool = Field(False, description="lets RSS and Atom feeds be in private networks, beside this copy")
    arxiv_pdf_url: HttpUrl | None = Field(
        None, description="where the papers' texts are; else with a replay, else arXiv's"
    )
    replay_gate_seconds: float = Field(
        3.0, ge=0, description="the pause between requests to a replay; arXiv itself always gets three seconds"
    )
    admin_token: str = Field("", repr=False, description="lets its owner refresh at will")
    feed_key: str = Field(
        "", repr=False, description="makes this copy private: feeds, API and pages open with ?key=… only"
    )
    websub_hub: HttpUrl | None = Field(
        None, description="a WebSub hub, which notifies subscribers of new entries at once"
    )
    cron_secret: str = Field("", repr=False, description="what the platform's cron sends; also lets refresh")
    base_url: str = Field(
        "", pattern=r"^(https?://[^\s?#]+)?$", description="the public address, if not that of the request"
    )
    feeds_toml: str = Field("", description="the text of a feeds.toml, instead of the file")
    feeds_file: Path | None = Field(None, description="where feeds.toml is; else ./feeds.toml, else the one shipped")
    upstash_redis_rest_url: str = Field("", repr=False, description="the store: a database of Upstash, over REST")
    upstash_redis_rest_token: str = Field("", repr=False, description="its token, one that may write")
    kv_rest_api_url: str = Field(
        "", repr=False, description="the same, as Vercel's integration names it, with or without a prefix"
    )
    kv_rest_api_token: str = Field("", repr=False, description="its token")
    redis_url: str = Field("", repr=False, description="the store: a Redis or Valkey server, redis://…")
    store_prefix: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._-]{0,64}$",
        description="stands before all keys, so that wires can share a database; by default none, of previews at Vercel"
        " preview",
    )
    sqlite_path: Path | None = Field(None, description="the store: a file; by default .paperwire/store.sqlite3")
    store_connect_seconds: float = Field(1.0, gt=0, description="how long a connection to the store may take")
    store_read_seconds: float = Field(2.0, gt=0, description="how long an answer of the store may take")
    catch_up_seconds: float = Field(
        60.0, ge=0, description="how long a refresh goes on after the due batch, with what was missed; 0: not at all"
    )
    work_seconds: float = Field(
        0.0, ge=0, description="how long one step of /api/work takes at most; 0: until the platform's deadline"
    )
    qstash_token: str = Field("", repr=False, description="a queue, which calls /api/work until nothing is pending")
    qstash_url: str = Field(
        "https://qstash.upstash.io", pattern=r"^https?://[^\s?#@]+$", description="where that queue is: its region"
    )
    qstash_current_signing_key: str = Field("", repr=False, description="signs what the queue sends")
    qstash_next_signing_key: str = Field("", repr=False, description="signs it after the keys were rotated")
    confirm_seconds: float = Field(10.0, ge=0, description="how long an instance uses what it has read from the store")
    llm_base_url: str = Field(
        "", pattern=r"^(https?://[^\s?#@]+)?$", description="an OpenAI-compatible endpoint; by default OpenAI's"
    )
    llm_api_key: str = Field("", repr=False, description="its key; servers of one's own may need none")
    llm_model: str = Field("", description="which of its models; without one no model is asked")
    llm_model_screen: str = Field("", description="another one for the first look at a paper")
    llm_model_analyse: str = Field("", description="another one for the analysis of a paper")
    llm_model_summarise: str = Field("", description="another one for summaries")
    llm_model_review: str = Field("", description="another one for reviews")
    llm_reasoning_effort: str = Field(
        "", pattern=r"^[a-z]*$", description="how much a model thinks, such as low; by default it decides"
    )
    llm_extra_body: str = Field("", description="a JSON object that goes into the body of every request")
    llm_context_tokens: int = Field(
        64_000, ge=4_000, description="how many tokens a question and its answer may have; a long paper is cut to fit"
    )
    llm_daily_tokens: int = Field(0, ge=0, description="how many tokens a day may take at most; 0: no limit")
    llm_monthly_tokens: int = Field(0, ge=0, description="how many tokens a month may take at most; 0: no limit")
    llm_concurrency: int = Field(4, ge=1, le=100, description="how many calls an instance makes at the same time")
    llm_timeout_seconds: float = Field(
        300.0, gt=0, description="how long one call may take; a model may think for minutes"
    )
    llm_price_prompt: float = Field(0.0, ge=0, description="money for a million tokens that are read; 0: not known")
    llm_price_completion: float = Field(0.0, ge=0, description="money for a million tokens that are written")
    zotero_user: str = Field("", pattern=r"^\d*$", description="the number of a user of Zotero, whose library it is")
    zotero_key: str = Field("", repr=False, description="a key of that library at zotero.org, which may write")
    zotero_collection: str = Field(
        "",
        pattern=r"^([A-Z0-9]{8})?$",
        description="one of its collections, by the eight characters of its address, whose papers seed the main feed",
    )
    zotero_api_url: HttpUrl = Field(HttpUrl("https://api.zotero.org"), description="where Zotero's API is")
    now: AwareDatetime | None = Field(None, description="freezes the clock, to replay a day: 2025-12-30T12:00:00Z")
    sample: bool = Field(False, description="serve the built-in sample week instead of arXiv")
    vercel: str = Field("", description="set by Vercel")
    vercel_deployment_id: str = Field("", description="set by Vercel")
    vercel_env: str = Field("", description="set by Vercel: production, preview or development")
    vercel_project_production_url: str = Field("", description="set by Vercel: the public address of production")
    vercel_git_provider: str = Field("github", description="set by Vercel: where the repository is")
    vercel_git_repo_owner: str = Field("", description="set by Vercel: whose repository was deployed")
    vercel_git_repo_slug: str = Field("", description="set by Vercel: its name")
    aws_lambda_function_name: str = Field("", description="set by AWS Lambda")
    aws_region: str = Field("", description="set by AWS Lambda")
    aws_access_key_id: str = Field("", repr=False, description="set by AWS Lambda")
    aws_secret_access_key: str = Field("", repr=False, description="set by AWS Lambda")
    aws_session_token: str = Field("", repr=False, description="set by AWS Lambda")
    sqs_queue_url: str = Field("", description="set by deploy/aws: the queue that calls the function again")
    log_format: Literal["", "json", "text"] = Field(
        "", description="json or text, a line for each event; by default JSON on Vercel and AWS, else text"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="what is logged, from there on")
    rate_limit: int = Field(
        240, ge=0, le=1_000_000, description="answers a minute that have to be made for one client address; 0: no limit"
    )

    @field_validator("*", mode="before")
    @classmethod
    def _stripped(cls, value: object) -> object:
        return value.strip(_BLANK) if isinstance(value, str) else value

    @field_validator("base_url", "upstash_redis_rest_url", "kv_rest_api_url", "llm_base_url", "qstash_url")
    @classmethod
    def _no_slash(cls, url: str) -> str:
        return url.strip().rstrip("/")

    @field_validator("feed_key")
    @classmethod
    def _hard_to_guess(cls, key: str) -> str:
        key = key.strip()
        if key and (len(key) < SHORTEST_KEY or not key.isascii() or not key.isprintable()):
            raise ValueError(f"a key has at least {SHORTEST_KEY} characters of ASCII; `openssl rand -hex 16` makes one")
        return key

    @field_validator(
        "upstash_redis_rest_token", "kv_rest_api_token", "redis_url", "llm_api_key", "qstash_token", "zotero_key"
    )
    @classmethod
    def _no_space(cls, secret: str) -> str:
        secret = secret.strip()
        if not (secret.isascii() and secret.isprintable()) or " " in secret:  # a client's error would repeat it
            raise ValueError("it has a space, a line break or a character beyond ASCII inside; copy it again")
        return secret

    @field_validator("store_prefix")
    @classmethod
    def _no_key(cls, prefix: str) -> str:
        if _VERSION_OF_KEYS.fullmatch(prefix):
            raise ValueError("keys without a prefix begin so; take another one")
        return prefix

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, level: object) -> object:
        return level.strip().upper() if isinstance(level, str) else level

    @field_validator("llm_base_url")
    @classmethod
    def _no_method(cls, url: str) -> str:
        if url.endswith("/completions"):
            raise ValueError("it is the address before /chat/completions, such as https://api.openai.com/v1")
        return url

    @field_validator("llm_price_prompt", "llm_price_completion", "llm_timeout_seconds")
    @classmethod
    def _finite(cls, number: float) -> float:
        if not isfinite(number):
            raise ValueError("it has to be a number")
        return number

    @property
    def logs_json(self) -> bool:
        """Whether logs are JSON: by default on platforms that collect them."""
        return self.log_format == "json" or (self.serverless and not self.log_format)

    @property
    def serverless(self) -> bool:
        """Whether this runs on a serverless platform: no work between requests, and no permanent disk."""
        return bool(self.vercel or self.aws_lambda_function_name)

    @property
    def prefix(self) -> str:
        """The prefix of all keys in the store: previews share a database with production, but nothing in it."""
        is_preview = self.vercel_env not in ("", "production")
        return self.store_prefix or (self.vercel_env if is_preview else "")

    @property
    def link_secret(self) -> str:
        """The secret of signed links in feeds and messages, "" without one."""
        return self.admin_token or self.feed_key

    @property
    def has_model(self) -> bool:
        """Whether a language model is configured; see `core.config.models`."""
        return bool(self.llm_model)

    @property
    def has_zotero(self) -> bool:
        """Whether a library at Zotero is configured."""
        return bool(self.zotero_user and self.zotero_key)

    @property
    def clock(self) -> Clock:
        """The clock (UTC), which `NOW` or the sample week freezes."""
        frozen = self.now or (sample.noon(sample.days()[-1]) if self.sample else None)
        return (lambda: frozen.astimezone(UTC)) if frozen else (lambda: datetime.fromtimestamp(time.time(), UTC))

    @property
    def public_url(self) -> str:
        """The configured or platform's public URL, else ""."""
        platform = self.vercel_project_production_url if self.vercel_env == "production" else ""
        return self.base_url or (f"https://{platform}" if platform else "")

    @cached_property
    def build(self) -> str:
        """The fingerprint of the deployment's code: documents rendered by other code are not served."""
        if self.vercel_deployment_id:
            return self.vercel_deployment_id
        paths = (path for name in ("api", "core", "public") for path in shipped(name).rglob("*.*"))
        found = (path.stat() for path in paths if path.suffix in _SHIPPED)
        return fingerprint(__version__, sorted((file.st_size, file.st_mtime_ns) for file in found))

    @property
    def rss_url(self) -> str:
        """The URL of arXiv's RSS, without a trailing slash."""
        return str(self.arxiv_rss_url).rstrip("/")

    @property
    def api_url(self) -> str:
        """The URL of arXiv's API, without a trailing slash."""
        return self._upstream(self.arxiv_api_url, "https://export.arxiv.org")

    @property
    def site_url(self) -> str:
        """The URL of arXiv's site, which has the catch-up pages, without a trailing slash."""
        return self._upstream(self.arxiv_site_url, "https://arxiv.org")

    @property
    def hf_url(self) -> str:
        """The URL of Hugging Face, without a trailing slash."""
        return self._upstream(self.hf_api_url, "https://huggingface.co")

    @property
    def biorxiv_url(self) -> str:
        """The URL of the API of bioRxiv and medRxiv, without a trailing slash."""
        return self._upstream(self.biorxiv_api_url, "https://api.biorxiv.org")

    @property
    def pdf_url(self) -> str:
        """The base URL of papers' texts, without a trailing slash."""
        return self._upstream(self.arxiv_pdf_url, "https://arxiv.org")

    def _upstream(self, given: HttpUrl | None, own: str) -> str:
        """Returns the URL `given`, else the upstream's `own`; a replay of the RSS replaces the others too."""
        if given:
            return str(given).rstrip("/")
        return own if _is_of_arxiv(self.rss_url) else self.rss_url

    @property
    def gate_seconds(self) -> float:
        """The pause between two requests to arXiv in seconds; a replay may have a shorter one."""
        if self.sample:
            return 0.0
        real = any(map(_is_of_arxiv, (self.rss_url, self.api_url, self.site_url, self.pdf_url)))
        return GATE_SECONDS if real else self.replay_gate_seconds

    @cached_property
    def feeds(self) -> FeedsFile:
        """The configuration of the feeds. Raises `ConfigError`."""
        if self.feeds_toml:
            return read_feeds_file(self.feeds_toml, "FEEDS_TOML")
        return load_feeds_file(self.feeds_path)

    def reread_feeds(self) -> FeedsFile:
        """Read the configuration of the feeds again, and use it. Raises `ConfigError`; then the former one stays."""
        known = self.__dict__.pop("feeds", None)
        try:
            return self.feeds
        except ConfigError:
            if known is not None:
                self.__dict__["feeds"] = known
            raise

    @property
    def feeds_path(self) -> Path:
        """The feeds.toml in force, if `FEEDS_TOML` does not hold it."""
        here = Path("feeds.toml")
        return self.feeds_file or (here if here.exists() else shipped("feeds.toml"))


def _is_of_arxiv(url: str) -> bool:
    return f".{urlsplit(url).hostname}".endswith(".arxiv.org")


def load_settings(*, env_file: bool = True, **overrides: Any) -> Settings:
    """Returns the settings from the environment and `.env`; `overrides` take precedence. Raises `ConfigError`.

    The error names the variables. Without `env_file`, `.env` is not read.
    """
    try:
        return Settings(**((_from_file() if env_file else {}) | _prefixed_store() | overrides))
    except ValidationError as error:
        lines = [f"{str(e['loc'][0]).upper()}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()]
        raise ConfigError(lines) from error


def _from_file() -> dict[str, str]:
    """Returns the settings of the `.env` file that are not in the environment."""
    of_file = {name.lower(): value for name, value in read_env_file().items()}
    is_set = {name.lower() for name, value in os.environ.items() if value}
    return {name: value for name, value in of_file.items() if name in Settings.model_fields and name not in is_set}


def _prefixed_store() -> dict[str, str]:
    """Returns the store's variables with a prefix of Vercel's integration: `WIRE_KV_REST_API_URL`.

    Raises `ConfigError` if there are several.
    """
    known = variables()
    if any(known.get(name, "").strip() for name in ("KV_REST_API_URL", "UPSTASH_REDIS_REST_URL")):
        return {}
    urls = sorted(name for name in known if name.endswith("_KV_REST_API_URL") and known[name].strip())
    if not urls:
        return {}
    if len(urls) > 1:
        raise ConfigError([f"{' and '.join(urls)} are set: name the one to use by KV_REST_API_URL and _TOKEN"])
    token = urls[0].removesuffix("URL") + "TOKEN"
    if not known.get(token, "").strip():
        raise ConfigError([f"{urls[0]} is set, but {token} is not"])
    return {"kv_rest_api_url": known[urls[0]], "kv_rest_api_token": known[token]}
