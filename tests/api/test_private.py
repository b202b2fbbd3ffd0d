"""Private copies: what opens with the key, what with a signature, and where a key may not be seen."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import feedparser
import httpx
import pytest
from lxml import etree, html

from core.config.settings import Settings, load_settings
from core.model.errors import ConfigError
from core.util.signing import sign, with_key
from tests.conftest import NOON, serving_app
from tests.support.servers import server_process
from tests.support.upstream import Upstream

SECRET = "correct horse battery"
FEEDS = ("/api/feeds/main.rss", "/api/feeds/main.atom", "/api/feeds/main.json", "/feeds/main")
CUSTOM = "/api/feeds/custom.rss?category=cs.DC&keywords=cache:3"
CLOSED = (
    "/",
    *FEEDS,
    CUSTOM,
    "/rss",
    "/rss/cs.DC",
    "/api/feeds",
    "/api/feeds.opml",
    "/api/papers",
    "/api/papers?score>=1",
    "/api/papers/2603.90000",
    "/build",
    "/search?q=cache",
)
WRONG = ("", "key=", "key=x", f"key={SECRET[:-1]}", f"key={SECRET}x", "key=%00", "key=ä", "KEY=" + SECRET)


@pytest.fixture
def private(settings: Settings) -> Iterator[httpx.Client]:
    """A client of a private copy."""
    with (
        serving_app(settings.model_copy(update={"feed_key": SECRET})) as url,
        httpx.Client(base_url=url) as client,
    ):
        yield client


def key_of(url: str) -> str:
    """What opens `url`."""
    return parse_qs(urlsplit(url).query)["key"][0]


@pytest.mark.parametrize("path", CLOSED)
def test_closed_without_the_key(private: httpx.Client, path: str) -> None:
    """Nothing is told to who has no key or a wrong one; the owner's key opens everything."""
    for wrong in WRONG:
        refused = private.get(f"{path}{'&' if '?' in path else '?'}{wrong}")
        assert 401 == refused.status_code, wrong
        assert "no-store" == refused.headers["Cache-Control"]
        assert "Efficient" not in refused.text
    opened = private.get(with_key(path, SECRET))
    assert 200 == opened.status_code
    directives = opened.headers["Cache-Control"].split(", ")
    assert "private" in directives
    assert {"public", "s-maxage"}.isdisjoint(part.partition("=")[0] for part in directives)


def test_wrong_keys_do_not_reach_arxiv(private: httpx.Client, upstream: Upstream) -> None:
    for path in CLOSED:
        private.get(path)
        private.head(path)
    assert [] == upstream.requests


@pytest.mark.parametrize("path", ["/api/health", "/docs", "/openapi.json", "/favicon.ico", "/robots.txt"])
def test_open_without_the_key(private: httpx.Client, path: str) -> None:
    """The state of things, for monitors, the contract, and files that are everybody's."""
    assert 200 == private.get(path).status_code


def test_refreshing_has_a_token_of_its_own(private: httpx.Client, settings: Settings) -> None:
    assert 401 == private.post("/api/refresh").status_code
    assert 401 == private.post(with_key("/api/refresh", SECRET)).status_code
    assert 200 == private.post("/api/refresh", headers={"Authorization": f"Bearer {settings.admin_token}"}).status_code


def test_a_feeds_signature_opens_that_feed_alone(private: httpx.Client) -> None:
    """In all formats, with its page, under all filters and on all pages; no other feed, no API."""
    signature = sign(SECRET, "/api/feeds/main.rss")
    for path in FEEDS:
        assert 200 == private.get(with_key(path, signature)).status_code, path
    assert 200 == private.get(with_key("/api/feeds/main.json?score>=1&limit=2", signature)).status_code
    for path in set(CLOSED) - set(FEEDS) | {"/api/feeds/storage.rss", "/api/feeds/main.rss/x", "/api/feeds/mai.rss"}:
        assert 401 == private.get(with_key(path, signature)).status_code, path


def test_a_custom_feeds_signature_opens_its_rules_alone(private: httpx.Client) -> None:
    signature = sign(SECRET, CUSTOM)
    assert 200 == private.get(with_key(CUSTOM, signature)).status_code
    assert 200 == private.get(with_key(CUSTOM.replace("keywords=cache:3", "keywords=cache%3A3"), signature)).status_code
    assert 200 == private.get(with_key(CUSTOM.replace(".rss", ".json"), signature)).status_code
    for other in (f"{CUSTOM},LLM", CUSTOM.replace("cs.DC", "cs.LG"), f"{CUSTOM}&min_score=-5", "/api/feeds/main.rss"):
        assert 401 == private.get(with_key(other, signature)).status_code, other


