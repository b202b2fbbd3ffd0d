"""The write path as a whole: every caller stores the same, and what fails keeps nothing else from being done."""

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.app import Paperwire
from core.config.overrides import rules_in_force, save_feed
from core.config.settings import ROOT, Settings, load_settings
from core.jobs.run import Report
from core.model.errors import StoreError
from core.model.feed import Feed, Keyword
from core.model.manifest import Manifest
from core.scheduler import keep_fresh, refresh_once
from core.store import keys
from core.store.codec import decode
from core.store.sqlite import SqliteStore
from tests.conftest import PATIENCE_SECONDS, paperwire, serving_app
from tests.support.hf_format import Picked
from tests.support.judge import sheets, write
from tests.support.model_server import MODEL, ModelServer
from tests.support.model_server import serving as serving_model
from tests.support.runtime_api import FunctionError, running_function
from tests.support.tiers import matrix
from tests.support.upstream import Upstream, serving

WEDNESDAY, THURSDAY, FRIDAY = date(2026, 3, 4), date(2026, 3, 5), date(2026, 3, 6)
NOON = datetime(2026, 3, 6, 17, tzinfo=UTC)
TOKEN = "open-sesame"
SCHEDULED = {"version": "0", "detail-type": "Scheduled Event", "source": "aws.events", "resources": [], "detail": {}}
FEEDS = """
[instance]
retention_days = 3
[feeds.main]
title = "Main"
categories = ["cs.LG"]
summaries = 2
[feeds.picks]
title = "Picks"
source = "huggingface"
summaries = 1
"""
REFUSED = """
[instance]
retention_days = 3
[feeds.main]
title = "Main"
categories = ["cs.LG", "cs.DC"]
summaries = 2
"""
DIGEST = "/api/digests/daily/latest.md"
# What is said of categories to the end of its line or element, without any
CATEGORIES = re.compile(
    r"these categories|categories below|papers in\s*[<\"]|Categor[a-z ]*(\*\*|</strong>):\s*(\n|</)"
)
ONLY_PICKS = """
[feeds.daily]
title = "Daily"
source = "huggingface"
digest = "daily"
"""


@dataclass
class World:
    """An upstream and a model, and a folder for the stores of those who ask them."""

    upstream: Upstream
    model: ModelServer
    folder: Path

    def settings(self, name: str, **more: Any) -> Settings:
        """The settings of an instance with a store of that name."""
        values: dict[str, Any] = {
            "arxiv_rss_url": self.upstream.url,
            "replay_gate_seconds": 0,
            "sqlite_path": self.folder / name,
            "llm_base_url": self.model.url,
            "llm_model": MODEL,
            "admin_token": TOKEN,
            "feeds_toml": FEEDS,
            "catch_up_seconds": 60,
            "now": NOON,
        }
        return load_settings(_env_file=None, **values | more)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Three days of arXiv, and Hugging Face's picks of the last one."""
    days = {day: sheets(8, 3, start=1 + 10 * n) for n, day in enumerate((WEDNESDAY, THURSDAY, FRIDAY))}
    source = Upstream(day=FRIDAY, days=days, picks={FRIDAY: [Picked(days[THURSDAY][0], 9)]})
    with serving(source) as upstream, serving_model(ModelServer(write=write)) as model:
        yield World(upstream, model, tmp_path)


def _environment(settings: Settings) -> dict[str, str]:
    names = ("arxiv_rss_url", "replay_gate_seconds", "sqlite_path", "llm_base_url", "llm_model", "feeds_toml")
    plain = {name.upper(): str(getattr(settings, name)) for name in (*names, "admin_token", "catch_up_seconds")}
    return plain | {"NOW": NOON.isoformat(), "PYTHONPATH": str(ROOT)}


def _by_schedule(settings: Settings, folder: Path) -> None:
    folder.mkdir()
    env = _environment(settings)
    with running_function("api.aws.handler", env, folder) as function, suppress(FunctionError):
        function.invoke(SCHEDULED)  # an error where nothing of arXiv came, so that Lambda tries again


