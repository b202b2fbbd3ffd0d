"""The model of the shared stand-in for the upstreams, which this project did not write."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.llm.base import Answer
from tests.support.asking import JSON_ASK, TEXT_ASK, Asking, Shape
from tests.support.replay import replay_process

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def replay() -> Iterator[str]:
    with replay_process() as url:
        yield url


def test_answers(replay: str, tmp_path: Path) -> None:
    """A question with a shape and one for a text are answered, with figures of usage."""
    shaped, text = Asking(f"{replay}/v1", tmp_path, model="replay").ask(JSON_ASK, TEXT_ASK)
    assert isinstance(shaped, Answer), shaped
    assert isinstance(text, Answer), text
    assert isinstance(shaped.value, Shape)
    assert "## Contribution" in text.value
    assert (1, 1, True) == (shaped.usage.calls, text.usage.calls, text.usage.total > 0)
