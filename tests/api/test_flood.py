"""Strangers flood a small database that evicts nothing: the owner's wire goes on, within a budget of bytes."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError

from core.archive import Archive
from core.archive.rendered import LARGEST_LIMITED, STRANGERS_A_DAY, StoredDocument
from core.config.settings import Settings
from core.store import keys
from core.store.sqlite import SqliteStore
from tests.api import DAYS, FRIDAY, THURSDAY, TOKEN, make_settings, store_days
from tests.conftest import NOON, serving_app
from tests.support.arxiv_format import make_sheets
from tests.support.redis_server import RedisServer, running
from tests.support.robbing import kind_of
from tests.support.upstream import Upstream, serving

CHUNK = 50_000
OWNER = {"Authorization": f"Bearer {TOKEN}"}
STRANGERS = (keys.CUSTOM_DOCUMENTS, "pw1:feed:/api/digests/", "pw1:feed:/rss/")


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with serving(Upstream(day=FRIDAY, sheets=[*DAYS[FRIDAY], *make_sheets(150)])) as running_upstream:
        yield running_upstream


def settings_of(upstream: Upstream, server: RedisServer, folder: Path, **more: Any) -> Settings:
    return make_settings(
        folder, arxiv_rss_url=upstream.url, replay_gate_seconds=0, confirm_seconds=0, redis_url=server.url, **more
    )


def stored_for_strangers(server: RedisServer) -> int:
    """The bytes that the server uses for what strangers caused to be stored."""
    with Redis(port=server.port) as client:
        found = [key for key in client.scan_iter("*", count=1000) if key.decode().startswith(STRANGERS)]
        return sum(client.memory_usage(key, samples=0) for key in found)


def ballast(server: RedisServer, left: int) -> None:
    """Fill the database with values of nobody's, until `left` bytes are left."""
    with Redis(port=server.port) as client:
        free = int(client.config_get("maxmemory")["maxmemory"]) - client.info("memory")["used_memory"]
        with suppress(OutOfMemoryError):  # the server holds each value twice for a moment
            for number in range(max((free - left) // CHUNK, 0)):
                client.set(f"ballast {number}", b"x" * CHUNK)


def flood(client: httpx.Client, start: int, count: int) -> None:
    """Ask for custom feeds, each other rules, and for digests."""
    for n in range(start, start + count):
        rules = f"category=cs.DC,cs.LG,cs.AI&keywords=cache,the,k{n}:2&min_score=0&max_entries=100"
        assert 200 == client.get(f"/api/feeds/custom.{('rss', 'atom', 'json')[n % 3]}?{rules}").status_code
        assert client.get(f"/api/digests/main/{(THURSDAY, FRIDAY)[n % 2]}.md").status_code in (200, 404, 503)


def refreshed(client: httpx.Client) -> None:
    """The owner refreshes, which stores the due batch."""
    answer = client.post("/api/refresh", headers=OWNER)
    assert 200 == answer.status_code, answer.text
    assert answer.json()["state"] == "unconfirmed"


def test_a_flood_of_custom_feeds(upstream: Upstream, tmp_path: Path) -> None:
    """In a database that is full again and again, each refresh succeeds, and what the owner has is there."""
    with running(maxmemory="8mb", maxmemory_policy="noeviction", appendonly="no") as server:
        settings = settings_of(upstream, server, tmp_path, rate_limit=0)
        store_days(settings, {THURSDAY: DAYS[THURSDAY]})
        ballast(server, 200_000)
        with serving_app(settings) as url, httpx.Client(base_url=url) as client:
            for round_number in range(2):
                flood(client, round_number * 20, 20)
                refreshed(client)
                assert stored_for_strangers(server) <= STRANGERS_A_DAY
            health = client.get("/api/health").json()
            assert "store" not in [trouble["kind"] for trouble in health.get("troubles", ())]
            assert 2 == sum(batch["state"] == "unconfirmed" for batch in health["batches"])
            assert 200 == client.get("/api/papers/2603.90301").status_code


@pytest.mark.slow
def test_a_flood_at_full_length(upstream: Upstream, tmp_path: Path) -> None:
    """What filled a free database: hundreds of large custom feeds; strangers get their budget, and no more."""
    with running(maxmemory="64mb", maxmemory_policy="noeviction", appendonly="no") as server:
        settings = settings_of(upstream, server, tmp_path, rate_limit=0)
        store_days(settings, {THURSDAY: DAYS[THURSDAY]})
        with serving_app(settings) as url, httpx.Client(base_url=url) as client:
            for round_number in range(6):
                flood(client, round_number * 100, 100)
                refreshed(client)
                used = stored_for_strangers(server)
                assert used <= STRANGERS_A_DAY
            assert used > STRANGERS_A_DAY / 2, "the flood was none"
            ballast(server, 100_000)
            flood(client, 1000, 20)
            refreshed(client)


# What strangers may ask for, each time with other words; {n} is a number that no other request has
FORMS = (
    "/api/feeds/custom.{format}?category=cs.DC,cs.LG&keywords=cache,k{n}:2&min_score=0",
    "/api/feeds/main.{format}?score>={n}", "/api/feeds/all.{format}?text~w{n}", "/api/papers?score>=-{n}&text~cache",
    "/api/papers?author=a{n}&limit=200", "/api/papers/2603.9030{d}?x={n}", "/api/papers/2603.9030{d}/similar?limit={d}",
    "/api/papers/{n}.12345", "/api/papers/2603.9030{d}/cite.bib?{n}", "/api/digests/main/2026-03-0{d}.md?style=s{n}",
    "/api/digests/main/2026-W{d}0.html", "/api/digests/main/2026-0{d}.json", "/api/digests/main.{format}",
    "/build?keywords=k{n}&category=cs.LG", "/build/preview?keywords=k{n}&category=cs.LG", "/search?q=w{n}+cache",
    "/day/2026-03-0{d}?text~w{n}", "/feeds/main?text~w{n}", "/papers/2603.9030{d}?x={n}", "/rss/cs.{format}?{n}",
    "/badge/main.svg?{n}", "/api/health?{n}", "/reviews/{n}", "/vote/main/2603.90301/up/{n:064x}", "/saved?x={n}",
    "/unsubscribe/x/{n}", "/settings/undo?target={n}",
)  # fmt: skip
POSTS = (
    "/vote/main/2603.90301/up/{n:064x}", "/settings/delete", "/api/refresh?x={n}", "/api/work?key={n}", "/sign-in",
    "/build/preview", "/mcp", "/unsubscribe/x/{n}", "/api/feeds/main/library?{n}", "/api/saved",
)  # fmt: skip
MOST_LATE = (
    9  # keys of a kind that a first round of requests may have left to be written; a second one has thirty of each
)


@pytest.mark.slow
def test_floods_of_other_forms(upstream: Upstream, tmp_path: Path) -> None:
    """Whatever strangers ask for, from whatever address: what is stored for it counts against the budget, or follows
    from the owner's feeds.
    """
    with running(maxmemory="64mb", maxmemory_policy="noeviction", appendonly="no") as server:
        settings = settings_of(upstream, server, tmp_path, rate_limit=0)
        store_days(settings, {THURSDAY: DAYS[THURSDAY]})
        with serving_app(settings) as url, httpx.Client(base_url=url) as client, Redis(port=server.port) as redis:
            refreshed(client)
            sizes: list[dict[str, tuple[int, int]]] = []
            for start in (0, 30):
                for n in range(start, start + 30):
                    fill = {"n": n + 1000, "d": n % 10, "format": ("rss", "atom", "json")[n % 3]}
                    headers = {"X-Forwarded-For": f"192.0.2.{n}, 198.51.100.{n}", "Authorization": f"Bearer wrong-{n}"}
                    for form in FORMS:
                        assert client.get(form.format(**fill), headers=headers if n % 2 else {}).status_code < 504
                    for form in POSTS:
                        assert client.post(form.format(**fill), headers=headers, content=b"x" * n).status_code < 500
                sizes.append(by_kind(redis))
            refreshed(client)
        first, last = sizes
        limited = {"custom", "STRANGERS_BUDGET"}
        grown = {kind: count - first.get(kind, (0, 0))[0] for kind, (count, _) in last.items() if kind not in limited}
        assert {} == {kind: more for kind, more in grown.items() if more > MOST_LATE}
        assert last["custom"][1] <= STRANGERS_A_DAY


def by_kind(redis: Redis) -> dict[str, tuple[int, int]]:
    """The number of keys, and their bytes, by kind."""
    found: dict[str, tuple[int, int]] = {}
    for key in redis.scan_iter("*", count=1000):
        count, size = found.get(kind_of(key.decode()), (0, 0))
        found[kind_of(key.decode())] = count + 1, size + redis.memory_usage(key, samples=0)
    return found


def documents(tmp_path: Path, sizes: list[int]) -> list[int]:
    """Store limited documents of incompressible text. Returns the sizes of those that were stored."""
    import random

    async def main() -> list[int]:
        archive = Archive(SqliteStore(tmp_path / "store.sqlite3"))
        for n, size in enumerate(sizes):
            body = random.Random(n).randbytes(size // 2).hex().encode()
            document = StoredDocument("identity", body, "text/xml", '"etag"', NOON, "")
            await archive.rendered.put(archive.rendered.custom_slot(f"feed {n}", "", "rss"), document, limited=True)
            if n % 20 == 19:
                await archive.pending.flush()
        await archive.pending.flush()
        found = [len(value) async for _, value, _ in archive.store.entries(keys.CUSTOM_DOCUMENTS)]
        await archive.close()
        return found

    return asyncio.run(main())


@pytest.mark.parametrize("size", [50, 50_000])
def test_the_budget_is_one_of_bytes(tmp_path: Path, size: int) -> None:
    """However large the documents are: neither their bytes nor their number have no end."""
    stored = documents(tmp_path, [size] * (2_600 if size == 50 else STRANGERS_A_DAY // size * 3))
    assert sum(stored) * 4 / 3 <= STRANGERS_A_DAY
    assert len(stored) <= 2_500
    assert len(stored) >= (2_400 if size == 50 else 1)
    assert size == 50 or sum(stored) > STRANGERS_A_DAY / 3


def test_large_documents_are_not_stored(tmp_path: Path) -> None:
    stored = documents(tmp_path, [600_000, 1_000])
    assert (1, True) == (len(stored), stored[0] < LARGEST_LIMITED)


@pytest.mark.parametrize("why", ["full", "replica"])
def test_health_names_a_store_that_refuses(upstream: Upstream, tmp_path: Path, why: str) -> None:
    """Nobody is told that arXiv is at fault; only the owner is told where the store is."""
    with running(maxmemory="8mb", maxmemory_policy="noeviction", appendonly="no") as server:
        settings = settings_of(upstream, server, tmp_path, rate_limit=0)
        store_days(settings, {THURSDAY: DAYS[THURSDAY]})
        if why == "full":
            server.config(maxmemory=1)
        else:
            server.command("REPLICAOF", "127.0.0.1", "9")
        with serving_app(settings) as url, httpx.Client(base_url=url) as client:
            said = {"full": "the database is full", "replica": "the database refuses to write"}[why]
            health = client.get("/api/health")
            body = health.json()
            assert (503, "failing") == (health.status_code, body["status"])
            assert [f"nothing can be stored: {said}"] == [
                trouble["detail"] for trouble in body["troubles"] if trouble["kind"] != "pending"
            ]
            assert "arxiv.org" not in str(body["troubles"])
            to_owner = client.get("/api/health", headers=OWNER).json()["troubles"][0]["detail"]
            assert f"Redis at 127.0.0.1:{server.port}" in to_owner
            assert 503 == client.post("/api/refresh", headers=OWNER).status_code
            assert 200 == client.get("/api/feeds/main.rss").status_code, "what is stored is served"
            # Mended, it is well again
            if why == "full":
                server.config(maxmemory=0)
            else:
                server.command("REPLICAOF", "NO", "ONE")
            refreshed(client)
            assert "store" not in client.get("/api/health", headers=OWNER).text