def _by_request(settings: Settings, _: Path) -> None:
    with serving_app(settings) as url:
        httpx.post(f"{url}/api/refresh", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=120)


def _by_work(settings: Settings, _: Path) -> None:
    with serving_app(settings) as url:
        httpx.post(f"{url}/api/work", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=120)


def _by_command(settings: Settings, folder: Path) -> None:
    folder.mkdir()
    paperwire("refresh", cwd=folder, env=_environment(settings))


def _by_scheduler(settings: Settings, _: Path) -> None:
    async def main() -> None:
        wire = Paperwire(settings)
        try:
            await refresh_once(wire)
        finally:
            await wire.close()

    asyncio.run(main())


def test_saved_feeds_wake_the_scheduler(world: World) -> None:
    """A server that waits for the next batch fetches what the owner's new feed needs, of the days before too."""
    settings = world.settings("store.sqlite3")
    feed = Feed(name="fast", title="Fast", categories=("cs.DC",))

    async def main() -> Manifest:
        wire = Paperwire(settings)
        task = asyncio.create_task(keep_fresh(wire))
        try:
            await _until(wire, lambda manifest: "cs.LG" in manifest.get(WEDNESDAY).categories)
            await wire.change(0, lambda saved, _: save_feed(rules_in_force(settings.feeds, saved), feed, was=""))
            await _until(wire, lambda manifest: "cs.DC" in manifest.get(WEDNESDAY).categories)
            return await wire.manifest()
        finally:
            task.cancel()
            await wire.close()

    manifest = asyncio.run(main())
    assert {"cs.DC", "cs.LG"} == set(manifest.get(FRIDAY).categories)


def test_the_scheduler_ends_whenever_it_is_cancelled(world: World) -> None:
    """A server that stops ends its scheduler in the middle of any work, also while its store is closing."""

    async def main(moment: int) -> None:
        wire = Paperwire(world.settings(f"{moment}.sqlite3"))
        task = asyncio.create_task(keep_fresh(wire))
        await asyncio.sleep(0.04 * moment)
        task.cancel()
        await wire.close()
        assert ({task}, set()) == await asyncio.wait([task], timeout=PATIENCE_SECONDS)

    for moment in range(10):
        asyncio.run(main(moment))


def test_feeds_may_be_saved_during_a_refresh(world: World) -> None:
    """What a refresh has scored belongs to the rules that it began with; the next answer is by the new ones."""
    world.upstream.delay = 0.1  # of each answer: time to save feeds between the due batch and those before
    wire = Paperwire(world.settings("store.sqlite3"))
    fast = Feed(name="fast", title="Fast", categories=("cs.LG",))
    main = Feed(name="main", title="Main", categories=("cs.LG",), keywords=(Keyword("cat:cs.LG", 5),))

    async def run() -> tuple[list[set[float]], Report]:
        refresh = asyncio.create_task(wire.refresh())
        await _until(wire, lambda manifest: "cs.LG" in manifest.get(FRIDAY).categories)
        await wire.change(0, lambda saved, _: save_feed(rules_in_force(wire.settings.feeds, saved), fast))
        await wire.change(1, lambda saved, _: save_feed(rules_in_force(wire.settings.feeds, saved), main, was="main"))
        assert not refresh.done()
        report, manifest = await refresh, await wire.manifest()
        found = [await wire.entries(manifest, wire.feeds[name]) for name in ("fast", "main")]
        await wire.close()
        return [{entry.score for entry in one.entries} for one in found], report

    scores, report = asyncio.run(run())
    assert not report.failures
    assert [{0}, {5}] == scores


