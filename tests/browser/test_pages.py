"""The pages in a real browser: everything is in reach for everybody."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import feedparser
import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from core.config.settings import Settings
from tests.browser.conftest import Watched
from tests.conftest import serving_app


@pytest.fixture
def site(settings: Settings) -> Iterator[str]:
    """The address of a wire that has its papers."""
    with serving_app(settings) as url:
        httpx.get(f"{url}/api/papers")
        yield url


@pytest.fixture
def watched(context: BrowserContext, site: str) -> Iterator[Watched]:
    """A page of which nothing may leave the site, and nothing may fail."""
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site)
    watched = Watched(context.new_page(), site)
    yield watched
    watched.assert_well_behaved()


def entries_of(url: str) -> list[Any]:
    """What a reader makes of a feed."""
    parsed = feedparser.parse(httpx.get(url).content)
    assert not parsed.bozo, parsed.get("bozo_exception")
    return list(parsed.entries)


def copied(page: Page) -> str:
    """What is on the clipboard."""
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def test_with_the_keyboard_only(watched: Watched, site: str) -> None:
    """From the home page to a subscribed feed without a mouse."""
    page = watched.page
    page.goto(f"{site}/")
    press_until(page, "Build a feed")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Build a feed")
    press_until(page, "cs.DC")
    page.keyboard.press("Space")
    press_until(page, "", "keywords")
    page.keyboard.type("throughput:3")
    address = page.get_by_role("region", name="Preview").get_by_label("RSS")
    expect(address).to_have_value(re.compile("throughput:3"))
    press_until(page, "Copy RSS")
    page.keyboard.press("Enter")
    assert entries_of(copied(page))


def press_until(page: Page, name: str, id_: str = "") -> None:
    """Press Tab until what is focused has a name, or an id; it has to be seen that it is focused."""
    for _ in range(80):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            """() => { const e = document.activeElement; const s = getComputedStyle(e);
            return [e.id, (e.labels?.[0] ?? e).textContent.trim().replace(/\\s+/g, " "),
                    s.outlineStyle !== "none" || s.boxShadow !== "none"]; }"""
        )
        if (id_ and focused[0] == id_) or (name and focused[1].startswith(name)):
            assert focused[2], f"nothing shows that {name or id_} is focused"
            return
    raise AssertionError(f"{name or id_} cannot be reached")


def test_without_javascript(browser: Browser, site: str, settings: Settings) -> None:
    """What can be done with JavaScript can be done without: filter, preview, copy by hand, save."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/build")
    page.get_by_role("checkbox", name="cs.DC").check()
    page.get_by_label("Keywords").fill("throughput:3")
    page.get_by_role("button", name="Preview").click()
    address = page.get_by_label("RSS").input_value()
    assert entries_of(address)
    page.get_by_role("link", name="Save this feed").click()
    page.get_by_label("Title", exact=True).fill("By hand")
    page.get_by_label("Name in addresses").fill("hand")
    page.get_by_label("Token").fill("not the token")
    page.get_by_role("button", name="Save").click()
    assert "hand" not in httpx.get(f"{site}/api/feeds").text
    assert "By hand" == page.get_by_label("Title", exact=True).input_value()
    page.get_by_label("Token").fill(settings.admin_token)
    page.get_by_role("button", name="Save").click()
    assert entries_of(f"{site}/api/feeds/hand.rss")
    page.goto(f"{site}/feeds/hand")
    page.get_by_role("searchbox").first.fill("score>=4")
    page.get_by_role("button", name="Filter").click()
    assert "score" in urlsplit(page.url).query
    assert 0 == page.get_by_role("button", name="Copy RSS").count()
    context.close()


def test_the_start_page_is_light(watched: Watched, site: str) -> None:
    """At most 90 KB with everything it needs, and it is painted before any script has run."""
    sizes: list[int] = []
    watched.page.on("response", lambda response: sizes.append(len(response.body())))
    watched.page.goto(site, wait_until="networkidle")
    assert sum(sizes) <= 90_000
    scripts = watched.page.locator("script").all()
    assert all(one.get_attribute("defer") is not None or one.get_attribute("type") == "module" for one in scripts)
