"""The deep review: every question is asked once, whatever fails, dies or competes; and what is missing is told."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.app import Paperwire
from core.archive.spending import Spending
from core.config.settings import ROOT
from core.jobs.review import LEAST_QUESTION_SECONDS, Plan, begin, carry_out, estimate, find_paper, go_on, plan_review
from core.jobs.session import Session
from core.model.errors import ConfigError, FetchError, LockLost, NoText, UnknownName
from core.model.fulltext import FullText
from core.model.paper import PaperId, parse_id
from core.model.review import Review
from core.store import keys
from core.store.base import holding
from core.util.log import NO_PROGRESS
from tests.conftest import wait_until
from tests.support import model_server
from tests.support.invented import make_paper
from tests.support.model_server import MODEL, ModelServer
from tests.support.reviewing import (
    HTML,
    ID,
    KEYS,
    NOW,
    POST,
    WITHDRAWN,
    Reviewing,
    asked,
    reviewing,
    speak,
)


def stored(given: Reviewing) -> list[Review]:
    """All reviews that the store has, newest first."""

    async def work(wire: Paperwire) -> list[Review]:
        found = [await wire.archive.reviews.get(row) for row in await wire.archive.reviews.rows()]
        return [review for review in found if review]

    return given.run(work)


async def plan(wire: Paperwire) -> Plan:
    """What there is to do for the review of the invented paper."""
    return await plan_review(wire.archive, wire.settings, wire.paper, parse_id(ID), "en", NO_PROGRESS)


def test_a_review_is_made_once(tmp_path: Path) -> None:
    """Twelve questions and the post, each asked once over the full text; a second run asks nothing."""
    with reviewing(tmp_path) as given:
        outcome = given.review()
        assert ("ready", "", 13) == (outcome.review.state, outcome.stopped, outcome.usage.calls)
        assert Counter([*KEYS, POST]) == Counter(given.asked)
        assert POST == given.asked[-1]
        assert all("3.5x faster" in request["messages"][1]["content"] for request in given.model.requests[:12])
        assert ["/api/query", f"/html/{ID}v1"] == given.arxiv.paths
        assert KEYS == tuple(key for key in KEYS if key in outcome.review.answers)
        again = given.review()
        assert (outcome.review, 13, 0) == (again.review, len(given.asked), again.usage.calls)


def test_answers_are_harmless(tmp_path: Path) -> None:
    """What is stored links to what the paper names, and to nothing else."""
    with reviewing(tmp_path) as given:
        answer = given.review().review.answers["gap"]
    assert "https://github.com/sample/tiers" in answer
    assert "evil.example" not in answer


def test_languages_are_reviews_of_their_own(tmp_path: Path) -> None:
    """Each language is asked for by itself, and both stay."""
    with reviewing(tmp_path) as given:
        given.review()
        given.review(language="ko")
        assert {"en", "ko"} == {review.language for review in stored(given)}
        assert 26 == len(given.asked)


def test_estimate_and_usage(tmp_path: Path) -> None:
    """What it costs is said before, from above, and recorded after; of a review that is complete nothing is left."""
    with reviewing(tmp_path, llm_concurrency=1) as given:

        async def work(wire: Paperwire) -> None:
            planned = await plan(wire)
            assert 13 == planned.usage.calls
            assert planned.usage.completion == 12 * 4000 + 8000
            assert planned.usage.prompt > 12 * len(HTML) / 20
            assert planned.cost == pytest.approx((planned.usage.prompt * 2 + planned.usage.completion * 10) / 1e6)
            outcome = await carry_out(wire.archive, wire.settings, planned, seconds=60, progress=NO_PROGRESS)
            assert outcome
            assert (1300, 260, 13) == (outcome.review.read, outcome.review.written, outcome.review.calls)
            (spent,) = await Spending(wire.archive.store).used("2026-03")
            assert ("review", 1300, 260) == (spent.step, spent.usage.prompt, spent.usage.completion)
            assert (await plan(wire)).complete

        given.run(work)
    begun = begin(make_paper(), "en", MODEL, FullText("x" * 10_000, "pdf"), NOW)
    some = replace(begun, answers=dict.fromkeys(KEYS[:6], "An answer."))
    assert 7 == estimate(some, FullText("x" * 10_000, "pdf")).calls
    assert (
        estimate(some, FullText("x" * 10_000, "pdf")).prompt
        < estimate(begun, FullText("x" * 10_000, "pdf")).prompt
        < estimate(begun, FullText("x " * 10_000, "pdf")).prompt
    )


@pytest.mark.slow
def test_killed_at_every_question(tmp_path: Path) -> None:
    """After `kill -9` while any question is under way, the next process asks that one again and none before it."""
    path = tmp_path / "store.sqlite3"
    with model_server.serving(ModelServer(write=speak, delay=0.1)) as model, _worker(path, model.url) as worker:
        for number in range(len(KEYS) + 1):
            # Killed while it waits for its second answer, or for the post
            wanted = len(model.requests) + (2 if number < len(KEYS) else 1)
            child = _tell(worker, "go")
            wait_until(lambda wanted=wanted: len(model.requests) >= wanted)
            os.kill(child, signal.SIGKILL)
            assert -signal.SIGKILL == _read(worker)
            _free(path)
        model.delay = 0.0
        _tell(worker, "go")
        assert 0 == _read(worker)
    counts = Counter(asked(request) for request in model.requests)
    # Each was asked once in vain, but the first one; the post twice
    assert {KEYS[0]: 1} | dict.fromkeys(KEYS[1:], 2) | {POST: 3} == counts


@contextmanager
def _worker(path: Path, url: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.support.review_worker", str(path), url]
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=env, stdin=pipe, stdout=pipe, text=True, bufsize=1) as worker:
        yield worker


def _tell(worker: "subprocess.Popen[str]", line: str) -> int:
    assert worker.stdin
    worker.stdin.write(f"{line}\n")
    return _read(worker)


def _read(worker: "subprocess.Popen[str]") -> int:
    assert worker.stdout
    return int(worker.stdout.readline())


def _free(path: Path) -> None:
    """Let the locks of a process that was killed come to their end."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM entries WHERE key LIKE '%:lock:%'")


