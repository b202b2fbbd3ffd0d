"""Reading in a real browser: accessible and well-behaved with long words too, and nicer with JavaScript."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from core.config.settings import ROOT
from tests.api import DAYS, FRIDAY, base, make_settings, store_days
from tests.browser.conftest import Watched
from tests.conftest import serving_app
from tests.support.arxiv_format import Sheet

PAGES = {
    "home": "/",
    "feed": "/feeds/main?score>=1",
    "paper": "/papers/2603.90302",
    "search": "/search?q=cache",
    "hints": "/search",
}
ERRORS = {"a wrong filter": "/feeds/main?nosuch=1", "a wrong search": "/search?q=a%3Db", "not found": "/feeds/none"}
SCREENS = {"desk": (1280, 900), "phone": (360, 740)}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
LONG = Sheet(
    id="2603.90399",
    title=f"A cache with a long word: {'w' * 3000}",
    abstract="x" * 5000,
    creator=", ".join(f"{'Name' * 60}{n}" for n in range(30)),
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a real server. What it needs is stored from another thread: a loop runs in that of the browser."""
    settings = make_settings(tmp_path_factory.mktemp("reading"))
    with ThreadPoolExecutor(1) as pool:
        pool.submit(store_days, settings, DAYS | {FRIDAY: [*DAYS[FRIDAY], LONG]}).result()
    with serving_app(settings) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def open_folds(page: Page) -> None:
    """Open what is folded: it has to be as good as the rest."""
    page.evaluate("document.querySelectorAll('details').forEach((fold) => (fold.open = true))")


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_well_behaved(context: BrowserContext, client: httpx.Client, path: str) -> None:
    """A page asks only its own origin, under its own policy, and has nothing to complain of."""
    watched = Watched(context.new_page(), base(client))
    watched.page.goto(base(client) + path, wait_until="networkidle")
    watched.assert_well_behaved()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", [*PAGES.values(), *ERRORS.values()], ids=[*PAGES, *ERRORS])
def test_accessible(browser: Browser, client: httpx.Client, path: str, scheme: Any) -> None:
    """axe finds nothing, whatever the colours and the screen, and nothing is wider than that screen."""
    for width, height in SCREENS.values():
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, bypass_csp=True)
        page = context.new_page()
        page.goto(base(client) + path)
        open_folds(page)
        found = Axe().run(page, options=RULES).response["violations"]
        assert [] == [(rule["id"], rule["nodes"][0]["html"]) for rule in found]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        context.close()


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
