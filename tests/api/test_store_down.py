"""The store is down, slow, full, read-only or full of nonsense: what readers and the owner get, then and afterwards."""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from core.archive.open import open_store
from core.config.settings import Settings, load_settings
from core.model.manifest import Manifest
from core.store import keys
from core.store.codec import decode, encode
from tests.api.test_on_demand import FRIDAY, THURSDAY, get_all
from tests.conftest import NOON, PATIENCE_SECONDS, serving_app, wait_until
from tests.support import redis_server, upstash_rest
from tests.support.arxiv_format import make_sheets
from tests.support.ports import free_port
from tests.support.redis_server import RedisServer
from tests.support.tiers import chosen, matrix, params
from tests.support.upstash_rest import UpstashRest
from tests.support.upstream import Upstream, serving

OWNER, SECRET, PASSWORD = "open-sesame-owner", "AXx-secret-of-the-store", "pass-of-the-store"
AUTHORIZED = {"Authorization": f"Bearer {OWNER}"}
BELIEF = 0.2  # seconds
PAUSE = 3.0  # between two requests to arXiv, where that is what is tested
HASTE = {"store_connect_seconds": 1.0, "store_read_seconds": 2.0}  # where the bounds are what is tested
FOR_EVER = -1
ASKED = ["/api/feeds/main.rss", "/api/papers", "/"]  # before the store fails
OTHERS = [  # only afterwards
    "/api/feeds/main.atom",
    "/api/feeds/storage.json",
    "/rss/cs.LG",
    "/api/papers?score>=3&sort=-score&limit=5",
    "/api/papers?feed=storage&score>=0",
    "/api/papers/2603.90000",
    "/api/feeds",
]
ALL = ASKED + OTHERS

KEYWORD = '[feeds.main]\ntitle = "Other rules"\ncategories = ["cs.LG"]\n[feeds.main.keywords]\nsparse = 2\n'


@dataclass
class Place:
    """A store with an application's settings for it, and an arXiv of its own."""

    settings: Settings
    upstream: Upstream
    redis: RedisServer
    database: int = 0
    rest: UpstashRest | None = None

    @property
    def is_rest(self) -> bool:
        return self.rest is not None

    def with_token(self, token: str) -> Settings:
        """The settings with another token of the same database."""
        return self.settings.model_copy(update={"upstash_redis_rest_token": f"{token}.{self.database}"})

    def command(self, *arguments: str | bytes | float) -> Any:
        """The answer to a command, past everything that is in front of Redis."""
        return self.redis.command(*arguments, database=self.database)

    def names(self) -> set[str]:
        """What is stored."""
        return {name.decode() for name in self.command("KEYS", "*")}

    def lasting(self) -> dict[str, Any]:
        """What is stored for good: the manifest, batches and scores, decoded."""
        names = [name for name in self.names() if re.match(r"pw\d+:(manifest|batch|scores)", name)]

        async def main() -> list[bytes | None]:
            store = open_store(load_settings(_env_file=None, redis_url=self.url))
            values = await store.get_many(names)
            await store.close()
            return values

        return {name: decode(value or b"") for name, value in zip(names, asyncio.run(main()), strict=True)}

    @property
    def url(self) -> str:
        return self.redis.url.replace("/0", f"/{self.database}")


@contextmanager
def upstash(redis: RedisServer, **overrides: Any) -> Iterator[Place]:
    """An Upstash database of its own."""
    number = redis.empty_database()
    with (
        serving(Upstream(sheets=make_sheets(40))) as upstream,
        upstash_rest.serving(UpstashRest(redis.url, SECRET)) as rest,
    ):
        where = {"upstash_redis_rest_url": rest.url, "upstash_redis_rest_token": f"{SECRET}.{number}"}
        yield Place(_settings(upstream, **where, **overrides), upstream, redis, number, rest)


