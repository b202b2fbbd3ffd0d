"""A bounded run of questions: how many at once, until when, and what a failure means."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from core.jobs.session import Session
from core.llm.base import Answer, Ask, Usage, wrong
from core.model.errors import ModelError, StoreError
from tests.support.tables import each_row

QUESTION = Ask("screen", "Read the paper.", "An abstract.")


@dataclass
class Speaker:
    """A model that answers after a while, or fails; `most` is how many questions it had at once."""

    seconds: float = 0.0
    error: ModelError | None = None
    asked: int = 0
    most: int = 0
    _at_once: set[object] = field(default_factory=set)

    def name(self, step: str) -> str:
        return step

    async def ask(self, ask: Ask, *, deadline: float) -> Answer:
        assert (QUESTION, True) == (ask, deadline > asyncio.get_running_loop().time())
        self.asked += 1
        me = object()
        self._at_once.add(me)
        self.most = max(self.most, len(self._at_once))
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self._at_once.discard(me)
        if self.error:
            raise self.error
        return Answer("yes", "m", Usage(10, 2, 1))

    async def close(self) -> None:
        """Nothing is open."""


def run(model: Speaker, questions: int, *, seconds: float = 60.0, reserve: float = 0.0) -> Session:
    """A session in which so many questions were to be asked, two at once."""

    async def main() -> Session:
        session = Session.lasting(model, seconds, 2, reserve)

        async def work(_: int) -> None:
            try:
                await session.ask(QUESTION)
            except ModelError as error:
                session.concerns_all(error)

        await session.each(range(questions), work)
        return session

    return asyncio.run(main())


def test_a_few_at_once() -> None:
    """All questions are asked, never more than allowed at once, and what they took is added up."""
    model = Speaker(0.01)
    assert (Usage(70, 14, 7), 7, 2) == (run(model, 7).usage, model.asked, model.most)


def test_none_is_begun_too_late() -> None:
    """With less time left than a question needs none is begun."""
    model = Speaker()
    run(model, 3, seconds=5, reserve=6)
    assert 0 == model.asked


def test_a_short_session_keeps_a_part_in_reserve() -> None:
    """Ten seconds are kept in reserve, or a quarter of a short session."""

    async def main() -> list[float]:
        return [Session.lasting(Speaker(), seconds, 1).reserve for seconds in (8.0, 600.0)]

    assert [2.0, 10.0] == asyncio.run(main())


# State of the error → whether the session stops
STOPS = {"wrong-key": True, "no-credit": True, "budget": True, "down": True, "refused": False, "timeout": False,
         "not-understood": True}  # fmt: skip


@each_row("state", STOPS)
def test_what_a_failure_stops(state: str) -> None:
    """An error that does not depend on the question stops the session; any other concerns its question alone."""
    model = Speaker(error=wrong(state, usage=Usage(5, 0, 1)))
    session = run(model, 6)
    assert (STOPS[state], model.asked < 6) == (session.stopped is not None, STOPS[state])
    assert Usage(5 * model.asked, 0, model.asked) == session.usage


def test_a_store_that_fails_ends_it_when_all_is_stored() -> None:
    """What is under way when the store fails comes to its end; nothing more is begun, and the failure is raised."""
    done: list[int] = []

    async def work(number: int) -> None:
        if number == 0:
            await asyncio.sleep(0.005)
            raise StoreError("the store is down")
        await asyncio.sleep(0.02)
        done.append(number)

    with pytest.raises(StoreError, match="is down"):
        asyncio.run(_each(work))
    assert [1] == done


async def _each(work: Any) -> None:
    await Session.lasting(Speaker(), 60, 2).each(range(5), work)


def test_an_interrupted_answer_is_kept() -> None:
    """A session that is cancelled takes the answer that it waits for if it comes in a moment, and begins no other."""
    model, got = Speaker(0.1), list[str]()

    async def main() -> Session:
        session = Session.lasting(model, 60, 1)

        async def work(_: int) -> None:
            got.append((await session.ask(QUESTION)).value)

        task = asyncio.create_task(session.each(range(3), work))
        while not model.asked:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.wait([task])
        return session

    session = asyncio.run(main())
    assert (["yes"], 1, Usage(10, 2, 1)) == (got, model.asked, session.usage)
