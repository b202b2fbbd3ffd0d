"""The owner's settings: what is saved and refused, by whom, and that every instance and reader sees it."""

import asyncio
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from lxml import etree, html

from api.access import WRONG_SECONDS
from api.body import MOST_BODY
from api.limits import WRONG
from core.archive.open import open_store
from core.config.feeds_file import read_feeds_file
from core.config.settings import Settings
from core.store import keys
from core.util.signing import sign, with_key
from tests.api import DAYS, FEEDS, TOKEN, make_settings, serving_days, store_days
from tests.conftest import serving_app, wait_until
from tests.support.arxiv_format import Sheet
from tests.support.upstream import Upstream, serving

SECRET = "correct horse battery"
FIELDS = {"called": "fast", "name": "Fast caches", "category": "cs.DC", "keywords": "cache:2", "do": "save"}


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of a wire with three days in store."""
    with serving_days(tmp_path) as client:
        yield client


def parsed(answer: httpx.Response, status: int = 200) -> etree._Element:
    """The page, of which it is checked that it is one, that nobody keeps it, and that it does not hold the token."""
    assert (status, "text/html; charset=utf-8") == (answer.status_code, answer.headers["content-type"])
    assert ("no-store", False) == (answer.headers["cache-control"], TOKEN in answer.text)
    return html.fromstring(answer.text)


def text(page: etree._Element) -> str:
    return " ".join(page.text_content().split())


def version(client: httpx.Client) -> str:
    return str(html.fromstring(client.get("/settings/edit").text).xpath("//input[@name='version']/@value")[0])


def post(client: httpx.Client, path: str, fields: Mapping[str, Any], **headers: str) -> httpx.Response:
    """Send a form with the token, as of now, unless `fields` say otherwise."""
    sent = {"token": TOKEN, "version": version(client)} | dict(fields)
    return client.post(path, data=sent, headers=headers)


def save(client: httpx.Client, **fields: Any) -> httpx.Response:
    return post(client, "/settings/edit", FIELDS | fields)


def names(client: httpx.Client) -> list[str]:
    return [feed["name"] for feed in client.get("/api/feeds").json()["feeds"]]


def ids(client: httpx.Client, feed: str) -> list[str]:
    """The papers of a feed, without the notice that days are missing."""
    items = client.get(f"/api/feeds/{feed}.json").json()["items"]
    return [item["_paperwire"]["id"] for item in items if "id" in item["_paperwire"]]


def test_a_feed_is_made(wire: httpx.Client) -> None:
    """What was built becomes a feed with an address of its own, last in the list, and the history tells it."""
    answer = save(wire, description="For a test.")
    assert (303, "/settings?notice=saved&feed=fast#feed-fast") == (answer.status_code, answer.headers["location"])
    page = parsed(wire.get(answer.headers["location"]))
    assert "Saved. Readers get it from now on" in text(page)
    assert "made fast" in text(page)
    assert ["main", "replaced", "everything", "fast"] == names(wire)
    custom = wire.get("/api/feeds/custom.json?category=cs.DC&keywords=cache:2").json()["items"]
    assert [item["_paperwire"]["id"] for item in custom] == ids(wire, "fast")


def test_the_form_holds_the_feed(wire: httpx.Client) -> None:
    """Changing a feed starts from it; saving it unchanged changes nothing but the history."""
    before = wire.get("/api/feeds").json()["feeds"]
    page = parsed(wire.get("/settings/edit?feed=main"))
    (form,) = page.xpath("//form[@method='post']")
    fields = {name: form.fields[name] for name in form.fields if name not in ("category", "type", "token")}
    chosen = {name: form.xpath("//input[@name=$n][@checked]/@value", n=name) for name in ("category", "type")}
    assert 303 == save(wire, **fields, **chosen, do="save").status_code if "do" not in fields else True
    assert before == wire.get("/api/feeds").json()["feeds"]


def test_a_feed_is_changed_at_once(wire: httpx.Client) -> None:
    """The process that saves serves the change with the next answer, also of what it has just served from memory."""
    stale = [wire.get("/api/feeds/main.rss") for _ in range(2)][1]
    assert 303 == save(wire, called="main", was="main", name="Anew", category=["cs.DC", "cs.LG"]).status_code
    fresh = wire.get("/api/feeds/main.rss", headers={"If-None-Match": stale.headers["etag"]})
    assert (200, True) == (fresh.status_code, "<title>Anew" in fresh.text)
    since = wire.get("/api/feeds/main.rss", headers={"If-Modified-Since": stale.headers["last-modified"]})
    assert 200 == since.status_code
    assert moment(stale) < moment(since)


def moment(answer: httpx.Response) -> Any:
    return parsedate_to_datetime(answer.headers["last-modified"])


def test_a_rename_leads_on(wire: httpx.Client) -> None:
    """The main feed stays the main one under its new name; its old addresses, and filters, lead to the new ones."""
    before = ids(wire, "main")
    fields = {"called": "caches", "was": "main", "category": "cs.DC,cs.LG", "keywords": "cache:2\nkernel"}
    assert 303 == save(wire, **fields, max_entries="4", min_score="2", exclude="survey").status_code
    assert ["caches", "replaced", "everything"] == names(wire)
    answer = wire.get("/api/feeds/main.atom?score>=3")
    assert (301, "/api/feeds/caches.atom?score%3E=3") == (
        answer.status_code,
        answer.headers["location"].replace(">", "%3E"),
    )
    assert before[1:] == [one for one in ids(wire, "caches") if one in before[1:]]
    assert 200 == wire.get("/rss").status_code
    assert "is led to caches" in text(parsed(save(wire, called="main"), 422))


def test_deleting_asks_first(wire: httpx.Client) -> None:
    """A link asks, a form with the token deletes; the last feed stays."""
    page = parsed(wire.get("/settings/delete?target=replaced"))
    assert "Delete replaced?" in text(page)
    assert ["replaced"] == page.xpath("//form[@method='post']/input[@name='target']/@value")
    for name in ("replaced", "everything"):
        assert 303 == post(wire, "/settings/delete", {"target": name}).status_code
    assert (["main"], 404) == (names(wire), wire.get("/api/feeds/replaced.rss").status_code)
    assert "is the only feed" in text(parsed(wire.get("/settings/delete?target=main"), 422))
    assert "is the only feed" in text(parsed(post(wire, "/settings/delete", {"target": "main"}), 422))
    for action in ("delete", "restore", "revoke"):
        for answer in (wire.get(f"/settings/{action}"), post(wire, f"/settings/{action}", {"target": ""})):
            assert (422, True) == (answer.status_code, "The address names no feed" in answer.text)
    assert "there is no feed gone any more. The feeds are main" in text(
        parsed(post(wire, "/settings/delete", {"target": "gone"}), 422)
    )
    assert ["main"] == names(wire)


def test_the_way_back(wire: httpx.Client) -> None:
    """Each change can be undone, with those after it; what feeds.toml has can be put back one by one."""
    start = wire.get("/api/feeds").json()["feeds"]
    save(wire)
    post(wire, "/settings/delete", {"target": "main"})
    save(wire, called="everything", was="everything", name="Other")
    assert ["replaced", "everything", "fast"] == names(wire)
    assert "Go back to before “deleted main”?" in text(parsed(wire.get("/settings/undo?target=1")))
    assert 303 == post(wire, "/settings/undo", {"target": "1"}).status_code
    assert ["main", "replaced", "everything", "fast"] == names(wire)
    assert 303 == post(wire, "/settings/undo", {"target": "0"}).status_code
    assert ["replaced", "everything", "fast"] == names(wire)
    assert "main): put it back" in text(parsed(wire.get("/settings")))
    for name in ("main", "everything"):
        assert 303 == post(wire, "/settings/restore", {"target": name}).status_code
    assert start == wire.get("/api/feeds").json()["feeds"][:3]
    for target in ("99", "-1", "x", ""):
        assert 404 == wire.get(f"/settings/undo?target={target}").status_code
    assert 404 == wire.get("/settings/destroy?target=main").status_code


def test_everything_to_take_along(wire: httpx.Client) -> None:
    """The feeds.toml to download is one, and says what is in force."""
    save(wire, name='A "title" with ünïcödé', keywords='"a, b":2\nx')
    answer = wire.get("/settings/feeds.toml")
    assert 'attachment; filename="feeds.toml"' == answer.headers["content-disposition"]
    file = read_feeds_file(answer.text, "feeds.toml")
    assert read_feeds_file(FEEDS, "feeds.toml").instance == file.instance
    assert (names(wire), {"a, b": 2, "x": 1}) == (list(file.feeds), file.feeds["fast"].to_plain()["keywords"])
    assert "fast" in tomllib.loads(answer.text)["feeds"]


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"called": "custom"}, "called", "cannot name a feed"),
        ({"called": "main"}, "called", "there is a feed main already"),
        ({"called": "Höher"}, "called", "cannot name a feed"),
        ({"called": "<script>"}, "called", "cannot name a feed"),
        ({"name": ""}, "name", "a feed needs a title"),
        ({"name": "x" * 301}, "name", "a title of up to 300 characters"),
        ({"description": "x" * 1001}, "description", "at most 1000 characters"),
        ({"category": ""}, "category", "at least one category"),
        ({"category": "cs.XX"}, "category", "near it"),
        ({"keywords": '"x'}, "keywords", "is not closed"),
        ({"keywords": "\n".join(f"w{n}" for n in range(1001))}, "keywords", "at most 1000"),
        ({"min_score": "much"}, "min_score", "is not a number"),
        ({"token": ""}, "token", "That is not the token"),
        ({"token": "sesame"}, "token", "That is not the token"),
    ],
)
def test_problems_are_at_their_fields(wire: httpx.Client, fields: dict[str, str], field: str, words: str) -> None:
    """What cannot be saved is told at the field, everything that was typed is there again, and nothing is written."""
    sent = {"description": "As I typed it.", "exclude": "typed"} | fields
    page = parsed(save(wire, **sent), 403 if field == "token" else 422)
    (error,) = page.xpath("//*[@id=$id]", id=f"{field}-error")
    assert words in error.text_content()
    for name in ("exclude", "keywords", "description"):
        assert (FIELDS | sent)[name] == page.xpath("//textarea[@name=$name]", name=name)[0].text_content().strip()
    assert (FIELDS | sent)["called"] == page.xpath("//input[@name='called']/@value")[0]
    assert [] == page.xpath("//input[@name='token']/@value")
    assert ["main", "replaced", "everything"] == names(wire)


def test_saving_fetches_new_categories(tmp_path: Path) -> None:
    """A category that no feed had is asked for at once: its papers are there before anybody asks for the feed."""
    settings = make_settings(tmp_path)
    store_days(settings, DAYS)
    planets = Sheet("2603.90801", "A cache of planets", categories=("astro-ph.EP",))
    with serving(Upstream(day=max(DAYS), sheets=[*DAYS[max(DAYS)], planets])) as upstream:
        settings = settings.model_copy(update={"arxiv_rss_url": upstream.url, "replay_gate_seconds": 0})
        with serving_app(settings) as url, httpx.Client(base_url=url) as client:
            assert 303 == save(client, category="astro-ph.ep").status_code
            wait_until(lambda: ids(client, "fast") == ["2603.90801"])


def test_a_preview_takes_no_token(wire: httpx.Client) -> None:
    """Without JavaScript the button shows what the rules select; nothing of it is saved."""
    answer = wire.post("/settings/edit", data=FIELDS | {"do": "preview", "category": ["cs.DC", "math.CO"]})
    page = parsed(answer)
    assert "math.CO will be fetched when you save this feed; it is ready in about a minute" in text(page)
    assert page.xpath("//li[contains(@class, 'row')]")
    assert ["main", "replaced", "everything"] == names(wire)


def test_more_keywords_than_a_url_takes(wire: httpx.Client) -> None:
    """The owner may save as many as feeds.toml may hold; the form shows all of them again."""
    words = "\n".join(f"word{number}" for number in range(600))
    assert 303 == save(wire, keywords=words).status_code
    page = parsed(wire.get("/settings/edit?feed=fast"))
    assert words == page.xpath("//textarea[@name='keywords']")[0].text_content().strip()


def test_lost_updates(wire: httpx.Client) -> None:
    """Who saves over what was changed meanwhile is told so, and can save again knowing it."""
    seen = version(wire)
    assert 303 == save(wire).status_code
    page = parsed(save(wire, called="late", version=seen), 409)
    assert "The feeds were changed meanwhile" in text(page)
    assert "late" not in names(wire)
    assert 409 == save(wire, called="late", version="").status_code
    assert 409 == post(wire, "/settings/delete", {"target": "main", "version": seen}).status_code
    now = page.xpath("//input[@name='version']/@value")[0]
    assert 303 == save(wire, called="late", version=now).status_code


def test_without_a_token_nothing_is_saved(tmp_path: Path) -> None:
    """Where ADMIN_TOKEN is not set, the pages say how to set it, and an empty token is none."""
    with serving_days(tmp_path, admin_token="") as client:
        for path in ("/settings", "/settings/edit", "/settings/delete?target=main"):
            page = parsed(client.get(path))
            assert "Set ADMIN_TOKEN in the environment" in text(page)
            assert [] == page.xpath("//input[@name='token']")
        for token in ("", "None", "x"):
            assert 403 == save(client, token=token).status_code
            assert 403 == post(client, "/settings/delete", {"target": "main", "token": token}).status_code
        assert ["main", "replaced", "everything"] == names(client)


def test_the_crons_secret_is_not_the_owners(tmp_path: Path) -> None:
    """What may refresh may not change feeds."""
    with serving_days(tmp_path, cron_secret="of the cron") as client:
        assert 403 == save(client, token="of the cron").status_code


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Type": "application/json"}, b"{}", 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x--", 415),
        ({"Content-Type": "text/plain"}, b"called=x", 415),
        ({}, b"called=x", 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"x" * (MOST_BODY + 1), 413),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"&".join([b"x=1"] * 500), 422),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"x=\xff", 422),
        ({"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "cross-site"}, b"x=1", 403),
        ({"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-site"}, b"x=1", 403),
        ({"Content-Type": "application/x-www-form-urlencoded", "Origin": "https://evil.example"}, b"x=1", 403),
    ],
)
def test_forms_of_others_are_refused(wire: httpx.Client, headers: dict[str, str], body: bytes, status: int) -> None:
    """What no form of these pages sends is refused before anything else."""
    for path in ("/settings/edit", "/settings/delete", "/build/preview"):
        answer = wire.post(path, content=body, headers=headers)
        assert (status, "application/problem+json") == (answer.status_code, answer.headers["content-type"])


def test_own_forms_are_taken(wire: httpx.Client) -> None:
    """Browsers say that a form comes from the same place, or from a page that tells nobody where it is."""
    base = str(wire.base_url).rstrip("/")
    for number, headers in enumerate(({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, {"Origin": base}, {})):
        answer = post(wire, "/settings/edit", FIELDS | {"called": f"f{number}"}, **headers)
        assert 303 == answer.status_code


MOST_WRONG = 8


def test_wrong_tokens_are_slow_and_counted(tmp_path: Path) -> None:
    """Each wrong token waits without holding up others; after too many the next wrong one is refused at once. The right
    one passes all the time, and nothing is stored for any of them.
    """
    settings = make_settings(tmp_path, rate_limit=MOST_WRONG * WRONG)
    store_days(settings, DAYS)
    with ExitStack() as stack:
        wire = stack.enter_context(httpx.Client(base_url=stack.enter_context(serving_app(settings))))
        assert 303 == save(wire).status_code
        wire.get("/build/preview?category=cs.LG&keywords=cache")  # the texts of the days are stored once
        now, before = version(wire), stored_keys(settings)
        begun = time.monotonic()
        with ThreadPoolExecutor(MOST_WRONG) as pool:
            tries = [pool.submit(save, wire, called=f"n{n}", token=f"x{n}", version=now) for n in range(MOST_WRONG)]
            time.sleep(0.2)
            assert 200 == wire.get("/api/papers").status_code
            assert {403} == {done.result().status_code for done in tries}
        assert WRONG_SECONDS <= time.monotonic() - begun
        refused = save(wire, called="other", token="x", version=now)
        page = parsed(refused, 429)
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert "too many wrong tokens" in text(page)
        assert before == stored_keys(settings)
        assert 303 == save(wire, called="other").status_code
        said = [wire.get("/api/feeds", headers={"Authorization": f"Bearer {token}"}) for token in (TOKEN, "x")]
        assert [200, 429] == [answer.status_code for answer in said], "in a header, too"


@pytest.mark.parametrize("target", ["9" * 5_000, "²", "٣", "-1", "1e3", "99", "", "x" * 5_000])
def test_a_change_that_is_none(wire: httpx.Client, target: str) -> None:
    """A change is named by a number of the list; anything else is not found, also with the token."""
    asked = wire.get("/settings/undo", params={"target": target}, headers={"Accept": "text/html"})
    done = post(wire, "/settings/undo", {"target": target, "version": version(wire)})
    for answer in (asked, done):
        assert 404 == answer.status_code
        assert len(answer.text) < 10_000


def change_store(settings: Settings, wanted: Callable[[str], bool]) -> None:
    """Remove keys from the store, as time does."""

    async def main() -> None:
        store = open_store(settings)
        for key in [key async for key, _, _ in store.entries() if wanted(key)]:
            await store.delete(key)
        await store.close()

    asyncio.run(main())


def stored_keys(settings: Settings) -> set[str]:
    """All keys in the store."""

    async def main() -> set[str]:
        store = open_store(settings)
        found = {key async for key, _, _ in store.entries()}
        await store.close()
        return found

    return asyncio.run(main())


def test_another_instance_sees_it(tmp_path: Path) -> None:
    """Within the seconds that an instance believes what it read, another one serves the change, from its hot path too,
    with a later Last-Modified; its settings page shows it at once.
    """
    settings = make_settings(tmp_path, confirm_seconds=1, base_url="https://wire.example")
    store_days(settings, DAYS)
    with ExitStack() as stack:
        one, two = (
            stack.enter_context(httpx.Client(base_url=stack.enter_context(serving_app(settings)))) for _ in range(2)
        )
        before = [client.get("/api/feeds/main.rss") for client in (one, two, two)][-1]
        fields = {
            "called": "main",
            "was": "main",
            "name": "Anew",
            "category": "cs.DC,cs.LG",
            "keywords": "x\nkernel\ncache",
        }
        assert 303 == save(one, **fields).status_code
        assert "Anew" in two.get("/settings").text
        wait_until(lambda: "<title>Anew" in two.get("/api/feeds/main.rss").text)
        after = two.get("/api/feeds/main.rss", headers={"If-Modified-Since": before.headers["last-modified"]})
        assert (200, True) == (after.status_code, moment(before) < moment(after))
        for path in ("/api/feeds/main.rss", "/api/feeds", "/api/papers"):
            assert one.get(path).headers["etag"] == two.get(path).headers["etag"]
        # And the other way: what the first one believes is not what counts when the second one saves
        assert 303 == save(two, called="second").status_code
        assert 303 == save(one, called="third").status_code
        assert {"second", "third"} <= {*names(one)}


@contextmanager
def serving_friday(tmp_path: Path, **more: Any) -> Iterator[tuple[httpx.Client, Upstream]]:
    """A wire with an upstream that serves Friday, stored already, and whose papers in math.CO nobody asked for yet."""
    friday = max(DAYS)
    settings = make_settings(tmp_path, **more)
    store_days(settings, {friday: DAYS[friday]})
    sheets = [*DAYS[friday], Sheet(id="2603.90399", title="Caches of graphs", categories=("math.CO",))]
    with serving(Upstream(day=friday, sheets=sheets)) as upstream:
        settings = settings.model_copy(update={"arxiv_rss_url": upstream.url})
        change_store(settings, lambda key: key == keys.ARXIV_GATE)
        with serving_app(settings) as url, httpx.Client(base_url=url) as client:
            yield client, upstream


def test_new_categories_are_fetched(tmp_path: Path) -> None:
    """A feed of a category that nobody fetched before has its papers as soon as they have been fetched."""
    with serving_friday(tmp_path) as (client, upstream):
        client.get("/api/feeds/main.rss")
        assert [] == upstream.paths
        assert 303 == save(client, category="math.CO").status_code
        wait_until(lambda: ids(client, "fast") == ["2603.90399"])
        assert "math.CO" in upstream.paths[0]
        assert 200 == client.get("/build?category=math.CO").status_code


def test_the_store_is_down(tmp_path: Path) -> None:
    """Where the store does not answer, that is said, what was typed stays, and nothing is half written."""
    import sqlite3

    with serving_days(tmp_path) as client:
        now = version(client)
        client.get("/api/feeds/main.rss")
        with sqlite3.connect(tmp_path / "store.sqlite3", isolation_level=None) as blocker:
            blocker.execute("BEGIN EXCLUSIVE")
            page = parsed(save(client, version=now, description="As typed."), 503)
            assert "nothing was saved" in text(page)
            assert "As typed." in text(page)
            assert str(tmp_path) not in text(page)
            blocker.execute("ROLLBACK")
        assert ["main", "replaced", "everything"] == names(client)
        assert 303 == save(client, version=now).status_code


def test_private_copies_keep_their_key(tmp_path: Path) -> None:
    """On a private copy the settings take the key as well, and every link and form has it."""
    with serving_days(tmp_path, {}, feed_key=SECRET) as client:
        assert 401 == client.get("/settings").status_code
        assert 401 == client.post("/settings/edit", data=FIELDS).status_code
        client.params = httpx.QueryParams({"key": SECRET})
        answer = save(client)
        assert (303, True) == (answer.status_code, "key=" in answer.headers["location"])
        client.params = httpx.QueryParams()
        page = parsed(client.get(answer.headers["location"].partition("#")[0]))
        links = page.xpath("//main//a[starts-with(@href, '/')]/@href")
        assert links
        assert [] == [link for link in links if "key=" not in link]


def test_the_instance_that_did_not_save_fetches_too(tmp_path: Path) -> None:
    """New categories are fetched by the instance that is asked next, also by an instance that answers from memory."""
    with serving_friday(tmp_path, confirm_seconds=0.5) as (one, upstream), ExitStack() as stack:
        settings = make_settings(tmp_path, confirm_seconds=0.5, arxiv_rss_url=upstream.url)
        two = stack.enter_context(httpx.Client(base_url=stack.enter_context(serving_app(settings))))
        end = time.monotonic() + 1
        while time.monotonic() < end:  # it reads what it believes again behind the answers, again and again
            two.get("/api/feeds/main.rss")
        assert 303 == save(one, category="math.CO").status_code
        assert [] == upstream.paths

        def fetched() -> bool:
            two.get("/api/feeds/main.rss")
            return any("math.CO" in path for path in upstream.paths)

        wait_until(fetched)


def test_saved_while_a_refresh_runs(tmp_path: Path) -> None:
    """A refresh that began before does not bring the old feeds back, and keeps nobody from seeing the new ones."""
    with serving_friday(tmp_path, confirm_seconds=60) as (client, upstream), ThreadPoolExecutor(1) as pool:
        stale = [client.get("/api/feeds/main.rss") for _ in range(2)][1]
        upstream.delay = 2
        refresh = pool.submit(client.get, "/api/refresh", headers={"Authorization": f"Bearer {TOKEN}"})
        wait_until(lambda: bool(upstream.requests))
        assert 303 == save(client, called="main", was="main", name="Anew").status_code
        assert not refresh.done()
        assert "<title>Anew" in client.get("/api/feeds/main.rss").text
        assert 200 == refresh.result().status_code
        after = client.get("/api/feeds/main.rss", headers={"If-Modified-Since": stale.headers["last-modified"]})
        assert (200, True) == (after.status_code, "<title>Anew" in after.text)
        assert moment(stale) < moment(after)


def test_daily_papers_need_no_category(tmp_path: Path) -> None:
    """A feed of Hugging Face's papers is changed in the form like any other, and stays one, without categories."""
    toml = f'{FEEDS}\n[feeds.daily]\ntitle = "Daily"\nsource = "huggingface"\n'
    with serving_days(tmp_path, feeds_toml=toml) as client:
        assert 200 == client.get("/settings/edit?feed=daily").status_code == client.get("/build?feed=daily").status_code
        answer = save(client, called="daily", was="daily", name="Picked", category=[], keywords="hf:20:2")
        assert (303, "/settings?notice=saved&feed=daily#feed-daily") == (answer.status_code, answer.headers["location"])
        (feed,) = (feed for feed in client.get("/api/feeds").json()["feeds"] if feed["name"] == "daily")
        assert "Picked" == feed["title"]
        assert 'source = "huggingface"' in client.get("/settings/feeds.toml").text
        assert 200 == client.get("/feeds/daily").status_code
        assert 422 == save(client, called="other", name="No category", category=[]).status_code