@contextmanager
def by_url(**overrides: Any) -> Iterator[Place]:
    """A Redis server of its own, asked by its URL."""
    with serving(Upstream(sheets=make_sheets(40))) as upstream, redis_server.running() as redis:
        redis.command("ACL", "SETUSER", "wire", "on", f">{PASSWORD}", "~*", "&*", "+@all")
        url = f"redis://wire:{PASSWORD}@127.0.0.1:{redis.port}/0"
        yield Place(_settings(upstream, redis_url=url, **overrides), upstream, redis)


def _settings(upstream: Upstream, **overrides: Any) -> Settings:
    base = {"arxiv_rss_url": upstream.url, "now": NOON, "admin_token": OWNER, "confirm_seconds": BELIEF}
    return load_settings(_env_file=None, **(base | overrides))


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with redis_server.running() as server:
        yield server


@pytest.fixture(params=["upstash", "redis"])
def place(request: pytest.FixtureRequest, redis: RedisServer) -> Iterator[Place]:
    """Each of the stores over the network, empty."""
    with upstash(redis) if request.param == "upstash" else by_url() as made:
        yield made


@pytest.fixture(autouse=True)
def _nothing_leaks(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No token or password is in any line of the log, whatever went wrong."""
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, "paperwire")
    yield
    for phase in ("setup", "call"):
        for record in caplog.get_records(phase):
            _assert_no_secret(caplog.handler.format(record))


def _assert_no_secret(text: str) -> None:
    assert not [secret for secret in (SECRET, PASSWORD, OWNER) if secret in text], text


def ask(url: str, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    """The answer to a request, in which no secret is."""
    answer = httpx.request(method, url + path, headers=headers)
    _assert_no_secret(answer.text + repr(answer.headers.raw))
    return answer


def refresh(url: str) -> httpx.Response:
    """What the owner gets who refreshes."""
    return httpx.post(f"{url}/api/refresh", headers=AUTHORIZED)


def shared_seconds(answer: httpx.Response) -> int:
    """How long shared caches may keep an answer."""
    found = re.search(r"s-maxage=(\d+)", answer.headers["Cache-Control"])
    assert found, answer.headers
    return int(found[1])


def assert_doubtful(answer: httpx.Response) -> None:
    """The answer is good, and says that it may be old; caches ask again soon."""
    assert 200 == answer.status_code, answer.text
    assert answer.headers.get("Warning", "").startswith("111 "), answer.headers
    assert shared_seconds(answer) <= 30


def assert_certain(answer: httpx.Response) -> None:
    """The answer is good and certain."""
    assert 200 == answer.status_code, answer.text
    assert "Warning" not in answer.headers


def assert_refused(answer: httpx.Response) -> None:
    """The answer says, to machines, that the store is at fault, and when to come again."""
    assert 503 == answer.status_code, answer.text
    assert "application/problem+json" == answer.headers["Content-Type"].partition(";")[0]
    assert "urn:paperwire:problem:store" == answer.json()["type"]
    assert int(answer.headers["Retry-After"]) > 0
    assert "no-store" in answer.headers["Cache-Control"]


# -- how a store fails, and how it comes back

Breaks = Callable[[Place], None]


def _rest_fault(kind: str, **options: Any) -> Breaks:
    def do(place: Place) -> None:
        assert place.rest
        place.rest.arm(kind, times=FOR_EVER, **options)

    return do


def _kill(place: Place) -> None:
    place.redis.kill()


def _pause(place: Place) -> None:
    place.command("CLIENT", "PAUSE", 600_000, "ALL")  # only a restart ends it


def _ask_password(place: Place) -> None:
    place.command("ACL", "SETUSER", "wire", "resetpass")
    place.command("CLIENT", "KILL", "USER", "wire")


REST_FAULTS = {
    "close": _rest_fault("close"),
    "hang": _rest_fault("hang"),
    "drip": _rest_fault("drip", seconds=0.3),
    "401": _rest_fault("401"),
    "429": _rest_fault("429 with Retry-After"),
    "502": _rest_fault("502"),
    "no JSON": _rest_fault("no JSON"),
    "wrong shape": _rest_fault("wrong shape"),
}
REDIS_FAULTS = {"killed": _kill, "paused": _pause, "password": _ask_password}
FAULTS = REST_FAULTS | REDIS_FAULTS
SLOW = {"hang", "drip", "paused"}


def _place_for(fault: str, redis: RedisServer) -> Any:
    bounds = HASTE if fault in SLOW else {}
    return upstash(redis, **bounds) if fault in REST_FAULTS else by_url(**bounds)


def _mend(place: Place) -> None:
    """The store is as it should be again."""
    if place.rest:
        place.rest.faults.clear()
        return
    place.redis.restart()
    place.command("ACL", "SETUSER", "wire", "on", f">{PASSWORD}", "~*", "&*", "+@all")
    place.redis.config(maxmemory=0)


# -- a cold instance


@pytest.mark.parametrize("nobody", ["upstash", "redis"])
def test_nobody_listens(nobody: str) -> None:
    """Where nothing listens at the store's address, everything is 503 at once, and arXiv is left alone."""
    where = f"127.0.0.1:{free_port()}"
    with serving(Upstream(sheets=make_sheets(3))) as upstream:
        settings = _settings(
            upstream,
            **{"upstash_redis_rest_url": f"http://{where}", "upstash_redis_rest_token": SECRET}
            if nobody == "upstash"
            else {"redis_url": f"redis://:{PASSWORD}@{where}"},
        )
        with serving_app(settings) as url:
            for path in [*ALL, "/api/health"]:
                begun = time.monotonic()
                assert_refused(ask(url, path))
                assert time.monotonic() - begun < PATIENCE_SECONDS
            assert_refused(refresh(url))
        assert [] == upstream.requests


@matrix("fault", FAULTS, daily=("hang", "no JSON", "password"))
def test_cold_instance_with_a_broken_store(fault: str, redis: RedisServer) -> None:
    """An instance that never read the store answers 503 within the bound of a reading, does not ask arXiv, and once the
    store is back serves as if nothing had been.
    """
    with _place_for(fault, redis) as place, serving_app(place.settings) as url:
        FAULTS[fault](place)
        begun = time.monotonic()
        answers = get_all([url] * 20)
        taken = time.monotonic() - begun
        for answer in answers:
            assert_refused(answer)
        assert taken < PATIENCE_SECONDS  # 3 s at most, where nothing else shares the machine
        if fault not in SLOW:
            for path in ALL:
                assert_refused(ask(url, path))
        assert [] == place.upstream.requests
        _mend(place)
        assert_certain(ask(url, "/api/papers"))
        assert 1 == len(place.upstream.requests)


# -- a warm instance


@dataclass
class Warm:
    """What a warm instance answered before, while and after its store was broken."""

    before: dict[str, httpx.Response] = field(default_factory=dict)
    during: list[tuple[str, httpx.Response]] = field(default_factory=list)
    readings: int = 0  # of the store while the first of these were answered, where they can be counted
    at_once: list[httpx.Response] = field(default_factory=list)
    health: dict[str, Any] = field(default_factory=dict)
    refused: httpx.Response | None = None
    requests: tuple[int, int] = (0, 0)  # to arXiv, before and after the failure
    after: httpx.Response | None = None
    refreshed: httpx.Response | None = None
    fresh: httpx.Response | None = None


def _warm(fault: str, redis: RedisServer) -> Warm:
    seen = Warm()
    with _place_for(fault, redis) as place, serving_app(place.settings) as url:
        seen.before = {path: ask(url, path) for path in ASKED}
        for answer in seen.before.values():
            assert_certain(answer)
        before = len(place.upstream.requests)
        place.upstream.sheets = make_sheets(60)  # arXiv has more of the day; nobody knows yet
        FAULTS[fault](place)
        broken = time.monotonic()
        time.sleep(BELIEF)
        counted = place.rest.counts.requests if place.rest else 0
        seen.during += [(path, ask(url, path)) for path in ALL]
        seen.readings = place.rest.counts.requests - counted if place.rest else 0
        seen.at_once = get_all([url] * 50, "/api/papers?limit=3")
        seen.health = ask(url, "/api/health").json()
        wait_until(lambda: time.monotonic() - broken > 6)  # when the first doubt is over there is another
        seen.during += [(path, ask(url, path)) for path in ASKED]
        seen.refused = refresh(url)
        seen.requests = (before, len(place.upstream.requests))
        _mend(place)
        wait_until(lambda: "Warning" not in ask(url, "/api/papers").headers)
        seen.after = ask(url, "/api/papers")
        # A lock whose answer was too slow is held until it ends by itself
        wait_until(lambda: keys.REFRESH_LOCK not in place.names())
        seen.refreshed = refresh(url)
        seen.fresh = ask(url, "/api/papers?score>=0&limit=200")
    return seen


def _unsettled(redis: RedisServer) -> dict[str, Any]:
    """A warm instance has Thursday, and Friday is due; then the store hangs."""
    with upstash(redis) as place:
        place.upstream.day, place.upstream.sheets = THURSDAY, make_sheets(20, start=50000)
        with serving_app(place.settings.model_copy(update={"now": NOON.replace(day=5)})) as url:
            assert_certain(ask(url, "/api/papers"))
        place.upstream.day, place.upstream.sheets = FRIDAY, make_sheets(40)
        place.upstream.faults, place.upstream.faulty_for_ever = ["html"], True
        with serving_app(place.settings) as url:
            for path in ALL:
                assert ask(url, path).status_code in (200, 404)  # reads the entries of both feeds
            wait_until(lambda: keys.BACKOFF in place.names() and keys.REFRESH_LOCK not in place.names())
            place.command("DEL", keys.BACKOFF, keys.ARXIV_GATE)
            asked = len(place.upstream.requests)
            assert place.rest
            place.rest.arm("close", times=FOR_EVER)
            time.sleep(BELIEF)
            during = [ask(url, path) for path in ALL * 3 if "2603.90000" not in path]
            asked_during = len(place.upstream.requests) - asked
            place.upstream.faults = []
            place.rest.faults.clear()
            begun = time.monotonic()
            wait_until(lambda: {"2026-03-06"} <= {p["announced"] for p in ask(url, "/api/papers").json()["papers"]})
            return {
                "during": during,
                "asked": asked_during,
                "seconds": time.monotonic() - begun,
                "after": ask(url, "/api/papers"),
            }


def _full_for_a_while(redis: RedisServer) -> dict[str, Any]:
    """A database is full while pages are rendered, and later is not."""
    slots = [keys.rendered(f"/api/feeds/main.{name}") for name in ("rss", "atom", "json")]
    with upstash(redis) as place, serving_app(place.settings) as url:
        assert_certain(ask(url, "/api/papers?limit=1"))
        assert place.rest
        place.rest.arm("full", times=FOR_EVER)
        during = [ask(url, f"/api/feeds/main.{name}") for name in ("rss", "atom")]
        stored_during = [slot in place.names() for slot in slots]
        place.rest.faults.clear()
        time.sleep(31)
        after = ask(url, "/api/feeds/main.json")
        return {
            "during": during,
            "stored_during": stored_during,
            "after": after,
            "stored_after": [slot in place.names() for slot in slots],
        }


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest, redis: RedisServer) -> Iterator[dict[str, Future[Any]]]:
    """What takes long, all at the same time."""
    with ThreadPoolExecutor(8) as pool:
        jobs = {fault: pool.submit(_warm, fault, redis) for fault in chosen(request, "warm")}
        jobs |= {f"middle {how}": pool.submit(_fail_in_the_middle, how, redis) for how in chosen(request, "how")}
        jobs |= {f"nonsense {kind}": pool.submit(_serve_nonsense, kind, redis) for kind in chosen(request, "kind")}
        yield jobs


