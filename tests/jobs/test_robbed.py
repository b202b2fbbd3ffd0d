"""A store that is robbed: whatever is deleted, damaged or cut short in it, at whatever moment of a fortnight, the feeds
end as those of a store that nobody has touched; no answer fails, and health says what lacks meanwhile.
"""

import asyncio
import json
import os
from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from api.application import create_app
from core.app import Paperwire
from core.archive.analyses import CardKey, SummaryKey
from core.config.settings import Settings, load_settings
from core.llm.base import Usage
from core.model.errors import StoreError, StoreRefused
from core.model.paper import Paper
from core.model.review import Review
from core.model.rubric import Scorecard
from core.model.saved import Saved
from core.model.summary import Summary
from core.model.votes import make_vote
from core.store import keys
from core.store.codec import decode, encode
from tests.support.fortnight import FEEDS, Step, fortnight
from tests.support.robbing import KINDS, MODES, RedisRobber, Robber, SqliteRobber, kind_of, kinds_of_keys
from tests.support.stores import redis_server, upstash_rest
from tests.support.upstream import Upstream, serving

OWNER = {"Authorization": "Bearer open-sesame"}
CUSTOM = "/api/feeds/custom.json?categories=cs.LG&keywords=paper"
FINAL = (
    "/api/feeds/main.json",
    "/api/feeds/picks.json",
    "/api/feeds/more.json",
    "/api/papers?feed=main,picks&score>=-9&limit=200",
)
READ = ("/api/health", *FINAL, CUSTOM, "/", "/api/feeds", "/api/digests/main/2026-01-12.md", "/settings", "/reviews")
FULL = bool(os.environ.get("FULL"))  # `make fuzz`: as many fortnights as it takes, for a night
STORES = ("sqlite", "redis", "upstash")
CASES = 20  # of each kind and mode, over all fortnights
MOST_REFRESHES = 8
CHECKED = ("batch", "analysis")  # kinds whose copies health compares
SAVED = Saved(1, {"more": {"title": "More", "categories": ["cs.CL"], "keywords": {"paper": 1}}}, {}, {})


def target(store: str, folder: Path) -> tuple[dict[str, Any], Callable[[Random], Robber]]:
    """The settings of an empty store, and how to make somebody who robs it."""
    if store == "sqlite":
        path = folder / "store.sqlite3"
        return {"sqlite_path": path}, lambda random: SqliteRobber(random, path=path)
    number = redis_server().empty_database()
    where: dict[str, Any] = {"redis_url": redis_server().url_of(number)}
    if store == "upstash":
        token = f"{upstash_rest().token}.{number}"
        where = {"upstash_redis_rest_url": upstash_rest().url, "upstash_redis_rest_token": token}
    return where, lambda random: RedisRobber(random, database=number)