def test_failed_questions_are_asked_again(tmp_path: Path) -> None:
    """One question's failure is recorded and reported; the next run asks that one only, and writes the post."""
    with reviewing(tmp_path) as given:
        given.model.faults, given.model.faulty_for_ever = ["empty"], True
        given.model.prey = "central hypothesis"
        first = given.review()
        assert ("running", ["hypothesis"]) == (first.review.state, list(first.review.failures))
        assert 11 == len(first.review.answers)
        assert "The answer is empty" in first.review.failures["hypothesis"].words
        assert POST not in given.asked
        given.model.faults = []
        count = len(given.asked)
        second = given.review()
        assert ("ready", ["hypothesis", POST]) == (second.review.state, given.asked[count:])
        assert {} == second.review.failures


def test_what_fails_for_good_is_left_out(tmp_path: Path) -> None:
    """What the model refuses is missing from the post, which says so; a later run asks it, and then writes it again."""
    with reviewing(tmp_path) as given:
        given.model.faults, given.model.faulty_for_ever, given.model.prey = ["refusal"], True, "central hypothesis"
        first = given.review().review
        assert ("partial", ("hypothesis",)) == (first.state, first.missing)
        given.model.faults = []
        count = len(given.asked)
        assert "ready" == given.review().review.state
        assert ["hypothesis", POST] == given.asked[count:]


def test_what_fails_twice_is_left_out(tmp_path: Path) -> None:
    """A question that fails in two runs holds the post up no longer."""
    with reviewing(tmp_path) as given:
        given.model.faults, given.model.faulty_for_ever, given.model.prey = ["empty"], True, "central hypothesis"
        assert ["running", "partial"] == [given.review().review.state for _ in range(2)]