def test_everything_that_is_subscribed_to_carries_signatures(private: httpx.Client) -> None:
    """The list of feeds and the OPML have addresses that open, and none of them tells the owner's key."""
    listed = private.get(with_key("/api/feeds", SECRET))
    outlines = etree.fromstring(private.get(with_key("/api/feeds.opml", SECRET)).content).iter("outline")
    urls = [url for feed in listed.json()["feeds"] for url in feed["links"].values()]
    urls += [outline.get(name) for outline in outlines for name in ("xmlUrl", "htmlUrl")]
    assert len(urls) >= 14
    for url in urls:
        assert key_of(url) != SECRET
        nothing = "/digests/daily/" in url  # of Hugging Face nothing was fetched here
        assert (404 if nothing else 200) == private.get(url).status_code, url
    assert len({key_of(url) for url in urls if "main." in url}) == 1
    assert len({key_of(url) for url in urls}) >= 4


def test_a_subscriber_finds_its_way(private: httpx.Client) -> None:
    """A feed names its own address, its next page and its home with the signature that it was opened with."""
    url = str(private.base_url) + with_key("/api/feeds/main.rss?limit=3", sign(SECRET, "/api/feeds/main.rss"))
    seen: set[str] = set()
    for _ in range(2):
        parsed = feedparser.parse(private.get(url).content)
        links = {link["rel"]: link["href"] for link in parsed.feed.links}
        assert url == links["self"]
        seen |= {entry.id for entry in parsed.entries}
        assert 200 == private.get(parsed.feed.link).status_code
        url = links["next"]
    assert 6 == len(seen)


def test_hot_answers_are_for_who_sent_that_key(private: httpx.Client) -> None:
    """What was answered from memory is not given to others, and names each client's own address."""
    signature = sign(SECRET, "/api/feeds/main.rss")
    for _ in range(3):
        assert SECRET.encode() not in private.get(with_key("/api/feeds/main.rss", signature)).content
        owner = private.get("/api/feeds/main.rss", params={"key": SECRET})
        assert (200, True) == (owner.status_code, "correct%20horse" in owner.text)
        assert 401 == private.get("/api/feeds/main.rss").status_code
        assert 401 == private.get("/api/feeds/main.rss?key=wrong").status_code


def test_unchanged(private: httpx.Client) -> None:
    url = with_key("/api/feeds/main.rss", sign(SECRET, "/api/feeds/main.rss"))
    etag = private.get(url).headers["ETag"]
    assert 304 == private.get(url, headers={"If-None-Match": etag}).status_code
    assert 401 == private.get("/api/feeds/main.rss", headers={"If-None-Match": etag}).status_code


def change(client: httpx.Client, action: str, target: str) -> None:
    """Confirm a change on the settings page, as its owner."""
    page = html.fromstring(client.get(with_key(f"/settings/{action}?target={target}", SECRET)).text)
    (form,) = [form for form in page.forms if "token" in form.fields]
    fields = {name: value or "" for name, value in form.fields.items()} | {"token": "open-sesame"}
    assert 303 == client.post(form.action, data=fields).status_code


def test_a_feeds_addresses_are_revoked(settings: Settings) -> None:
    """The former ones are refused at once, also where their answers are in memory, and at other instances soon; those
    of other feeds go on, and no undo brings the former ones back.
    """
    settings = settings.model_copy(update={"feed_key": SECRET, "confirm_seconds": 0})
    with ExitStack() as stack:
        one, two = (
            stack.enter_context(httpx.Client(base_url=stack.enter_context(serving_app(settings)))) for _ in range(2)
        )

        def addresses(client: httpx.Client) -> list[str]:
            listed = client.get(with_key("/api/feeds", SECRET)).json()["feeds"]
            urls = [feed["links"][name] for feed in listed[:2] for name in ("rss", "digests", "papers")]
            return [urlsplit(url)._replace(scheme="", netloc="").geturl() for url in urls]

        def statuses(urls: list[str]) -> list[list[int]]:
            return [[client.get(url).status_code for url in urls] for client in (one, two)]

        custom = [with_key(CUSTOM, sign(SECRET, CUSTOM))]
        before = addresses(one)
        assert [[200] * 6] * 2 == statuses(before) == statuses(before)
        change(one, "revoke", "main")
        assert [[401] * 3 + [200] * 3] * 2 == statuses(before)
        after = addresses(one)
        assert ([True] * 3, [False] * 3) == (
            [old != new for old, new in zip(before[:3], after[:3], strict=True)],
            [old != new for old, new in zip(before[3:], after[3:], strict=True)],
        )
        assert [[200] * 6] * 2 == statuses(after)
        served = one.get(after[0]).text
        assert key_of(before[0]) not in served
        assert [[200], [200]] == statuses(custom)
        change(two, "revoke", "custom")
        assert [[401], [401]] == statuses(custom)
        change(one, "undo", "1")
        assert [[401] * 3 + [200] * 3] * 2 == statuses(before)
        assert [[200] * 6] * 2 == statuses(after)