@pytest.fixture(params=params(FAULTS, ("401", "killed")))
def warm(request: pytest.FixtureRequest, running: dict[str, Future[Any]]) -> Warm:
    """What a warm instance answers under each fault."""
    seen: Warm = running[request.param].result()
    return seen


def test_warm_instance_serves_its_last_good_copy(warm: Warm) -> None:
    """Everything is served as before, with a warning and for a short time, whatever the fault and also when the time of
    belief is over; so are other formats and filters over the same entries.
    """
    for path, answer in warm.during:
        assert_doubtful(answer)
        if path in warm.before:
            assert warm.before[path].content == answer.content, path
            assert warm.before[path].headers["ETag"] == answer.headers["ETag"], path
    for answer in warm.at_once:
        assert_doubtful(answer)
    assert "last good copy" in warm.health["warning"]


def test_hardly_anybody_waits_for_the_store(warm: Warm) -> None:
    """Once a reading has failed most requests are answered without another one."""
    assert warm.readings <= len(ALL) // 2


def test_arxiv_is_left_alone(warm: Warm) -> None:
    """While the store is down arXiv is not asked, by readers or by the owner."""
    assert (1, 1) == warm.requests


def test_refresh_is_refused(warm: Warm) -> None:
    """The owner who refreshes is told that it is the store that does not answer."""
    assert warm.refused is not None
    assert_refused(warm.refused)