def test_a_post_that_fails_is_asked_for_again(tmp_path: Path) -> None:
    """The post's failure is recorded; the next run asks for nothing else, and reads no text for it."""
    with reviewing(tmp_path) as given:
        given.model.faults, given.model.faulty_for_ever, given.model.prey = ["wrong-schema"], True, "technical blog"
        first = given.review().review
        assert ("running", [POST]) == (first.state, list(first.failures))
        given.model.faults, count, fetched = [], len(given.asked), len(given.arxiv.paths)
        assert "ready" == given.review().review.state
        assert [POST] == given.asked[count:]
        assert fetched == len(given.arxiv.paths)


@pytest.mark.parametrize(("fault", "state"), [("401", "wrong-key"), ("no credit", "no-credit")])
def test_what_would_hit_every_question_ends_the_run(tmp_path: Path, fault: str, state: str) -> None:
    """A wrong key or an account without credit ends the run at once, and is no failure of the question."""
    with reviewing(tmp_path, llm_concurrency=1) as given:
        given.model.faults = ["", "", fault]
        first = given.review()
        assert first.error
        assert (state, 2, {}) == (first.error.state, len(first.review.answers), first.review.failures)
        assert 3 == len(given.asked)
        assert "ready" == given.review().review.state
        assert Counter([*KEYS, KEYS[2], POST]) == Counter(given.asked)


def test_budget(tmp_path: Path) -> None:
    """When the budget is used up the rest waits; with a new one it is gone on with."""
    with reviewing(tmp_path, llm_concurrency=1, llm_daily_tokens=9_000) as given:
        given.model.tokens = (1000, 200)
        first = given.review()
        assert first.error
        assert "budget" == first.error.state
        assert 0 < len(first.review.answers) < 12
        given.more["llm_daily_tokens"] = 0
        assert "ready" == given.review().review.state
        assert Counter([*KEYS, POST]) == Counter(given.asked)


def test_time(tmp_path: Path) -> None:
    """No question is begun when the time is nearly over; runs in a row come to the end."""
    with reviewing(tmp_path, llm_concurrency=1) as given:
        given.model.delay = 0.1
        first = given.review(seconds=LEAST_QUESTION_SECONDS + 0.5)
        assert (True, "The time for this run was over", "running") == (
            first.out_of_time,
            first.stopped,
            first.review.state,
        )
        assert 0 < len(first.review.answers) < 12
        given.model.delay = 0.0
        assert "ready" == given.review().review.state
        assert Counter([*KEYS, POST]) == Counter(given.asked)


def test_two_at_once(tmp_path: Path) -> None:
    """Of two processes at the same review one asks; the other waits, and has what the first one made."""
    with reviewing(tmp_path) as given:
        given.model.delay = 0.05

        async def both(wire: Paperwire) -> list[Any]:
            other = Paperwire(given.settings)
            plans = [await plan(one) for one in (wire, other)]
            runs = [
                carry_out(one.archive, one.settings, planned, seconds=60, progress=NO_PROGRESS)
                for one, planned in zip((wire, other), plans, strict=True)
            ]
            outcomes = await asyncio.gather(*runs)
            await other.close()
            return outcomes

        outcomes = given.run(both)
        assert ["ready", "ready"] == [outcome.review.state for outcome in outcomes]
        assert Counter([*KEYS, POST]) == Counter(given.asked)


def test_who_lost_the_lock_writes_nothing(tmp_path: Path) -> None:
    """A process that slept past the end of its lock stops, and adds nothing to what another one writes."""
    with reviewing(tmp_path, llm_concurrency=1) as given:

        async def work(wire: Paperwire) -> None:
            planned = await plan(wire)
            name = keys.review_lock(f"{ID}v1", "en")

            def steal(_what: str, done: int, _total: int) -> None:
                if done == 2:
                    with closing(sqlite3.connect(tmp_path / "store.sqlite3")) as db, db:
                        db.execute("UPDATE entries SET value = ? WHERE key = ?", (b"another", name))

            with pytest.raises(LockLost):
                await carry_out(wire.archive, wire.settings, planned, seconds=60, progress=steal)
            await wire.archive.store.delete(name)

        given.run(work)
        (review,) = stored(given)
        assert 2 == len(review.answers)
        assert "ready" == given.review().review.state