async def _until(wire: Paperwire, holds: Callable[[Manifest], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds((await wire.snapshots.get(confirmed=True)).state.manifest):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.05)


CALLERS: Mapping[str, Callable[[Settings, Path], None]] = {
    "command": _by_command,
    "request": _by_request,
    "schedule": _by_schedule,
    "scheduler": _by_scheduler,
    "work": _by_work,
}


def _stored(settings: Settings) -> dict[str, Any]:
    """All that is stored, decoded, by key; without locks, gates and what a commit has removed."""

    async def main() -> dict[str, Any]:
        store = SqliteStore(settings.sqlite_path)
        try:
            return {key: _plain(value) async for key, value, left in store.entries() if _lasts(key, left)}
        finally:
            await store.close()

    return asyncio.run(main())


def _lasts(key: str, left: float | None) -> bool:
    return not key.startswith(keys.PASSING) and (left is None or left > 1)


def _plain(value: bytes) -> Any:
    try:
        return decode(value)
    except StoreError:  # a counter
        return value


def _kinds(stored: Mapping[str, Any]) -> set[str]:
    return {key.split(":")[1] for key in stored}


def test_every_caller_leaves_the_same_store(world: World) -> None:
    """A schedule of Lambda, /api/refresh, /api/work, the command and a server by itself store the same of a day, value
    by value: summaries by the model, the picks, and what the API has confirmed. No time differs, for the clock stands
    still.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, call in CALLERS.items():
        settings = world.settings(name)
        call(settings, world.folder / f"{name}.d")
        found[name] = _stored(settings)
    command = found["command"]
    assert {"manifest", "batch", "scores", "ledger", "summary", "analysis", "usage"} <= _kinds(command)
    manifest = Manifest.from_plain(command[keys.MANIFEST])
    assert [FRIDAY, THURSDAY, WEDNESDAY] == [record.date for record in manifest.stored][:3]
    assert [FRIDAY] == [record.date for record in manifest.of("huggingface")]
    assert manifest.get(FRIDAY).ledger
    templates = {key.split(":")[3] for key in command if key.split(":")[1] == "summary"}
    assert {"key-findings"} == templates
    for name, stored in found.items():
        assert command.keys() == stored.keys(), name
        assert command == stored, name


@matrix(
    ("trouble", "name"),
    [(trouble, name) for trouble in ("rss is down", "a category is refused") for name in CALLERS],
    daily=[
        ("rss is down", "scheduler"),
        *(("a category is refused", name) for name in ("schedule", "request", "command")),
    ],
)
def test_a_source_that_fails_keeps_nothing_else_from_being_done(world: World, name: str, trouble: str) -> None:
    """With RSS down all day, or one category refused, the API is read, picks come, older days are summarised; and what
    failed is named.
    """
    toml = FEEDS
    if trouble == "rss is down":
        world.upstream.faults, world.upstream.faulty_for_ever = ["/rss 503"], True
    else:
        toml, world.upstream.unknown = REFUSED + FEEDS[FEEDS.index("[feeds.picks]") :], ("cs.DC",)
    settings = world.settings(name, feeds_toml=toml)
    CALLERS[name](settings, world.folder / f"{name}.d")
    stored = _stored(settings)
    manifest = Manifest.from_plain(stored[keys.MANIFEST])
    assert {"summary", "ledger", "usage"} <= _kinds(stored)
    assert {THURSDAY, WEDNESDAY} <= {record.date for record in manifest.stored}
    assert [FRIDAY] == [record.date for record in manifest.of("huggingface")]
    assert manifest.error["reason"]


def test_the_report_names_what_failed(world: World) -> None:
    """The report of /api/refresh says what failed, by step, and what is pending; work that is done is in it."""
    world.upstream.faults, world.upstream.faulty_for_ever = ["/rss 503", "/api/daily_papers 503"], True
    with serving_app(world.settings("store")) as url:
        answer = httpx.post(f"{url}/api/refresh", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=120)
    report = answer.json()
    assert 502 == answer.status_code
    assert {"today", "enrich"} == report["failures"].keys()
    assert "503" in report["failures"]["today"][0]
    assert ["Hugging Face: status 503 Service Unavailable"] == report["failures"]["enrich"]
    assert {"dates": [], "papers": 0} == report["pending"]
    assert report["caught"]["windows"] > 0
    assert report["caught"]["analysis"]["summarised"] > 0


# -- feeds of Hugging Face alone


def test_a_wire_of_picks_alone_serves_them_at_the_first_request(world: World) -> None:
    """Without arXiv's feeds, the first request fetches the picks: feeds, digest, OPML, page and health are good."""
    settings = world.settings("store", feeds_toml=ONLY_PICKS, llm_model="", llm_base_url="", catch_up_seconds=0)
    with serving_app(settings) as url, httpx.Client(base_url=url, timeout=120) as client:
        feed = client.get("/api/feeds/daily.rss")
        apis = (
            DIGEST,
            f"{DIGEST}?style=list",
            "/api/digests/daily/latest.html?style=list",
            "/api/digests/daily.rss",
            "/api/feeds.opml",
            "/rss",
            "/api/papers",
            "/badge/daily.svg",
        )
        paths = (*apis, "/", "/feeds/daily", "/search?title~Paper", "/build?source=huggingface", "/settings")
        answers = {path: client.get(path) for path in (*paths, "/api/health")}
    assert 200 == feed.status_code
    assert "worth 8" in feed.text
    assert "Notice" not in feed.text
    assert dict.fromkeys(answers, 200) == {path: answer.status_code for path, answer in answers.items()}
    assert "worth 8" in answers[DIGEST].text
    for path, answer in {"the feed": feed, **answers}.items():
        assert not CATEGORIES.search(answer.text), path
    assert "worth 8" in answers["/"].text
    assert "No batch" not in answers["/"].text
    health = answers["/api/health"].json()
    assert ("ok", FRIDAY.isoformat(), "complete") == (health["status"], health["due"], health["state"])
    assert not [path for path in world.upstream.paths if path.startswith("/rss")]


def test_a_wire_of_picks_alone_says_what_it_waits_for(world: World) -> None:
    """While Hugging Face fails, requests get to know so, and it is left alone for a while; then the picks come."""
    world.upstream.faults, world.upstream.faulty_for_ever = ["/api/daily_papers 503"], True
    settings = world.settings("store", feeds_toml=ONLY_PICKS, llm_model="", llm_base_url="", catch_up_seconds=0)
    with serving_app(settings) as url, httpx.Client(base_url=url, timeout=120) as client:
        first, asked = client.get("/api/feeds/daily.rss"), len(world.upstream.requests)
        client.get("/api/feeds/daily.rss")
        assert asked == len(world.upstream.requests)
    assert 503 == first.status_code
    assert "arXiv" not in first.json()["detail"]
    world.upstream.faults = []
    with serving_app(settings) as url:
        assert 200 == httpx.get(f"{url}/api/feeds/daily.rss", timeout=120).status_code


# -- which template is the default


@pytest.mark.parametrize(
    ("summary", "model", "template"),
    [("", MODEL, "key-findings"), ("", "", "extract"), ('summary = "extract"', MODEL, "extract")],
    ids=["a model", "no model", "extract is wanted"],
)
def test_default_template(world: World, summary: str, model: str, template: str) -> None:
    """Where a model is configured it writes the key findings by default; else, and where that is wanted, sentences of
    the abstract are chosen.
    """
    toml = FEEDS.replace('title = "Main"', f'title = "Main"\n{summary}')
    settings = world.settings("store", feeds_toml=toml, llm_model=model, llm_base_url=world.model.url if model else "")
    with serving_app(settings) as url, closing(httpx.Client(base_url=url, timeout=120)) as client:
        client.post("/api/refresh", headers={"Authorization": f"Bearer {TOKEN}"})
        papers = client.get("/api/papers").json()["papers"]
        (described,) = (feed for feed in client.get("/api/feeds").json()["feeds"] if feed["name"] == "main")
    found = {paper["summary"]["template"] for paper in papers if "summary" in paper}
    assert ({template}, template) == (found, described["summary"])
