"""Reading in a real browser: nicer with JavaScript, and good without."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from core.config.settings import ROOT
from tests.api import DAYS, base, make_settings, store_days
from tests.conftest import serving_app


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a real server. What it needs is stored from another thread: a loop runs in that of the browser."""
    settings = make_settings(tmp_path_factory.mktemp("reading"))
    with ThreadPoolExecutor(1) as pool:
        pool.submit(store_days, settings, DAYS).result()
    with serving_app(settings) as url, httpx.Client(base_url=url) as client:
        yield client


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def test_skip_link(page: Page, client: httpx.Client) -> None:
    """The first key leads past the menu, visibly."""
    page.goto(base(client))
    page.keyboard.press("Tab")
    assert "Skip to content" == page.evaluate("document.activeElement.textContent")
    assert page.locator(".skip").bounding_box()["y"] >= 0  # type: ignore[index]
    page.keyboard.press("Enter")
    assert "main" == page.evaluate("document.activeElement.id")


def test_copying(context: BrowserContext, page: Page, client: httpx.Client) -> None:
    """A click copies the address, and it is said that it did."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{base(client)}/feeds/main?score>=3")
    page.get_by_role("button", name="Copy Atom").click()
    expect(page.locator("#spoken")).to_have_text("Copied.")
    assert f"{base(client)}/api/feeds/main.atom?score%3E=3" == page.evaluate("navigator.clipboard.readText()")


def test_copying_by_hand(browser: Browser, client: httpx.Client) -> None:
    """Without JavaScript there is no button that does nothing, and the addresses can be selected."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{base(client)}/feeds/main")
    assert 0 == page.locator("button[data-copy]:visible").count()
    assert 3 == page.locator(".copy textarea:visible").count()
    assert 0 == page.locator(".keys:visible").count()
    context.close()


def test_keys(page: Page, client: httpx.Client) -> None:
    """j and k go from paper to paper, o opens one, / searches; in a field they are letters."""
    page.goto(f"{base(client)}/feeds/main")
    titles = page.locator(".entry .title").all_text_contents()
    here = "document.activeElement.querySelector?.('.title')?.textContent"
    for key, expected in (("j", 0), ("j", 1), ("j", 2), ("k", 1)):
        page.keyboard.press(key)
        assert titles[expected] == page.evaluate(here)
    page.keyboard.press("/")
    page.keyboard.type("jok/")
    assert "jok/" == page.locator("#q").input_value()
    page.keyboard.press("Tab")
    page.keyboard.press("j")
    page.keyboard.press("o")
    page.wait_for_url("**/papers/2603.90305")
    assert "Letters" == page.locator("h1").text_content()


def test_addresses_without_empty_fields(page: Page, client: httpx.Client) -> None:
    """What was left empty is not in the address that one might share."""
    page.goto(f"{base(client)}/feeds/main")
    page.get_by_text("More filters").click()
    page.get_by_label("Score from").fill("4")
    page.get_by_role("button", name="Filter", exact=True).last.click()
    page.wait_for_url("**score*")
    assert page.url.endswith("/feeds/main?score%3E=4")
    assert "4" == page.get_by_label("Score from").input_value()


def test_looking_again(context: BrowserContext, client: httpx.Client) -> None:
    """A page that has nothing to show yet looks again by itself."""
    page = context.new_page()
    body = '<!doctype html><p id="spoken"></p><p data-retry="1">Not yet</p><script src="/wire.js"></script>'
    page.route("**/waiting", lambda route: route.fulfill(body=body, content_type="text/html"))
    page.clock.install()
    page.goto(f"{base(client)}/waiting")
    with page.expect_navigation():
        page.clock.run_for(6000)


def test_style_sheet_needs_nothing_else() -> None:
    """The style sheet loads nothing, and the script asks nobody."""
    style = (ROOT / "public" / "wire.css").read_text("utf-8")
    assert not [word for word in ("@import", "url(", "http") if word in style]
    script = (ROOT / "public" / "wire.js").read_text("utf-8")
    assert not [word for word in ("fetch(", "import(", "innerHTML", "eval(", "http") if word in script]
