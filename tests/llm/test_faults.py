"""What endpoints and models do when they misbehave: one row for each fault."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from core.llm.base import STATES, Answer, Ask, Usage
from core.llm.client import CompatibleModel
from core.model.errors import ModelError
from core.store.base import Store
from tests.support.asking import GOOD, JSON_ASK, NOW, TEXT_ASK, Asking, outcome, used
from tests.support.model_server import FAULTS, MODEL, ModelServer, serving
from tests.support.tiers import matrix

SECRET = "sk-open-sesame-0123456789"


@dataclass(frozen=True)
class Row:
    """A lasting fault, the state that it ends in ("" for a good answer), the calls made, and how many are paid for."""

    state: str
    calls: int = 1
    paid: int = 0
    ask: Ask = JSON_ASK
    server: dict[str, Any] = field(default_factory=dict)
    timeout: float = 60.0


FOREVER = {
    "invalid-json": Row("not-json", 2, 2),
    "wrong-schema": Row("wrong-shape", 2, 2),
    "list": Row("not-json", 2, 2),
    "deep": Row("not-json", 2, 2),
    "cut-off": Row("cut-off", 2, 2),
    "cut-off text": Row("cut-off", 2, 2, TEXT_ASK),
    "empty": Row("empty", 2, 2),
    "null": Row("empty", 2, 2),
    "only thoughts": Row("empty", 2, 2, TEXT_ASK),
    "refusal": Row("refused", 1, 1),
    "refusal in words": Row("refused", 1, 1),
    "filtered": Row("refused", 1, 1, TEXT_ASK),
    "policy": Row("refused", 1),
    "hostile": Row("", 1, 1),
    "surrogate": Row("", 1, 1, TEXT_ASK),
    "surrogate in JSON": Row("", 1, 1),
    "thoughts": Row("", 1, 1),
    "parts": Row("", 1, 1),
    "answer among thoughts": Row("", 1, 1),
    "answer among thoughts text": Row("empty", 2, 2, TEXT_ASK),  # thoughts are never taken for a text
    "stream": Row("", 1, 1),
    "stream that fails": Row("down", 3),
    "filtered with 200": Row("refused"),
    "inspected": Row("refused"),
    "key with 400": Row("wrong-key"),
    "model with 400": Row("no-model"),
    "balance with 403": Row("no-credit"),
    "too large": Row("too-long"),
    "401": Row("wrong-key"),
    "403": Row("wrong-key"),
    "404": Row("no-model"),
    "402": Row("no-credit"),
    "429": Row("busy", 5),
    "429 with Retry-After": Row("busy", 5, server={"headers": {"Retry-After": "0"}}),
    "429 with parts of seconds": Row("busy", 5, server={"headers": {"Retry-After": "0.001"}}),
    "429 until later": Row("busy", 1, server={"headers": {"Retry-After": "3600"}}),
    "429 until a date": Row("busy", 1, server={"headers": {"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"}}),
    "429 with nonsense": Row("busy", 5, server={"headers": {"Retry-After": "soon"}}),
    "no credit": Row("no-credit"),
    "500": Row("down", 3),
    "503": Row("down", 3),
    "error page": Row("down", 3),
    "reset": Row("down", 3),
    "cut-connection": Row("down", 3),
    "hang": Row("timeout", timeout=0.3),
    "drip": Row("timeout", timeout=0.5),
    "html": Row("no-answer"),
    "error with 200": Row("down", 3),
    "busy with 200": Row("busy", 5),
    "day limit with 200": Row("day-limit"),
    "no choices": Row("no-answer"),
    "all shapes": Row("no-answer"),
    "too long": Row("too-long"),
    "not understood": Row("not-understood", 3),  # in all ways of asking for JSON
    "not understood text": Row("not-understood", 1, 0, TEXT_ASK),
    "wrong key": Row("wrong-key", server={"key": "another", "faults": []}),
    "unknown model": Row("no-model", server={"models": ("another",), "faults": []}),
    "another address": Row("no-model", server={"faults": []}),
    "no usage": Row("", 1, 0),
    "huge usage": Row("", 1, 0),
}
UNKNOWN_SPENT = ("reset", "cut-connection", "hang", "drip")  # it may have been worked at all the same


@pytest.fixture
def stand_in() -> Iterator[ModelServer]:
    with serving(ModelServer()) as running:
        yield running


def _fault(name: str) -> str:
    """The stand-in's fault that a row is about."""
    words = name.removesuffix(" text").partition(" ")[0]
    return name.removesuffix(" text") if name.removesuffix(" text") in FAULTS else words