def test_recovery(warm: Warm) -> None:
    """When the store is back the warning is gone, and what arXiv has by now is fetched and served."""
    assert warm.after is not None
    assert warm.refreshed is not None
    assert warm.fresh is not None
    assert_certain(warm.after)
    assert warm.before["/api/papers"].content == warm.after.content
    assert 200 == warm.refreshed.status_code, warm.refreshed.text
    assert (60, True) == (warm.refreshed.json()["papers"], warm.refreshed.json()["changed"])
    assert_certain(warm.fresh)
    assert warm.fresh.json()["total"] == 60


@pytest.mark.slow
def test_what_is_due_waits_for_the_store(redis: RedisServer) -> None:
    """With Friday due and the store down, Thursday is served and nobody asks arXiv; when it is back, Friday comes."""
    seen = _unsettled(redis)
    for answer in seen["during"]:
        assert_doubtful(answer)
    assert 0 == seen["asked"]
    assert_certain(seen["after"])


@pytest.mark.slow
def test_feeds_are_stored_again_when_there_is_room(redis: RedisServer) -> None:
    """Feeds rendered while the database is full are served all the same; when it has room, new ones are stored.

    What the full database refused is not kept: it is rendered again when an instance needs it.
    """
    seen = _full_for_a_while(redis)
    for answer in [*seen["during"], seen["after"]]:
        assert_certain(answer)
    assert [False, False, False] == seen["stored_during"]
    assert [True, True] == seen["stored_after"][1:]


