"""The configured language models: one OpenAI-compatible endpoint, and a model for each step."""

import json
from typing import Any
from urllib.parse import urlsplit

from core.config.settings import Settings
from core.llm.base import STEPS
from core.model.errors import ConfigError

OPENAI_URL = "https://api.openai.com/v1"
_OWN = {"model", "messages", "stream", "response_format"}  # keys of a request that Paperwire sets
_EXAMPLE = 'such as {"enable_thinking": false}'
NO_MODEL = (
    "no model: summaries are extracted from abstracts; set LLM_API_KEY and LLM_MODEL,"
    " and LLM_BASE_URL for another endpoint than OpenAI's"
)


def models_of(settings: Settings) -> dict[str, str]:
    """Returns the name of the model for each step; empty without a model. Raises `ConfigError` for a contradiction."""
    own = {step: getattr(settings, f"llm_model_{step}").strip() for step in STEPS}
    if not settings.has_model:
        alone = [f"LLM_MODEL_{step.upper()}" for step, name in own.items() if name]
        if alone:
            raise ConfigError([f"{' and '.join(alone)}: LLM_MODEL is not set, which is for all other steps"])
        return {}
    if not settings.llm_api_key and not settings.llm_base_url:
        raise ConfigError(
            ["LLM_MODEL is set, but neither LLM_API_KEY nor LLM_BASE_URL is: OpenAI needs a key, others an address"]
        )
    return {step: name or settings.llm_model for step, name in own.items()}


def endpoint_url(settings: Settings) -> str:
    """Returns the URL of the endpoint, without a trailing slash."""
    return settings.llm_base_url or OPENAI_URL


def extra_of(settings: Settings) -> dict[str, Any]:
    """Returns the extra keys of every request's body. Raises `ConfigError`."""
    effort = {"reasoning_effort": settings.llm_reasoning_effort} if settings.llm_reasoning_effort else {}
    try:
        extra = json.loads(settings.llm_extra_body or "{}")
    except ValueError as error:
        raise ConfigError([f"LLM_EXTRA_BODY: it is not JSON: {error}; {_EXAMPLE}"]) from error
    if not isinstance(extra, dict):
        raise ConfigError([f"LLM_EXTRA_BODY: it has to be a JSON object, {_EXAMPLE}"])
    if own := sorted(extra.keys() & _OWN):
        raise ConfigError([f"LLM_EXTRA_BODY: Paperwire itself sets {', '.join(own)}"])
    return effort | extra


_ANSWER_SHARE, _MOST_ANSWER = 0.4, 16_000  # of the context: tokens for instructions, thoughts and the answer
_CHARACTERS = 3  # a token of a paper, with its formulas and tables


def text_characters(settings: Settings) -> int:
    """Returns how many characters of a paper fit into the context of the models."""
    tokens = settings.llm_context_tokens
    return int(tokens - min(tokens * _ANSWER_SHARE, _MOST_ANSWER)) * _CHARACTERS


def describe_models(settings: Settings) -> str:
    """Describe the models for their owner, in one line, without the key. Raises `ConfigError`."""
    models, _ = models_of(settings), extra_of(settings)
    if not models:
        forgotten = "LLM_API_KEY is set, but LLM_MODEL is not; " if settings.llm_api_key else ""
        return f"{forgotten}{NO_MODEL}"
    others = [f"{step}: {name}" for step, name in models.items() if name != settings.llm_model]
    spans = (("a day", settings.llm_daily_tokens), ("a month", settings.llm_monthly_tokens))
    limits = [f"{tokens:,} tokens {span}" for span, tokens in spans if tokens]
    return (
        f"Models: {settings.llm_model} at {urlsplit(endpoint_url(settings)).netloc}"
        + (f" ({', '.join(others)})" if others else "")
        + (f", at most {' and '.join(limits)}" if limits else ", without a limit of tokens")
    )
