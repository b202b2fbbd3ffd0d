"""Which model the settings name, what is said about it, and what cannot be right."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from core.archive import Archive
from core.config.models import describe_models, extra_of, models_of
from core.config.settings import ROOT, Settings, load_settings
from core.jobs.session import open_model
from core.llm.base import STEPS, Answer
from core.model.errors import ConfigError, ModelError
from core.store.sqlite import SqliteStore
from tests.conftest import paperwire
from tests.support.asking import GOOD, JSON_ASK, NOW, outcome
from tests.support.model_server import MODEL, ModelServer, serving
from tests.support.tables import each_row

SECRET = "sk-open-sesame-0123456789"


def settings_of(**values: Any) -> Settings:
    """Settings of these values only."""
    return load_settings(_env_file=None, **values)


# Variables → whether there is a model, and how it is described
GOOD_ONES: dict[str, tuple[dict[str, Any], bool, str]] = {
    "nothing": ({}, False, "no model: summaries are extracted from abstracts; set LLM_API_KEY and LLM_MODEL"),
    "a key alone": ({"llm_api_key": SECRET}, False, "LLM_API_KEY is set, but LLM_MODEL is not; no model: summaries"),
    "OpenAI": (
        {"llm_api_key": SECRET, "llm_model": "m-1"},
        True,
        "Models: m-1 at api.openai.com, without a limit of tokens",
    ),
    "without a key": (
        {"llm_base_url": "http://127.0.0.1:8080/v1/", "llm_model": "m-1"},
        True,
        "Models: m-1 at 127.0.0.1:8080, without a limit of tokens",
    ),
    "steps and limits": (
        {
            "llm_api_key": SECRET,
            "llm_model": "m-1",
            "llm_model_screen": "m-0",
            "llm_model_review": "m-2",
            "llm_daily_tokens": 200_000,
            "llm_monthly_tokens": 3_000_000,
        },
        True,
        "Models: m-1 at api.openai.com (screen: m-0, review: m-2), "
        "at most 200,000 tokens a day and 3,000,000 tokens a month",
    ),
}


@pytest.mark.parametrize("name", GOOD_ONES)
def test_descriptions(name: str) -> None:
    """The models are named in one line, without the key."""
    values, has_model, words = GOOD_ONES[name]
    settings = settings_of(**values)
    assert (has_model, True) == (settings.has_model, describe_models(settings).startswith(words))
    assert SECRET not in f"{describe_models(settings)} {settings!r}"


# Variables → what is said
BAD_ONES: dict[str, tuple[dict[str, Any], str]] = {
    "a model alone": ({"llm_model": "m-1"}, "neither LLM_API_KEY nor LLM_BASE_URL"),
    "a step alone": ({"llm_api_key": SECRET, "llm_model_review": "m"}, "LLM_MODEL_REVIEW: LLM_MODEL is not set"),
    "no address": ({"llm_base_url": "nowhere", "llm_model": "m"}, "LLM_BASE_URL: "),
    "an address with a password": ({"llm_base_url": "https://me:pass@example.org/v1"}, "LLM_BASE_URL: "),
    "an address too long": (
        {"llm_base_url": "https://example.org/v1/chat/completions/"},
        "LLM_BASE_URL: it is the address before /chat/completions",
    ),
    "a key with a break": ({"llm_api_key": "sk-open\nsesame"}, "LLM_API_KEY: it has a space"),
    "a key that is no ASCII": ({"llm_api_key": "sk-öpen"}, "LLM_API_KEY: it has a space"),
    "a limit below zero": ({"llm_daily_tokens": -1}, "LLM_DAILY_TOKENS: "),
    "a limit in words": ({"llm_monthly_tokens": "many"}, "LLM_MONTHLY_TOKENS: "),
    "an effort in other words": ({"llm_reasoning_effort": "a bit"}, "LLM_REASONING_EFFORT: "),
    "a body that is no JSON": ({"llm_extra_body": "{thinking"}, "LLM_EXTRA_BODY: it is not JSON"),
    "a body that is a list": ({"llm_extra_body": "[1]"}, "LLM_EXTRA_BODY: it has to be a JSON object"),
    "a body with a model": ({"llm_extra_body": '{"model": "m"}'}, "LLM_EXTRA_BODY: Paperwire itself sets model"),
    "no calls at once": ({"llm_concurrency": 0}, "LLM_CONCURRENCY: "),
    "no time": ({"llm_timeout_seconds": 0}, "LLM_TIMEOUT_SECONDS: "),
    "infinite time": ({"llm_timeout_seconds": "inf"}, "LLM_TIMEOUT_SECONDS: "),
    "a price below zero": ({"llm_price_prompt": -1}, "LLM_PRICE_PROMPT: "),
    "no price": ({"llm_price_completion": "nan"}, "LLM_PRICE_COMPLETION: "),
}


@each_row("name", BAD_ONES)
def test_what_cannot_be_meant(name: str) -> None:
    """Variables that cannot be right are named, and their values are not repeated."""
    values, words = BAD_ONES[name]
    with pytest.raises(ConfigError) as raised:
        describe_models(settings_of(**values))
    assert words in str(raised.value)
    assert [] == [word for word in ("sesame", "pass@", "öpen") if word in str(raised.value)]


def test_a_model_for_each_step() -> None:
    """A step has the model of its own variable, else the one for all."""
    models = models_of(settings_of(llm_api_key=SECRET, llm_model="m-1", llm_model_analyse=" m-2 "))
    assert {"screen": "m-1", "analyse": "m-2", "summarise": "m-1", "review": "m-1"} == models
    assert set(STEPS) == set(models)


def test_what_goes_into_every_request() -> None:
    """The effort and the body of the settings, which has precedence, are added to requests."""
    settings = settings_of(llm_reasoning_effort="low", llm_extra_body='{"enable_thinking": false}')
    assert {"reasoning_effort": "low", "enable_thinking": False} == extra_of(settings)


def test_opening(tmp_path: Path) -> None:
    """The model that is opened asks the endpoint of the settings, with their key; without one there is none."""

    async def work(settings: Settings) -> Any:
        store = SqliteStore(tmp_path / "store.sqlite3")
        assert open_model(settings_of(), Archive(store)) is None
        model = open_model(settings, Archive(store))
        assert model
        got = [await outcome(model, JSON_ASK), await outcome(model, JSON_ASK)]  # type: ignore[arg-type]
        await model.close()
        await store.close()
        return got

    with serving(ModelServer(key=SECRET)) as stand_in:
        settings = settings_of(
            llm_base_url=stand_in.url, llm_api_key=SECRET, llm_model=MODEL, llm_daily_tokens=900, now=NOW
        )
        first, second = asyncio.run(work(settings))
    assert isinstance(first, Answer), first
    assert (GOOD, MODEL) == (first.value, first.model)
    assert isinstance(second, ModelError), second
    assert "budget" == second.state


def test_check_tells_of_the_model(tmp_path: Path) -> None:
    """`paperwire check` says which models there are, or what to set."""
    none = paperwire("check", cwd=tmp_path, env={})
    some = paperwire("check", cwd=tmp_path, env={"LLM_API_KEY": SECRET, "LLM_MODEL": "m-1"})
    bad = paperwire("check", cwd=tmp_path, env={"LLM_MODEL": "m-1"})
    assert [0, 0, 2] == [done.returncode for done in (none, some, bad)]
    assert "no model: summaries are extracted" in none.stdout
    assert "Models: m-1 at api.openai.com" in some.stdout
    assert SECRET not in some.stdout + some.stderr
    assert "LLM_BASE_URL" in bad.stderr


def test_all_variables_are_in_the_example() -> None:
    """.env.example names every variable of the models."""
    named = set(re.findall(r"^#(LLM_\w+)=", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE))
    assert {name.upper() for name in Settings.model_fields if name.startswith("llm_")} == named