def test_a_renamed_feed_is_found_with_its_signature(settings: Settings) -> None:
    """Whoever has the signature of the former name is led to the address that opens it now."""
    settings = settings.model_copy(update={"feed_key": SECRET})
    with serving_app(settings) as url, httpx.Client(base_url=url, follow_redirects=True) as client:
        form = {
            "was": "main",
            "called": "first",
            "category": "cs.LG",
            "name": "First",
            "do": "save",
            "token": "open-sesame",
        }
        address = with_key("/settings/edit", SECRET)
        answer = client.post(address, data=form | {"version": "0"}, follow_redirects=False)
        assert 303 == answer.status_code, answer.text
        found = client.get(with_key("/api/feeds/main.rss", sign(SECRET, "/api/feeds/main.rss")))
        assert (200, "/api/feeds/first.rss") == (found.status_code, urlsplit(str(found.url)).path)


def test_an_open_copy_takes_no_notice_of_keys(client: httpx.Client) -> None:
    """Subscribers of a copy that was private need not change their addresses."""
    plain = client.get("/api/feeds/main.rss")
    assert plain.content == client.get("/api/feeds/main.rss?key=left-over").content
    assert 200 == client.get("/api/papers?score>=1&key=x&limit=2").status_code


@pytest.mark.parametrize("key", ["short", "x" * 15, "ä" * 20, "x" * 16 + "\n" + "y"])
def test_weak_keys_are_refused(key: str) -> None:
    with pytest.raises(ConfigError, match=r"FEED_KEY: .*openssl rand -hex 16") as caught:
        load_settings(_env_file=None, feed_key=key)
    assert key not in str(caught.value)


def test_keys_are_not_logged(upstream: Upstream, tmp_path: Path) -> None:
    """A real server's log of requests, in a process of its own: neither the key nor a signature is in it."""
    signature = sign(SECRET, "/api/feeds/main.rss")
    env = {
        "ARXIV_RSS_URL": upstream.url,
        "NOW": NOON.isoformat(),
        "SQLITE_PATH": str(tmp_path / "store.sqlite3"),
        "FEED_KEY": SECRET,
    }
    with server_process(tmp_path, env) as server:
        for url in (with_key("/api/feeds/main.rss", signature), with_key("/?limit=1", SECRET), "/rss?key=guess-it"):
            httpx.get(server.url + url)
        httpx.get(f"{server.url}/api/papers", params={"key": SECRET, "score~": "1"})
    text = server.log.read_text()
    assert "request method=GET path=/api/feeds/main.rss status=200" in text
    for secret in (SECRET, SECRET.replace(" ", "%20"), SECRET.replace(" ", "+"), signature, "guess-it"):
        assert secret not in text


def test_problems_do_not_repeat_keys(private: httpx.Client) -> None:
    for url in (
        "/api/papers?nonsense=1",
        "/api/papers?cursor=x",
        "/api/feeds/none.rss",
        "/api/feeds/custom.rss?match=x",
    ):
        answer = private.get(with_key(url, SECRET))
        assert answer.status_code in (404, 422)
        assert "correct" not in answer.text


def test_representations_are_silent(settings: Settings) -> None:
    """Neither the settings nor a log of the application shows the key."""
    private = settings.model_copy(update={"feed_key": SECRET})
    assert SECRET not in repr(private)
    assert SECRET not in str(logging.makeLogRecord({"msg": "%s", "args": (private,)}).getMessage())
