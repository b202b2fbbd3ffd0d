"""Converts the keyword bot's config.json to feeds.toml."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from core.config.feed_table import LONGEST_RETENTION, MOST_ENTRIES
from core.config.feeds_file import read_feeds_file, write_feeds_file
from core.model.errors import ConfigError

_TEMPLATE = "key-findings"  # the nearest to what the bot asked its model for


class BotSummary(BaseModel):
    """`ai_summary` of config.json: the model that wrote the bot's summaries."""

    enabled: bool = True
    api_key_env: str = ""
    base_url: str = ""
    model: str = ""
    max_papers_to_summarize: int = Field(15, ge=0)
    max_workers: int = Field(4, ge=1)

    @property
    def variables(self) -> dict[str, str]:
        """The equivalent environment variables of this project, without the key."""
        values = {"LLM_BASE_URL": self.base_url, "LLM_MODEL": self.model}
        values |= {"LLM_CONCURRENCY": str(min(self.max_workers, 100))}
        return {name: value for name, value in values.items() if value}

    @property
    def settings(self) -> str:
        """The same as a line for the owner."""
        key = f"<the value of {self.api_key_env}>" if self.api_key_env else "<its key>"
        values = self.variables | {"LLM_API_KEY": key}
        names = ("LLM_BASE_URL", "LLM_MODEL", "LLM_API_KEY", "LLM_CONCURRENCY")
        return ", ".join(f"{name}={values[name]}" for name in names if name in values)


class BotConfig(BaseModel):
    """The supported keys of config.json."""

    categories: list[str] = Field(min_length=1)
    keywords: list[str] = []
    exclude_keywords: list[str] = []
    max_papers: int = Field(30, ge=1)
    min_score: float | None = None
    days_back: int = Field(30, ge=1)
    ai_summary: BotSummary | None = None


def to_env(text: str, before: str, environment: Mapping[str, str]) -> str:
    """Returns the text of a .env with the model of a config.json, after what it held `before`, which wins.

    The key is that of the variable which the bot reads, where the `environment` has it; else a comment says so.
    """
    bot = _read(text)[0].ai_summary
    if bot is None or not bot.enabled:
        return before
    set_already = {line.partition("=")[0].removeprefix("export ").strip() for line in before.splitlines()}
    values = {name: value for name, value in bot.variables.items() if name not in set_already}
    lines = [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
    if "LLM_API_KEY" not in set_already:
        key = environment.get(bot.api_key_env, "") if bot.api_key_env else ""
        comment = f"# LLM_API_KEY=<the value of {bot.api_key_env or 'the key'}>"
        lines.append(f"LLM_API_KEY={json.dumps(key)}" if key else comment)
    start = before if not before or before.endswith("\n") else f"{before}\n"
    return start + "".join(f"{line}\n" for line in lines)


def to_feeds_toml(text: str, *, exact: bool = False) -> tuple[str, list[str]]:
    """Returns the text of a feeds.toml for the text of a config.json, and notes on keys that are not supported.

    By default keywords match whole words and count once. `exact` reproduces the bot's scores: substrings, a keyword
    that is listed twice counts twice, and no minimum (the bot never read its `min_score`). Raises `ConfigError`.
    """
    bot, plain = _read(text)
    notes = [f"not taken over: {name}" for name in plain if name not in BotConfig.model_fields]
    if bot.max_papers > MOST_ENTRIES:
        notes.append(f"max_papers: {bot.max_papers} becomes {MOST_ENTRIES}, the most entries a day")
    if bot.ai_summary and bot.ai_summary.enabled:
        notes.append(f"ai_summary: set in the environment or in .env: {bot.ai_summary.settings}")
        inner = (name for name in plain["ai_summary"] if name not in BotSummary.model_fields)
        notes += [f"not taken over: ai_summary.{name}" for name in inner]
    toml = _render(bot, exact=exact)
    read_feeds_file(toml, "config.json")  # what was taken over is checked as any feeds.toml is
    return toml, notes


def _read(text: str) -> tuple[BotConfig, dict[str, Any]]:
    """Returns a config.json, and its values as they are. Raises `ConfigError`."""
    try:
        plain = json.loads(text.removeprefix("\ufeff"))
        if not isinstance(plain, dict):
            raise ConfigError(["config.json: an object was expected, with categories and keywords"])
        bot = BotConfig(**plain)
    except json.JSONDecodeError as error:
        raise ConfigError([f"config.json: not JSON: {error}"]) from error
    except ValidationError as error:
        lines = [f"config.json: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise ConfigError(lines) from error
    return bot, plain


def _render(bot: BotConfig, *, exact: bool) -> str:
    feed: dict[str, Any] = {
        "title": "Imported feed",
        "categories": bot.categories,
        "match": "substring" if exact else "word",
        **({"min_score": 0.0} if exact else {} if bot.min_score is None else {"min_score": bot.min_score}),
        "max_entries": min(bot.max_papers, MOST_ENTRIES),
        "exclude": bot.exclude_keywords,
    }
    if summary := bot.ai_summary:
        most = min(summary.max_papers_to_summarize, MOST_ENTRIES)
        feed |= {"summary": _TEMPLATE, "summaries": most} if summary.enabled else {"summary": ""}
    feed["keywords"] = _keywords(bot.keywords, counted=exact)
    instance = {"title": "My arXiv wire", "contact": "", "retention_days": min(bot.days_back, LONGEST_RETENTION)}
    return write_feeds_file(instance, {"main": feed})


def _keywords(listed: list[str], *, counted: bool) -> Mapping[str, int]:
    times = Counter(keyword.strip().lower() for keyword in listed)
    first = {keyword.strip().lower(): keyword.strip() for keyword in reversed(listed) if keyword.strip()}
    return {first[key]: times[key] if counted else 1 for key in dict.fromkeys(k.strip().lower() for k in listed) if key}