@dataclass
class Life:
    """A wire's fortnight over one store. `robber` is None if nobody touches it."""

    settings: Settings
    upstream: Upstream
    robber: Robber | None
    random: Random
    left: list[tuple[str, str]] = field(default_factory=list)  # what is still to be robbed, by kind and mode
    gone: set[str] = field(default_factory=set)  # what was robbed since the last refresh began

    def live(self, steps: list[Step]) -> dict[str, Any]:
        """Live through all steps. Returns the final feeds by path."""
        asyncio.run(self._furnish(steps[0]))
        for step in steps:
            step.begin(self.upstream)
            if self.robber:
                self._rob_now(step)
                self._rob_while_refreshing()
            asyncio.run(self._visit(step))
        steps[-1].begin(self.upstream)
        asyncio.run(self._visit(steps[-1]))  # the last one is not disturbed
        return asyncio.run(self._ask(steps[-1], FINAL))

    def _rob_now(self, step: Step) -> None:
        assert self.robber
        named = json.dumps(decode(as_written(self.robber.read(keys.copy(keys.MANIFEST)) or encode(0))))
        robbed = self.robber.rob(self._some(), self.gone)
        answers = asyncio.run(self._ask(step, READ, raw=True))
        statuses = {path: answer.status_code for path, answer in answers.items()}
        assert {} == {path: status for path, status in statuses.items() if status >= 500 and path != "/api/health"}
        said = answers["/api/health"].json()
        if any(kind_of(key) in CHECKED and key.rpartition(":")[2] in named for key in robbed):
            assert said["status"] != "ok", robbed
            assert "damaged" in {trouble["kind"] for trouble in said["troubles"]}, robbed
        self.gone = robbed

    def _rob_while_refreshing(self) -> None:
        """Rob something more while arXiv answers."""
        change = self.upstream.change
        some = self._some()[:9]

        def rob(body: bytes) -> bytes:
            assert self.robber
            self.gone |= self.robber.rob([some.pop()] if some else [], self.gone)
            return change(body)

        self.upstream.change = rob

    def _some(self) -> list[tuple[str, str]]:
        self.random.shuffle(self.left)
        half = (len(self.left) + 1) // 2
        some, self.left = self.left[:half], self.left[half:]
        self.left += some  # again later, if it was not there yet
        return some

    async def _furnish(self, step: Step) -> None:
        """Store one value at least of each kind that a refresh without a model does not store."""
        wire = Paperwire(self.settings.model_copy(update={"now": step.now}))
        archive, now = wire.archive, step.now
        await archive.overrides.change(0, lambda _saved, _history: (SAVED, "a new feed"), now)
        paper = Paper("2601.10001", 1, "A paper", "Its abstract.", (), ("cs.LG",))
        review = Review(paper, "en", "a model", "f", ("a", "b"), "2026-01-12T00:00:00Z", "2026-01-12T00:00:00Z")
        async with archive.reviews.writing(review) as save:
            assert save
            await save(lambda known: known.answered("a", "An answer."))
        summary = Summary("key-findings", "en", "a model", "A text.", "ready", "abstract", "", ())
        card = Scorecard("abstract", 5.0)
        await archive.analyses.put({CardKey(paper.versioned, "f"): card})
        await archive.analyses.put({SummaryKey(paper.versioned, "key-findings", "en", "f"): summary})
        await archive.spending.record("screen", "a model", Usage(1, 1, 1), now)
        await archive.store.take(keys.llm_budget("2026-01-12"), 5, 100, 1e6)
        vote = make_vote("2601.10001", 1, "2026-01-12T00:00:00Z", "Paper 1 of day 12", "An abstract of caches.")
        await archive.learning.change("more", "more", lambda votes: votes.voted([vote], []))
        await archive.note_refusal(StoreRefused("it was full"), now)
        await wire.close()

    async def _visit(self, step: Step) -> None:
        """Refresh; what a refresh loses by a robbed lock, the next one does."""
        problems: list[str] = []
        for _ in range(MOST_REFRESHES):  # on a busy machine arXiv's answer may time out, and a lock expire
            wire = Paperwire(self.settings.model_copy(update={"now": step.now}))
            try:
                report = await wire.refresh(seconds=60)
                if not report.busy and not report.failures:
                    return
                problems.append(f"busy: {report.busy}, failures: {report.failures}")
            except StoreError as error:
                problems.append(str(error))
            finally:
                await wire.close()
        raise AssertionError(problems)

    async def _ask(self, step: Step, paths: Sequence[str], *, raw: bool = False) -> dict[str, Any]:
        """The answers of a new instance, by path; of feeds what they show."""
        app = create_app(self.settings.model_copy(update={"now": step.now}))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://wire") as client:
            answers = {path: await client.get(path, headers=OWNER) for path in paths}
        await app.state.wire.close()
        return answers if raw else {path: shown(answer) for path, answer in answers.items()}


def as_written(stored: bytes) -> bytes:
    """A value as Paperwire wrote it, which has only text in Redis."""
    return b64decode(stored[4:]) if stored.startswith(b"b64:") else stored


def shown(answer: httpx.Response) -> list[Any]:
    """The entries of a feed or a list, without what depends on the moment of the answer."""
    assert 200 == answer.status_code, answer.text
    body = json.loads(answer.content)
    rows = [row for name in ("items", "papers", "entries") for row in body.get(name, ())]
    # What a feed learns depends on what was there when it learned; which papers it shows does not
    return sorted(row["id"] for row in rows) if "/more." in str(answer.url) else rows