def test_pages_wait_for_one_reading(redis: RedisServer) -> None:
    """A page that would read and write several values waits for the store once; its warning outlasts that."""
    with upstash(redis, **HASTE) as place, serving_app(place.settings) as url:
        assert place.rest
        assert_certain(ask(url, "/api/papers"))
        _rest_fault("hang")(place)
        time.sleep(BELIEF)
        before = place.rest.counts.requests
        assert_doubtful(ask(url, "/api/feeds/main.atom"))
        assert 1 == place.rest.counts.requests - before


# -- the store fails in the middle of a refresh


MIDDLES = ["close", "full", "502", "no JSON", "killed"]


def _fail_in_the_middle(how: str, redis: RedisServer) -> None:
    with (
        _place_for("killed" if how == "killed" else "close", redis) as place,
        serving_app(place.settings.model_copy(update={"replay_gate_seconds": PAUSE})) as url,
        ThreadPoolExecutor(1) as pool,
    ):
        place.upstream.delay = 0.5
        job = pool.submit(refresh, url)
        wait_until(lambda: len(place.upstream.requests) == 1)
        FAULTS.get(how, _rest_fault(how))(place)
        assert_refused(job.result())
        _mend(place)
        assert {} == place.lasting()
        wait_until(lambda: keys.REFRESH_LOCK not in place.names())
        assert 1 == len(place.upstream.requests)
        assert_certain(ask(url, "/api/papers"))
        content = place.lasting()
        assert FRIDAY in Manifest.from_plain(content[keys.MANIFEST]).records
        assert 4 <= len(content), content.keys()  # with the batch, and the scores of two feeds
        assert 2 == len(place.upstream.requests)
        assert place.upstream.gaps[0] >= PAUSE