def test_another_process_at_it(tmp_path: Path) -> None:
    """While another process has the review's lock, nothing is asked."""
    with reviewing(tmp_path) as given:

        async def work(wire: Paperwire) -> None:
            planned = await plan(wire)
            async with holding(wire.archive.store, keys.review_lock(f"{ID}v1", "en")):
                more: dict[str, Any] = {"clock": wire.clock, "progress": NO_PROGRESS}
                session = Session(Silent(), 1e9, 1)
                assert await go_on(wire.archive, session, planned.review, planned.text, **more) is None

        given.run(work)
        assert [] == given.asked


class Silent:
    """A model that must not be asked."""

    def name(self, step: str) -> str:
        return step

    async def ask(self, ask: object, *, deadline: float) -> Any:
        raise AssertionError(f"it was asked {ask} until {deadline}")

    async def close(self) -> None:
        """Nothing is open."""


def test_a_text_that_cannot_be_had_now(tmp_path: Path) -> None:
    """Where arXiv does not deliver for now, nothing is begun over the abstract, nor begun again over it."""
    with reviewing(tmp_path, llm_concurrency=1) as given:
        given.arxiv.faults = ["/html/ 503", "/pdf/ 503"]
        with pytest.raises(FetchError, match="could not be fetched"):
            given.review()
        assert [] == stored(given)
        given.model.faults = ["", "401"]
        assert 1 == len(given.review().review.answers)
        given.arxiv.faults = ["/html/ 503", "/pdf/ 503"]
        with pytest.raises(FetchError):
            given.review()
        assert "ready" == given.review().review.state
        assert 1 == len(stored(given))


def test_papers_that_cannot_be_reviewed(tmp_path: Path) -> None:
    """What is not there, withdrawn, or without text is reported as that; without a model it is said how to set one."""
    with reviewing(tmp_path) as given:
        with pytest.raises(UnknownName, match="no paper '2603"):
            given.review("2603.00001")
        with pytest.raises(NoText, match=f"{WITHDRAWN.id}v2 has been withdrawn.*before is {WITHDRAWN.id}v1"):
            given.review(WITHDRAWN.id)
        given.arxiv.texts = {}
        with pytest.raises(NoText, match=f"{ID}v1 has no full text to read: arXiv has no HTML of it; arXiv has no PDF"):
            given.review()
        given.more |= {"llm_model": ""}
        with pytest.raises(ConfigError, match="set LLM_API_KEY and LLM_MODEL"):
            given.review()
        assert [] == given.asked


def test_which_paper(tmp_path: Path) -> None:
    """Without a version the newest one is taken; one that is being reviewed, or stored, is not asked of arXiv."""
    with reviewing(tmp_path) as given:
        given.review()
        count = len(given.arxiv.paths)

        async def find(wire: Paperwire) -> list[str]:
            given = (wire.archive, wire.settings, wire.paper)
            return [(await find_paper(*given, wanted)).versioned for wanted in (PaperId(ID, 1), PaperId(ID))]

        assert [f"{ID}v1", f"{ID}v1"] == given.run(find)
        assert ["/api/query"] == given.arxiv.paths[count:]
        given.arxiv.faults, given.arxiv.faulty_for_ever = ["503"], True
        assert [f"{ID}v1", f"{ID}v1"] == given.run(find)
        given.arxiv.faults, given.arxiv.faulty_for_ever = [], False
        given.arxiv.sheets.append(replace(given.arxiv.sheets[0], version=2))
        assert [f"{ID}v1", f"{ID}v2"] == given.run(find)