def test_the_next_person_can_deploy(tmp_path: Path) -> None:
    """A copy on Vercel offers its own repository to deploy, in every footer and on the settings page; others do not."""
    known = {"vercel_git_repo_owner": "ada", "vercel_git_repo_slug": "my-wire"}
    for more, count in ((known, 1), ({}, 0)):
        with serving_app(make_settings(tmp_path, **more)) as url:
            for path, places in (("/days", count), ("/settings", 2 * count)):
                page = html.fromstring(httpx.get(f"{url}{path}").text)
                links = page.xpath("//a[starts-with(@href, 'https://vercel.com/new/clone?')]/@href")
                assert places == len([link for link in links if "github.com%2Fada%2Fmy-wire&" in link]) == len(links)


def test_subscribers_of_a_private_copy_do_not_see_its_repository(tmp_path: Path) -> None:
    """Its name is for who has the key."""
    known = {"vercel_git_repo_owner": "ada", "vercel_git_repo_slug": "my-wire", "feed_key": "0123456789abcdef"}
    with serving_days(tmp_path, **known) as wire:
        assert "my-wire" in wire.get(f"/feeds/main?key={known['feed_key']}").text
        signed = wire.get(with_key("/feeds/main", sign(known["feed_key"], "/api/feeds/main.rss")))
        assert (200, False) == (signed.status_code, "my-wire" in signed.text)


