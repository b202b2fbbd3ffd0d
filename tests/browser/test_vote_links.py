"""A vote from a feed reader: its link is opened in a browser, by keyboard, on a phone, without JavaScript."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from lxml import html
from playwright.sync_api import Browser, Page, expect
from reader import Entry, Reader, make_reader

from tests.api import FRIDAY, THURSDAY, WEDNESDAY, make_settings, store_days
from tests.api.test_votes import RULES
from tests.conftest import serving_app
from tests.support.reading import CACHES, a_day

KEY = "a-long-secret-key"
PHONE = {"width": 390, "height": 844}
DAYS = {day: a_day(number) for number, day in enumerate((WEDNESDAY, THURSDAY, FRIDAY))}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a private copy with three days of three topics."""
    settings = make_settings(tmp_path_factory.mktemp("private"), feeds_toml=RULES, feed_key=KEY)
    with ThreadPoolExecutor(1) as pool:  # Playwright's event loop runs in the thread of the tests
        pool.submit(store_days, settings, DAYS).result()
    with serving_app(settings) as url:
        yield url


def read(reader: Reader) -> list[Entry]:
    """The entries of the feed as a reader has them after an update."""
    reader.update_feeds(scheduled=False)
    return list(reader.get_entries())


def listed(site: str) -> list[str]:
    """The papers of the feed in its order."""
    items = httpx.get(f"{site}/api/feeds/main.json", params={"key": KEY}, timeout=120).json()["items"]
    return [item["id"] for item in items]


def text_of(entry: Entry) -> str:
    return entry.content[0].value if entry.content else entry.summary or ""


def link_of(entry: Entry) -> str:
    """The link to like a paper, as the reader shows it."""
    return str(html.fromstring(text_of(entry)).xpath("//a[text()='More like this']/@href")[0])


def vote_by_keyboard(page: Page, link: str, label: str) -> None:
    """Open the link, walk to its button with Tab, and press it with Enter."""
    page.goto(link)
    button = page.get_by_role("button", name=label, exact=True)
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.locator("button:focus").count():
            break
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main [role=status]").first).to_contain_text("You like it")


def test_a_reader_votes(browser: Browser, site: str) -> None:
    """Three likes by keyboard, on a phone without JavaScript; then the feed has another order, and says why."""
    phone = browser.new_context(viewport=PHONE, java_script_enabled=False)  # type: ignore[arg-type]
    with closing(make_reader(":memory:")) as reader:
        reader.add_feed(f"{site}/api/feeds/main.json?key={KEY}")
        before, order = read(reader), listed(site)
        liked = [entry for entry in before if any(word in (entry.title or "").lower() for word in CACHES)][:3]
        for entry in liked:
            link = link_of(entry)
            assert KEY not in link
            vote_by_keyboard(phone.new_page(), link, "Like")
        after = read(reader)
    phone.close()
    texts = {entry.id: text_of(entry) for entry in after}
    assert texts != {entry.id: text_of(entry) for entry in before}
    assert order != listed(site)
    assert "papers you liked" in " ".join(texts.values())


@pytest.mark.parametrize("done", [False, True], ids=["asked", "done"])
def test_everybody_can_vote(browser: Browser, site: str, done: bool) -> None:
    """The page of the link, before and after the button, has no violation that axe finds, and fits on a phone."""
    with closing(make_reader(":memory:")) as reader:
        reader.add_feed(f"{site}/api/feeds/main.json?key={KEY}")
        link = link_of(read(reader)[0])
    context = browser.new_context(viewport=PHONE)  # type: ignore[arg-type]
    page = context.new_page()
    if done:
        vote_by_keyboard(page, link, "Like")
    else:
        page.goto(link)
    found = Axe().run(page).response["violations"]
    assert [] == [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    context.close()
