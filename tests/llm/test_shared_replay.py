"""The model of the shared stand-in for the upstreams, which this project did not write."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.llm.base import Answer
from core.model.errors import ModelError
from tests.support.asking import JSON_ASK, TEXT_ASK, Asking, Shape
from tests.support.replay import replay_process

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def replay() -> Iterator[str]:
    with replay_process() as url:
        yield url


def control(replay: str, fault: Any) -> None:
    """Have the stand-in misbehave; None: no more."""
    httpx.post(f"{replay}/_control", json={"fault": fault and {"path": "/v1", **fault}}).raise_for_status()


def test_answers(replay: str, tmp_path: Path) -> None:
    """A question with a shape and one for a text are answered, with figures of usage."""
    control(replay, None)
    shaped, text = Asking(f"{replay}/v1", tmp_path, model="replay").ask(JSON_ASK, TEXT_ASK)
    assert isinstance(shaped, Answer), shaped
    assert isinstance(text, Answer), text
    assert isinstance(shaped.value, Shape)
    assert "## Contribution" in text.value
    assert (1, 1, True) == (shaped.usage.calls, text.usage.calls, text.usage.total > 0)


# Fault → the state when it lasts, and the calls that are made
FAULTS = {
    "invalid-json": ("not-json", 2),
    "wrong-schema": ("wrong-shape", 2),
    "hostile": ("", 1),
    "429": ("busy", 5),
    "500": ("down", 3),
    "503": ("down", 3),
    "403": ("wrong-key", 1),
    "html": ("no-answer", 1),
    "rate-exceeded": ("no-answer", 1),
    "reset": ("down", 3),
    "hang": ("timeout", 1),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_faults(replay: str, tmp_path: Path, kind: str) -> None:
    """Its faults end in their states; once they are over, the same question is answered."""
    state, calls = FAULTS[kind]
    control(replay, {"kind": kind})
    asking = Asking(f"{replay}/v1", tmp_path, model="replay", options={"pause": 0.01, "timeout": 4.0})
    (got,) = asking.ask(JSON_ASK)
    control(replay, None)
    (after,) = asking.ask(JSON_ASK)
    assert (state, calls) == (got.state if isinstance(got, ModelError) else "", got.usage.calls)
    assert isinstance(after, Answer), after