@matrix("how", MIDDLES, daily=("full", "killed"))
def test_failure_in_the_middle_of_a_refresh(how: str, running: dict[str, Future[Any]]) -> None:
    """Where the store fails while arXiv is being asked, the owner gets 503 and nothing is half written; when it is back
    the next reader finds everything, fetched again.
    """
    running[f"middle {how}"].result()


def test_lost_answers_of_a_refresh(redis: RedisServer) -> None:
    """A refresh whose every first answer is lost on the way is done once, and reported as done."""
    with upstash(redis) as place, serving_app(place.settings) as url, ThreadPoolExecutor(1) as pool:
        assert place.rest
        place.upstream.delay = 0.5
        place.rest.arm("lost reply", command="eval")
        job = pool.submit(refresh, url)
        wait_until(lambda: len(place.upstream.requests) == 1)
        place.rest.arm("lost reply", command="eval")
        report = job.result()
        assert (200, "unconfirmed", 40) == (report.status_code, report.json()["state"], report.json()["papers"])
        assert_certain(ask(url, "/api/papers"))
        assert 1 == len(place.upstream.requests)


# -- a store that does not let itself be written


@dataclass(frozen=True)
class Limit:
    """Why a store takes nothing more: what is done to it, and the words in which its owner is told the mend."""

    set: Callable[[Place], Settings]
    told: str


def _rest_full(place: Place) -> Settings:
    _rest_fault("full")(place)
    return place.settings


def _rest_reader(place: Place) -> Settings:
    assert place.rest
    return place.with_token(place.rest.read_only_token)


def _redis_full(place: Place) -> Settings:
    place.redis.config(maxmemory=1)
    return place.settings


def _redis_reader(place: Place) -> Settings:
    place.command("ACL", "SETUSER", "reader", "on", f">{PASSWORD}", "~*", "+@read", "+@connection")
    return place.settings.model_copy(update={"redis_url": place.settings.redis_url.replace("wire:", "reader:")})


def _redis_replica(place: Place) -> Settings:
    place.command("REPLICAOF", "127.0.0.1", str(place.redis.port))  # of itself: it keeps what it has
    return place.settings


LIMITS = {
    "upstash full": Limit(_rest_full, "the database is full"),
    "upstash read-only": Limit(_rest_reader, "give the one that may write"),
    "redis full": Limit(_redis_full, "the database is full"),
    "redis read-only": Limit(_redis_reader, "give the one that may write"),
    "redis replica": Limit(_redis_replica, "give the address of the primary"),
}


@pytest.fixture(params=params(LIMITS, ("upstash full", "redis read-only")))
def limited(request: pytest.FixtureRequest, redis: RedisServer) -> Iterator[tuple[Place, Limit]]:
    """A store that can be limited."""
    with upstash(redis) if request.param.startswith("upstash") else by_url() as place:
        yield place, LIMITS[request.param]


