"""What is learned of an endpoint outlives the process, and what is wrong in it is learned again."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.archive.endpoints import EndpointMemory
from core.llm.base import Answer
from core.llm.client import CompatibleModel, Dialect
from core.store.base import Store
from core.store.codec import encode
from tests.support.asking import JSON_ASK, NOW, TEXT_ASK, Asking
from tests.support.model_server import MODEL, ModelServer, serving

KEY = "pw1:endpoint:one"
ODD: dict[str, dict[str, Any]] = {
    "no schemas": {"formats": ("json_object",)},
    "words only": {"formats": ()},
    "another limit": {"limits": ("max_completion_tokens",)},
    "streams": {"streams": True},
    "no system": {"instructs": False},
    "little room": {"most_room": 300},
    "thinks": {"thinks": 5000},
    "all of it": {"formats": (), "limits": ("max_completion_tokens",), "streams": True, "instructs": False},
}
STORED = asdict(Dialect()) | {"at": NOW.timestamp()}
WRONG: dict[str, bytes] = {
    "damaged": b"zzzz",
    "no object": encode([1, 2]),
    "another version": encode({MODEL: {"mode": "json"}}),
    "another type": encode({MODEL: STORED | {"characters": "many"}}),
    "no mode": encode({MODEL: STORED | {"mode": "telepathy"}}),
    "no room": encode({MODEL: STORED | {"most_room": 1}}),
    "no text": encode({MODEL: STORED | {"characters": 3}}),
    "below zero": encode({MODEL: STORED | {"thinking": -5}}),
    "endless": encode({MODEL: STORED | {"thinking": 10**12}}),
}
REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a limit that it no longer knows": ({"limit": "max_completion_tokens"}, {"limits": ("max_tokens",)}),
    "more room than it has now": ({"thinking": 32_000}, {"most_room": 2_000}),
    "less room than it needs now": ({"most_room": 300}, {"thinks": 1_000}),
    "a schema where it has none": ({"mode": "json_schema"}, {"formats": ()}),
}


@pytest.fixture
def stand_in() -> Iterator[ModelServer]:
    """An endpoint."""
    with serving(ModelServer()) as server:
        yield server


class Remembering(Asking):
    """A model with a memory."""

    def make(self, store: Store) -> CompatibleModel:
        """See `Asking`."""
        self.options = {**self.options, "memory": EndpointMemory(store, "one")}
        return super().make(store)


def stored(asking: Asking, value: bytes) -> None:
    """Put a value where the memory is."""

    async def put(_: CompatibleModel, store: Store) -> None:
        await store.put(KEY, value)

    asking.run(put)


def known(asking: Asking) -> dict[str, Any]:
    """What the memory has."""

    async def read(_: CompatibleModel, store: Store) -> dict[str, Any]:
        return dict(await EndpointMemory(store, "one").recall())

    return asking.run(read)


@pytest.mark.parametrize("name", ODD)
def test_a_newborn_process_is_refused_nothing(stand_in: ModelServer, tmp_path: Path, name: str) -> None:
    """The first process learns how the endpoint wants to be asked, the next one knows it: one call, one answer."""
    for key, value in ODD[name].items():
        setattr(stand_in, key, value)
    [first] = Remembering(stand_in.url, tmp_path).ask(JSON_ASK)
    learning = len(stand_in.requests)
    [second] = Remembering(stand_in.url, tmp_path).ask(JSON_ASK)
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert learning > 1
    assert learning + 1 == len(stand_in.requests)


@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG)
def test_what_cannot_be_a_dialect(stand_in: ModelServer, tmp_path: Path, value: bytes) -> None:
    """A damaged memory counts as none."""
    asking = Remembering(stand_in.url, tmp_path)
    stored(asking, value)
    [answer] = Remembering(stand_in.url, tmp_path).ask(JSON_ASK)
    assert isinstance(answer, Answer)
    assert 1 == len(stand_in.requests)
    assert "json_schema" == stand_in.requests[0]["response_format"]["type"]


@pytest.mark.parametrize("name", REFUSED)
def test_a_stored_dialect_that_is_refused(stand_in: ModelServer, tmp_path: Path, name: str) -> None:
    """It is forgotten at the first refusal, what holds now is learned, and the next process knows that."""
    learned, there = REFUSED[name]
    for key, value in there.items():
        setattr(stand_in, key, value)
    stored(Remembering(stand_in.url, tmp_path), encode({MODEL: STORED | learned}))
    [answer, _] = Remembering(stand_in.url, tmp_path).ask(JSON_ASK, TEXT_ASK)
    assert isinstance(answer, Answer)
    before = len(stand_in.requests)
    [answer] = Remembering(stand_in.url, tmp_path).ask(JSON_ASK)
    assert isinstance(answer, Answer)
    assert before + 1 == len(stand_in.requests)


def test_the_length_of_texts_is_tried_again_after_a_day(stand_in: ModelServer, tmp_path: Path) -> None:
    """A larger account or server is noticed: the rest of the dialect is kept."""
    asking = Remembering(stand_in.url, tmp_path)
    stored(asking, encode({MODEL: STORED | {"characters": 5_000, "stream": True}}))

    def dialect(days: float) -> Dialect:
        async def read(model: CompatibleModel, _: Store) -> Dialect:
            return await model.dialect(MODEL)

        later = Remembering(stand_in.url, tmp_path, now=NOW + timedelta(days=days))
        return later.run(read)

    assert Dialect(stream=True, characters=5_000) == dialect(0.5)
    assert Dialect(stream=True) == dialect(1.5)
    assert dialect(-2) == replace(dialect(0.5), characters=0)  # a clock that was wrong


def test_a_failure_is_not_remembered(stand_in: ModelServer, tmp_path: Path) -> None:
    """What an endpoint refuses in every dialect says nothing about it."""
    stand_in.formats, stand_in.faults, stand_in.faulty_for_ever = (), ["400"], True
    Remembering(stand_in.url, tmp_path).ask(JSON_ASK)
    assert {} == known(Remembering(stand_in.url, tmp_path))
