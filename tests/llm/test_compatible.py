"""How models are asked: dialects, slots, deadlines, cancelling, what is sent."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.archive.spending import Spending
from core.llm.base import Answer, Ask, Usage
from core.llm.client import CompatibleModel
from core.model.errors import ModelError
from core.store.base import Store
from tests.support.asking import GOOD, JSON_ASK, NOW, TEXT_ASK, Asking, outcome, used
from tests.support.model_server import ModelServer, serving

DAY = f"{NOW:%Y-%m-%d}"


@pytest.fixture
def stand_in() -> Iterator[ModelServer]:
    with serving(ModelServer()) as running:
        yield running


def values(answers: list[Answer | ModelError]) -> list[Any]:
    """The values of answers, which all of them have to be."""
    assert [] == [str(answer) for answer in answers if isinstance(answer, ModelError)]
    return [answer.value for answer in answers if isinstance(answer, Answer)]


def test_what_is_sent(stand_in: ModelServer, tmp_path: Path) -> None:
    """Instructions and material go in messages of their own, with a bound, and a schema if there is a shape."""
    values(Asking(stand_in.url, tmp_path).ask(JSON_ASK, TEXT_ASK))
    shaped, plain = stand_in.requests
    roles = [("system", JSON_ASK.system), ("user", JSON_ASK.user)]
    assert roles == [(message["role"], message["content"]) for message in shaped["messages"]]
    assert ("stand-in-1", 400, "json_schema") == (
        shaped["model"],
        shaped["max_tokens"],
        shaped["response_format"]["type"],
    )
    assert {"model", "messages", "max_tokens"} == set(plain)
    assert "authorization" not in stand_in.sent[0]  # servers of one's own ask for no key


# What the stand-in knows → the response formats of the requests for three questions, of which the second has no shape
DIALECTS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "all": ({}, ["json_schema", "", "json_schema"]),
    "no schemas": ({"formats": ("json_object",)}, ["json_schema", "json_object", "", "json_object"]),
    "no JSON mode": ({"formats": ()}, ["json_schema", "json_object", "", "", ""]),
    "another bound": ({"limits": ("max_completion_tokens",)}, ["json_schema", "json_schema", "", "json_schema"]),
    "a stream": ({"streams": True}, ["json_schema", "json_schema", "", "json_schema"]),
    "no role for instructions": ({"instructs": False}, ["json_schema", "json_schema", "", "json_schema"]),
    "a smaller bound": ({"most_room": 300}, ["json_schema", "json_schema", "", "json_schema"]),
    "all at once": (
        {"streams": True, "instructs": False, "formats": (), "limits": ("max_completion_tokens",), "most_room": 300},
        [*["json_schema"] * 5, "json_object", "", "", ""],
    ),
}


@pytest.mark.parametrize("name", DIALECTS)
def test_dialects(stand_in: ModelServer, tmp_path: Path, name: str) -> None:
    """What an endpoint does not know it is asked for in another way, which is found out once."""
    options, expected = DIALECTS[name]
    for option, value in options.items():
        setattr(stand_in, option, value)
    got = values(Asking(stand_in.url, tmp_path).ask(JSON_ASK, TEXT_ASK, JSON_ASK))
    assert [GOOD, "One finding, in one sentence.", GOOD] == got
    assert expected == [request.get("response_format", {}).get("type", "") for request in stand_in.requests]


def test_a_failure_is_no_dialect(stand_in: ModelServer, tmp_path: Path) -> None:
    """A question that is refused in all dialects says nothing about how others have to be asked."""
    stand_in.faults, stand_in.faulty_for_ever, stand_in.prey = ["not understood"], True, "unlucky"
    got = Asking(stand_in.url, tmp_path).ask(replace(JSON_ASK, user="unlucky"), JSON_ASK)
    assert isinstance(got[0], ModelError)
    assert "json_schema" == stand_in.requests[-1]["response_format"]["type"]


def test_repair(stand_in: ModelServer, tmp_path: Path) -> None:
    """The second try has the first answer in it, and says in words what is wrong with it."""
    stand_in.faults = ["wrong-schema"]
    values(Asking(stand_in.url, tmp_path).ask(JSON_ASK))
    first, second = (request["messages"] for request in stand_in.requests)
    assert first == second[:2]
    assert {"role": "assistant", "content": '{"unexpected": true}'} == second[2]
    assert "score: Field required" in second[3]["content"]
    assert "unexpected: Extra inputs are not permitted" in second[3]["content"]


def test_more_room(stand_in: ModelServer, tmp_path: Path) -> None:
    """An answer that was cut off is asked for again with twice the room."""
    stand_in.faults = ["cut-off"]
    values(Asking(stand_in.url, tmp_path).ask(JSON_ASK))
    assert [400, 800] == [request["max_tokens"] for request in stand_in.requests]


def test_room_for_thoughts(stand_in: ModelServer, tmp_path: Path) -> None:
    """A model that thinks and gets no further has more room in the second try, and from then on."""
    stand_in.thinks = 20_000
    values(Asking(stand_in.url, tmp_path).ask(JSON_ASK, TEXT_ASK))
    assert [400, 32_800, 32_400] == [request["max_tokens"] for request in stand_in.requests]


def test_shorter_texts(stand_in: ModelServer, tmp_path: Path) -> None:
    """A text that is longer than the model can read is halved until it fits; the next one is cut at once."""
    stand_in.reads = 10_000
    text = "word " * 6_000
    ask = replace(TEXT_ASK, user=text, shorter=lambda most: replace(TEXT_ASK, user=text[:most]))
    values(Asking(stand_in.url, tmp_path).ask(ask, ask))
    assert [30_000, 15_000, 7_500, 7_500] == [len(request["messages"][1]["content"]) for request in stand_in.requests]


def test_what_cannot_be_shorter(stand_in: ModelServer, tmp_path: Path) -> None:
    """Where nothing can be left out, or too little would remain, the text is too long."""
    stand_in.reads = 100
    text = "word " * 1_000
    asks = [
        replace(TEXT_ASK, user=text),
        replace(TEXT_ASK, user=text, shorter=lambda most: replace(TEXT_ASK, user=text[:most])),
    ]
    got = Asking(stand_in.url, tmp_path).ask(*asks)
    assert ["too-long", "too-long"] == [one.state for one in got if isinstance(one, ModelError)]
    assert 1 + 3 == len(stand_in.requests)


KOREAN = "캐시가 읽기를 2배 빠르게 한다."


@pytest.mark.parametrize("ask", [replace(TEXT_ASK, language="ko"), replace(JSON_ASK, language="ko")])
def test_another_language(stand_in: ModelServer, tmp_path: Path, ask: Ask) -> None:
    """An answer in another language is asked for once more, with words on what is wrong."""

    def write(request: dict[str, Any]) -> str:
        text = KOREAN if "It is not in Korean" in request["messages"][-1]["content"] else "A cache."
        return text if ask.shape is None else json.dumps({"score": 1, "about": text, "tags": [], "part": None})

    stand_in.write = write
    (value,) = values(Asking(stand_in.url, tmp_path).ask(ask))
    assert (KOREAN, 2) == (value if ask.shape is None else value.about, len(stand_in.requests))


def test_a_language_that_a_model_does_not_know(stand_in: ModelServer, tmp_path: Path) -> None:
    """What comes in another language a second time is taken as it is; so is the first answer if the second fails."""
    ask = replace(TEXT_ASK, language="zh")
    stand_in.faults = ["", "", "", "empty"]
    got = values(Asking(stand_in.url, tmp_path).ask(ask, ask))
    assert (["One finding, in one sentence."] * 2, 4) == (got, len(stand_in.requests))


def test_more_in_every_request(stand_in: ModelServer, tmp_path: Path) -> None:
    """What the settings add goes into the body of each request."""
    values(Asking(stand_in.url, tmp_path, extra={"enable_thinking": False}).ask(JSON_ASK, TEXT_ASK))
    assert [False, False] == [request["enable_thinking"] for request in stand_in.requests]


@pytest.mark.parametrize("concurrency", [1, 3])
def test_slots(stand_in: ModelServer, tmp_path: Path, concurrency: int) -> None:
    """Never more calls than allowed are under way at once, and as many as that."""
    stand_in.delay = 0.1
    asking = Asking(stand_in.url, tmp_path, options={"concurrency": concurrency})

    async def work(model: CompatibleModel, _: Store) -> list[Answer | ModelError]:
        return await asyncio.gather(*(outcome(model, TEXT_ASK) for _ in range(9)))

    assert 9 == len(values(asking.run(work)))
    assert concurrency == stand_in.most_at_once


def test_no_call_beyond_the_deadline(stand_in: ModelServer, tmp_path: Path) -> None:
    """When the deadline has come nothing is asked; when a pause would pass it, what is wrong is told at once."""
    stand_in.faults, stand_in.faulty_for_ever = ["429"], True
    asking = Asking(stand_in.url, tmp_path, options={"pause": 30.0})
    (late,) = asking.ask(JSON_ASK, seconds=-1)
    assert isinstance(late, ModelError)
    assert ("timeout", 0, Usage()) == (late.state, len(stand_in.requests), late.usage)
    (busy,) = asking.ask(JSON_ASK, seconds=5)
    assert isinstance(busy, ModelError)
    assert ("busy", 1) == (busy.state, len(stand_in.requests))


def test_waiting_for_a_slot_ends_at_the_deadline(stand_in: ModelServer, tmp_path: Path) -> None:
    """Who waits for others until the deadline has asked nothing."""
    stand_in.faults = ["hang"]
    asking = Asking(stand_in.url, tmp_path, options={"concurrency": 1})

    async def work(model: CompatibleModel, _: Store) -> Answer | ModelError:
        first = asyncio.create_task(outcome(model, TEXT_ASK))
        while not stand_in.requests:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        waited = await outcome(model, JSON_ASK, 0.2)
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first
        return waited

    waited = asking.run(work)
    assert isinstance(waited, ModelError)
    assert ("timeout", 1, Usage()) == (waited.state, len(stand_in.requests), waited.usage)


def test_cancelling(stand_in: ModelServer, tmp_path: Path) -> None:
    """Who is cancelled ends at once; the slot is free again, and what the call may have taken is counted."""
    stand_in.faults = ["hang"]
    asking = Asking(stand_in.url, tmp_path, daily=10_000, options={"concurrency": 1})

    async def work(model: CompatibleModel, store: Store) -> tuple[int, Answer | ModelError, int]:
        task = asyncio.create_task(outcome(model, JSON_ASK))
        while not stand_in.requests:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        counted = await used(store, DAY)
        return counted, await outcome(model, JSON_ASK, 30), await used(store, DAY)

    before, after, counted = asking.run(work)
    assert isinstance(after, Answer), after
    assert 400 < before < 1000
    assert before + 120 == counted


def test_one_model_in_several_loops(stand_in: ModelServer, tmp_path: Path) -> None:
    """A model outlives the event loop that it was asked in first: serverless platforms have one for each request."""
    from core.store.sqlite import SqliteStore

    store = SqliteStore(tmp_path / "store.sqlite3")
    model = Asking(stand_in.url, tmp_path, options={"concurrency": 1}).make(store)

    async def work() -> list[Answer | ModelError]:
        try:
            return await asyncio.gather(*(outcome(model, TEXT_ASK) for _ in range(3)))
        finally:
            await model.close()

    assert 6 == len(values(asyncio.run(work()) + asyncio.run(work())))
    asyncio.run(store.close())


def test_usage_is_recorded(stand_in: ModelServer, tmp_path: Path) -> None:
    """What answers and failures took is added up by month, step and model, with what it cost."""
    stand_in.faults = ["wrong-schema", "", "refusal"]

    async def work(model: CompatibleModel, store: Store) -> Any:
        for ask in (JSON_ASK, replace(JSON_ASK, user="refused"), TEXT_ASK):
            await outcome(model, ask)
        return await Spending(store).used("2026-03"), await Spending(store).used("2026-04")

    march, april = Asking(stand_in.url, tmp_path).run(work)
    rows = [(spent.step, spent.model, spent.usage, round(spent.cost, 9)) for spent in march]
    assert [
        ("analyse", "stand-in-1", Usage(300, 60, 3), 0.0012),
        ("summarise", "stand-in-1", Usage(100, 20, 1), 0.0004),
    ] == rows
    assert [] == april


def test_a_store_that_fails_costs_no_answer(stand_in: ModelServer, tmp_path: Path) -> None:
    """Where usage cannot be recorded and no budget is set, answers come all the same."""
    (tmp_path / "store.sqlite3").mkdir()
    assert [GOOD] == values(Asking(stand_in.url, tmp_path).ask(JSON_ASK))


def test_a_store_that_fails_stops_asking_where_there_is_a_budget(stand_in: ModelServer, tmp_path: Path) -> None:
    """Where the budget cannot be read nothing is asked, and the error says why."""
    (tmp_path / "store.sqlite3").mkdir()
    (got,) = Asking(stand_in.url, tmp_path, daily=100_000).ask(JSON_ASK)
    assert isinstance(got, ModelError)
    assert ("budget", True, 0) == (got.state, "cannot be read" in str(got), len(stand_in.requests))


def test_schemas_are_strict(stand_in: ModelServer, tmp_path: Path) -> None:
    """Schemas are sent as OpenAI wants them: all is required, nothing else allowed, no defaults."""
    values(Asking(stand_in.url, tmp_path).ask(JSON_ASK))
    wanted = stand_in.requests[0]["response_format"]["json_schema"]
    assert (True, "Shape") == (wanted["strict"], wanted["name"])
    for part in (wanted["schema"], wanted["schema"]["$defs"]["Part"]):
        assert (sorted(part["properties"]), False) == (sorted(part["required"]), part["additionalProperties"])
    assert '"default": ' not in json.dumps(wanted["schema"]).replace('"default": {', "")


def test_long_texts_are_estimated_high_enough(stand_in: ModelServer, tmp_path: Path) -> None:
    """The estimate counts all that is sent: material, instructions, schema, and the room for the answer."""
    user = "深度学习 $x_i^2$ " * 100
    estimates = []
    for ask in (Ask("screen", "", user, None, 50), Ask("screen", "", user, JSON_ASK.shape, 50)):
        stand_in.faults = ["hang"]
        asking = Asking(stand_in.url, tmp_path, daily=1_000_000, options={"timeout": 0.1})

        async def work(model: CompatibleModel, store: Store, ask: Ask = ask) -> int:
            before = await used(store, DAY)
            await outcome(model, ask)
            return await used(store, DAY) - before

        estimates.append(asking.run(work))
    assert estimates[0] > 50 + 100 * 10  # a token for each character of Chinese, and of a formula
    assert estimates[1] > estimates[0] + 100