def test_interest_and_screen(wire: httpx.Client) -> None:
    """What models judge by is in the form, in `/api/feeds` and in the export; a form without it changes nothing."""
    looks = "Caches of language models: what to keep, drop, move & <compress>."
    assert 303 == save(wire, interest=f"  {looks}\n", screen="60").status_code
    row = wire.get("/api/feeds").json()["feeds"][-1]
    assert ("fast", looks, 60) == (row["name"], row["interest"], row["screen"])
    assert looks in wire.get("/settings/feeds.toml").text
    page = parsed(wire.get("/settings/edit?feed=fast"))
    (field,) = page.xpath("//textarea[@name='interest']")
    assert looks == field.text.strip()
    assert ["60"] == page.xpath("//input[@name='screen']/@value")
    assert 303 == save(wire, was="fast").status_code
    assert row == wire.get("/api/feeds").json()["feeds"][-1]
    assert 303 == save(wire, was="fast", interest="", screen="").status_code
    row = wire.get("/api/feeds").json()["feeds"][-1]
    assert ("", 0) == (row["interest"], row["screen"])


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"interest": "x" * 2001}, "at most 2000 characters"),
        ({"screen": "60"}, "needs an interest or a rubric"),
        ({"interest": "Caches", "screen": "501"}, "less than or equal to 500"),
        ({"interest": "Caches", "screen": "-1"}, "a whole number from 0 to 500"),
        ({"interest": "Caches", "screen": "many"}, "a whole number from 0 to 500"),
        ({"interest": "Caches", "screen": "9" * 5000}, "a whole number from 0 to 500"),
    ],
)
def test_interest_and_screen_that_cannot_be(wire: httpx.Client, fields: Mapping[str, str], says: str) -> None:
    """The problem stands at its field, and what was written stays."""
    page = parsed(save(wire, **fields), 422)
    name = "interest" if "2000" in says else "screen"
    assert says in text(page.xpath(f"//p[@id='{name}-error']")[0])
    assert fields.get("interest", "") == page.xpath("//textarea[@name='interest']")[0].text.strip()
    assert "fast" not in names(wire)


def test_an_interest_from_the_builder(wire: httpx.Client) -> None:
    """The sentence that a feed was proposed from becomes its interest, and goes along to the form that saves it."""
    sentence = "Caches of language models & what they cost"
    answer = wire.post("/build/propose", data={"about": sentence})
    page = html.fromstring(wire.get(answer.headers["location"]).text)
    assert sentence == page.xpath("//textarea[@name='interest']")[0].text.strip()
    (link,) = page.xpath("//a[.='Save this feed']/@href")
    form = parsed(wire.get(link))
    assert sentence == form.xpath("//textarea[@name='interest']")[0].text.strip()
    other = wire.get(f"/build/preview?category=cs.DC&keywords=cache:2&interest={quote('Only this')}")
    assert ["Only this"] == [
        parse_qs(urlsplit(one).query)["interest"][0]
        for one in html.fromstring(other.text).xpath("//a[.='Save this feed']/@href")
    ]
    assert "interest" not in "".join(html.fromstring(other.text).xpath("//input/@value"))