@pytest.mark.parametrize("name", FOREVER)
def test_fault_for_ever(stand_in: ModelServer, tmp_path: Path, name: str) -> None:
    """Each fault ends in its state, after so many calls and not more, and what was paid for is reported and counted."""
    row = FOREVER[name]
    stand_in.faults, stand_in.faulty_for_ever = [_fault(name)], True
    for option, value in row.server.items():
        setattr(stand_in, option, value)
    url = stand_in.url + ("/elsewhere" if name == "another address" else "")
    asking = Asking(url, tmp_path, SECRET, daily=1_000_000, options={"pause": 0.001, "timeout": row.timeout})

    async def work(model: CompatibleModel, store: Store) -> tuple[Answer | ModelError, int]:
        return await outcome(model, row.ask), await used(store, f"{NOW:%Y-%m-%d}")

    got, counted = asking.run(work)
    assert row.state == (got.state if isinstance(got, ModelError) else "")
    assert row.calls == len(stand_in.requests) == got.usage.calls
    assert SECRET not in f"{got!r} {got}"
    if name in UNKNOWN_SPENT:
        assert counted > row.calls * row.ask.most_tokens
    elif "usage" not in name:
        assert (row.paid * 120, Usage(row.paid * 100, row.paid * 20, row.calls)) == (counted, got.usage)
    if isinstance(got, ModelError):
        assert STATES[row.state].again == got.again
        assert str(got).lower().startswith(STATES[row.state].says[:20].lower())


def test_every_state_has_a_row() -> None:
    """Every state of the table is reached by a fault, but for the budget, which has its own tests."""
    assert set(STATES) == {row.state for row in FOREVER.values() if row.state} | {"budget"}


def test_every_fault_has_a_row() -> None:
    """All faults of the stand-in are asked for."""
    assert set(FAULTS) <= {_fault(name) for name in FOREVER}


PASSING = (
    *("invalid-json", "wrong-schema", "cut-off", "empty"),
    *("429", "500", "error page", "reset", "cut-connection"),
)


@pytest.mark.parametrize("name", PASSING)
def test_passing_fault(stand_in: ModelServer, tmp_path: Path, name: str) -> None:
    """What goes wrong once is made good by one more call, and nobody notices but for what it took."""
    stand_in.faults = [name]
    (got,) = Asking(stand_in.url, tmp_path).ask(JSON_ASK)
    assert isinstance(got, Answer), got
    assert (GOOD, MODEL, 2) == (got.value, got.model, got.usage.calls)
    assert 2 == len(stand_in.requests)


OF_ONE_QUESTION = [name for name in FOREVER if _fault(name) in FAULTS or _fault(name).isdigit()]
OF_EACH_STATE = {FOREVER[name].state: name for name in reversed(OF_ONE_QUESTION)}


@matrix("name", OF_ONE_QUESTION, daily=tuple(OF_EACH_STATE.values()))
def test_others_are_unharmed(stand_in: ModelServer, tmp_path: Path, name: str) -> None:
    """A fault with one paper's question is that question's alone: others that are asked meanwhile are answered."""
    row = FOREVER[name]
    stand_in.faults, stand_in.faulty_for_ever, stand_in.prey = [_fault(name)], True, "unlucky"
    stand_in.headers = row.server.get("headers", {})
    asks = [replace(row.ask, user="lucky"), replace(row.ask, user="unlucky"), replace(row.ask, user="happy")]

    async def work(model: CompatibleModel, _: Store) -> list[Answer | ModelError]:
        return await asyncio.gather(*(outcome(model, ask) for ask in asks))

    seconds = 3.0 if row.state == "timeout" else 60.0  # which others must not need
    before, unlucky, after = Asking(stand_in.url, tmp_path, options={"pause": 0.001, "timeout": seconds}).run(work)
    assert isinstance(before, Answer), before
    assert isinstance(after, Answer), after
    assert row.state == (unlucky.state if isinstance(unlucky, ModelError) else "")


def test_nobody_there(tmp_path: Path) -> None:
    """An endpoint at which nothing listens is down; nothing is taken of the budget."""
    from tests.support.ports import free_port

    asking = Asking(f"http://127.0.0.1:{free_port()}/v1", tmp_path, daily=1_000_000)

    async def work(model: CompatibleModel, store: Store) -> tuple[Answer | ModelError, int]:
        return await outcome(model, JSON_ASK), await used(store, f"{NOW:%Y-%m-%d}")

    got, counted = asking.run(work)
    assert isinstance(got, ModelError), got
    assert ("down", 0) == (got.state, counted)


def test_what_an_endpoint_repeats_of_a_key(stand_in: ModelServer, tmp_path: Path) -> None:
    """The key that an endpoint repeats is not in the error, which says what to check."""
    stand_in.key = "another"
    (got,) = Asking(stand_in.url, tmp_path, SECRET).ask(JSON_ASK)
    assert isinstance(got, ModelError), got
    assert (True, False) == ("Incorrect API key provided: Bearer …" in str(got), SECRET in str(got))
    assert "check LLM_API_KEY" in str(got)
    assert f"Bearer {SECRET}" == stand_in.sent[0]["authorization"]


def test_how_long_to_wait(stand_in: ModelServer, tmp_path: Path) -> None:
    """Who has to come back later learns when; else the table says it."""
    stand_in.faults, stand_in.faulty_for_ever = ["429"], True
    stand_in.headers = {"Retry-After": "3600"}
    (told,) = Asking(stand_in.url, tmp_path).ask(JSON_ASK)
    stand_in.headers = {}
    (other,) = Asking(stand_in.url, tmp_path).ask(JSON_ASK)
    assert isinstance(told, ModelError)
    assert isinstance(other, ModelError)
    assert (3600.0, STATES["busy"].after) == (told.retry_after, other.retry_after)