def live(
    store: str, folder: Path, seed: int | None, left: list[tuple[str, str]]
) -> tuple[dict[str, Any], Robber | None]:
    """Live through a fortnight, robbed with this seed."""
    upstream, steps, _ = fortnight(6)
    where, robber = target(store, folder)
    with serving(upstream):
        settings = load_settings(
            env_file=False, arxiv_rss_url=upstream.url, replay_gate_seconds=0, feeds_toml=FEEDS, confirm_seconds=0,
            admin_token="open-sesame", rate_limit=0, catch_up_seconds=0, self_refresh=False, **where,
        )  # fmt: skip
        random = Random(seed)
        life = Life(settings, upstream, robber(random) if seed is not None else None, random, left)
        return life.live(steps), life.robber


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The final feeds of a store that nobody has touched; they do not depend on the kind of store."""
    return live("sqlite", tmp_path_factory.mktemp("untouched"), None, [])[0]


def test_every_kind_of_key_is_listed() -> None:
    """A new kind of key is robbed too: it has to be listed, with what comes of it."""
    assert KINDS.keys() == kinds_of_keys().keys()


def test_the_untouched_fortnight_shows_something(untouched: dict[str, Any]) -> None:
    """There is something to lose in each of the feeds."""
    assert all(len(rows) > 3 for rows in untouched.values()), {path: len(rows) for path, rows in untouched.items()}


@pytest.mark.slow
def test_a_robbed_fortnight(untouched: dict[str, Any], tmp_path: Path) -> None:
    """One fortnight, in which something is robbed before and during each refresh."""
    found, robber = live("sqlite", tmp_path, 1, list(product(KINDS, MODES)))
    assert untouched == found
    assert robber
    assert sum(robber.took.values()) > 60


def test_what_is_gone_with_its_copy_comes_back(tmp_path: Path) -> None:
    """A batch and the picks of days ago that the store has evicted, copies and all, are named by health at once, and
    fetched again by the next refresh; so are an analysis and a ledger.
    """
    upstream, steps, truth = fortnight(6)
    where, robber = target("sqlite", tmp_path)
    with serving(upstream):
        settings = load_settings(
            env_file=False, arxiv_rss_url=upstream.url, replay_gate_seconds=0, feeds_toml=FEEDS, confirm_seconds=0,
            admin_token="open-sesame", rate_limit=0, catch_up_seconds=0, self_refresh=False, **where,
        )  # fmt: skip
        life, thief = Life(settings, upstream, None, Random(1)), robber(Random(1))
        for step in steps:
            step.begin(upstream)
            asyncio.run(life._visit(step))
        before = asyncio.run(life._ask(steps[-1], FINAL[:2]))
        for key in thief.names():
            if kind_of(key.replace("copy:", "")) in ("batch", "analysis", "ledger") and (
                ":2026-01-19" in key or ":2026-01-20" in key
            ):
                thief.delete(key)
        asked = asyncio.run(life._ask(steps[-1], READ[:3], raw=True))
        said = asked["/api/health"].json()
        states = [{row["date"]: row["state"] for row in said[name]} for name in ("batches", "picks")]
        assert ("failed", "failed") == (states[0]["2026-01-19"], states[1]["2026-01-20"])
        assert "ok" != said["status"]
        assert {200} == {answer.status_code for path, answer in asked.items() if path != "/api/health"}
        asyncio.run(life._visit(steps[-1]))
        after = asyncio.run(life._ask(steps[-1], FINAL[:2]))
        again = asyncio.run(life._ask(steps[-1], ["/api/health"], raw=True))["/api/health"].json()
    assert {path: {row["id"] for row in rows} for path, rows in before.items()} == {
        path: {row["id"] for row in rows} for path, rows in after.items()
    }
    assert "complete" == next(row["state"] for row in again["batches"] if row["date"] == "2026-01-19")
    assert "damaged" not in {trouble["kind"] for trouble in again.get("troubles", ())}
    assert len(truth) == len([row for row in again["batches"] if row["state"] == "complete"])


@pytest.mark.slow
@pytest.mark.timeout(36_000 if FULL else 600)
@pytest.mark.parametrize("store", STORES if FULL else ["redis"])
def test_robbed_fortnights(store: str, untouched: dict[str, Any], tmp_path: Path) -> None:
    """One fortnight; with FULL=1 as many as it takes to rob each kind of key often enough, in each way."""
    took: dict[tuple[str, str], int] = {}
    for seed in range(100, 160 if FULL else 101):
        left = [one for one in product(KINDS, MODES) if took.get(one, 0) < CASES]
        if not left:
            break
        folder = tmp_path / f"{seed}"
        folder.mkdir()
        found, robber = live(store, folder, seed, left)
        assert untouched == found, seed
        assert robber
        took = {one: took.get(one, 0) + robber.took.get(one, 0) for one in product(KINDS, MODES)}
        print(f"{store}: {sum(took.values())} robbed")  # noqa: T201 - it takes long
    assert not FULL or {} == {one: number for one, number in took.items() if number < CASES}