def test_store_that_may_only_be_read(limited: tuple[Place, Limit], caplog: pytest.LogCaptureFixture) -> None:
    """A new instance serves all that is stored, as certain; a refresh is 503 before arXiv is asked, and the mend is
    told; nothing that is stored changes.
    """
    place, limit = limited
    with serving_app(place.settings) as url:
        expected = {path: ask(url, path).content for path in ["/api/papers", "/api/papers?score>=3"]}
    content = place.lasting()
    settings = limit.set(place)
    with serving_app(settings) as url:
        for path in ALL:
            assert_certain(ask(url, path))
        assert expected == {path: ask(url, path).content for path in expected}
        caplog.clear()
        refused = refresh(url)
        assert_refused(refused)
        assert limit.told in caplog.text
        assert limit.told in refused.json()["detail"]
    assert content == place.lasting()
    assert 1 == len(place.upstream.requests)


def test_other_rules_on_a_store_that_may_only_be_read(limited: tuple[Place, Limit]) -> None:
    """An instance with other keywords than those of the stored scores makes its own, though it cannot store them."""
    place, limit = limited
    with serving_app(place.settings) as url:
        assert_certain(ask(url, "/api/papers"))
    content = place.lasting()
    settings = load_settings(_env_file=None, **limit.set(place).model_dump() | {"feeds_toml": KEYWORD})
    with serving_app(settings) as url:
        for _ in range(2):
            answer = ask(url, "/api/papers?score>=2")
            assert_certain(answer)
            rules = {reason["rule"] for paper in answer.json()["papers"] for reason in paper["reasons"]}
            assert {"sparse", "sparse in title"} == rules
    assert content == place.lasting()


def test_limited_store_with_nothing_in_it(limited: tuple[Place, Limit]) -> None:
    """With nothing stored and no way to store anything readers get 503 with Retry-After, and arXiv is left alone."""
    place, limit = limited
    with serving_app(limit.set(place)) as url:
        for answer in get_all([url] * 10) + [ask(url, path) for path in ("/rss", "/api/papers/2603.90000")]:
            assert (503, True) == (answer.status_code, int(answer.headers["Retry-After"]) > 0), answer.text
    assert [] == place.upstream.requests
    assert not [name for name in place.names() if ":lock:" not in name]


# -- nonsense in the store

NONSENSE = {
    "text": b"nonsense",
    "not compressed": b"zzz",
    "not base64": b"b64:?",
    "null": b"jnull",
    "a list of lists": b"j[[1,2],[3,4]]",
    "other fields": b'j{"a":{"b":[1]}}',
}


def _inner(place: Place, kind: str) -> str:
    return next(name for name in sorted(place.names()) if f":{kind}:" in name)


KINDS = ["manifest", "backoff", "batch", "scores", "feed"]


def _serve_nonsense(kind: str, redis: RedisServer) -> None:
    feed = "/api/feeds/main.rss"
    with upstash(redis) as place, serving_app(place.settings) as old:
        expected = ask(old, feed)
        assert_certain(expected)
        names = {"manifest": keys.MANIFEST, "backoff": keys.BACKOFF, "feed": keys.rendered(feed)}
        name = names.get(kind) or _inner(place, kind)
        if kind == "backoff":
            _write(place, name, encode({"date": THURSDAY.isoformat(), "tries": 1, "until": 0}))
        good = place.command("GET", name)
        for what, value in NONSENSE.items():
            place.command("SET", name, value)
            if kind != "feed":
                place.command("DEL", names["feed"])
            with serving_app(place.settings) as new:
                answers = {path: ask(new, path) for path in (feed, "/api/papers", "/api/health", "/")}
            for answer in answers.values():
                assert_certain(answer)
            assert_served(ask(old, "/api/papers?limit=1"))
            if kind == "feed":
                assert 200 == answers[feed].status_code, what
                assert expected.text == answers[feed].text.replace(new, old)
                assert value != place.command("GET", name)
            assert {200} == {answer.status_code for answer in answers.values()}, what
        time.sleep(BELIEF)
        assert_certain(ask(old, feed))
        assert 1 == len(place.upstream.requests)
        place.command("SET", name, good)
        with serving_app(place.settings) as new:
            assert_certain(ask(new, "/api/papers"))
        wait_until(lambda: "Warning" not in ask(old, "/api/papers").headers)


@matrix("kind", KINDS, daily=("manifest", "batch", "feed"))
def test_nonsense_in_the_store(kind: str, running: dict[str, Future[Any]]) -> None:
    """Nonsense under any name counts as absent: a copy takes its place, or it is made again, for new and old instances;
    arXiv is left alone.
    """
    running[f"nonsense {kind}"].result()


def assert_served(answer: httpx.Response) -> None:
    """The answer is good, certain or not."""
    assert 200 == answer.status_code, answer.text


# Right names, wrong values: what another version or a hand may have written
RENDERED = keys.rendered("/api/feeds/main.rss")
ODD: list[tuple[str, dict[str, Any]]] = [
    (keys.MANIFEST, {"version": "x"}),
    (keys.MANIFEST, {"updated": "yesterday"}),
    (keys.MANIFEST, {"updated": 5}),
    (keys.MANIFEST, {"updated": "2026-03-06T17:00:00"}),
    (keys.MANIFEST, {"records": {"2026-03-06": {"state": "complete", "hash": "a", "counts": None}}}),
    (keys.MANIFEST, {"records": {"2026-03-06": {"state": "complete", "hash": 5, "counts": {}}}}),
    (keys.MANIFEST, {"records": {"2026-03-06": {"state": ["x"], "hash": "", "counts": {}}}}),
    (keys.MANIFEST, {"error": 5}),
    (keys.BACKOFF, {"tries": 1}),
    (keys.BACKOFF, {"until": "soon", "tries": 1}),
    (keys.BACKOFF, {"until": 0, "tries": "x"}),
    (keys.BACKOFF, {"until": 1e300, "tries": 1}),
    (RENDERED, {"body": 5}),
    (RENDERED, {"updated": 5}),
    (RENDERED, {"updated": "2026-03-06T17:00:00"}),
    (RENDERED, {"media_type": None}),
    (RENDERED, {"etag": ["x"]}),
    (RENDERED, {"body": None}),
]


@matrix("row", ODD, daily=(ODD[0], ODD[9], ODD[12]), ids=str)
def test_odd_values(row: tuple[str, dict[str, Any]], redis: RedisServer) -> None:
    """A stored value with a member of the wrong kind is at worst an error of the store, no fault inside; a rendered
    feed is rendered again.
    """
    key, odd = row
    with upstash(redis) as place:
        settings = place.settings.model_copy(update={"base_url": "https://wire.example.org"})
        with serving_app(settings) as url:
            expected = ask(url, "/api/feeds/main.rss")
        plain = {"date": FRIDAY.isoformat()} if key == keys.BACKOFF else decode(_read(place, key))
        _write(place, key, encode(plain | odd))
        with serving_app(settings) as url:
            answers = {path: ask(url, path) for path in (*ASKED, "/api/health")}
        assert {answer.status_code for answer in answers.values()} <= {200, 503}
        if key == RENDERED:
            assert_certain(answers["/api/feeds/main.rss"])
            assert (expected.content, expected.headers["ETag"]) == (
                answers["/api/feeds/main.rss"].content,
                answers["/api/feeds/main.rss"].headers["ETag"],
            )


def _read(place: Place, key: str) -> bytes:
    async def main() -> bytes:
        store = open_store(place.settings)
        value = await store.get(key)
        await store.close()
        return value or b""

    return asyncio.run(main())


def _write(place: Place, key: str, value: bytes) -> None:
    async def main() -> None:
        store = open_store(place.settings)
        await store.put(key, value)
        await store.close()

    asyncio.run(main())
