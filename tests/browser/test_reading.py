"""Reading in a real browser: nicer with JavaScript, and good without."""

import re
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
    assert 0 == page.locator(".keybutton:visible").count()
    context.close()


# Sums up how much of a page has moved without anybody's doing
SHIFTS = (
    "window.shift = 0; new PerformanceObserver((list) => { for (const one of list.getEntries()) "
    "if (!one.hadRecentInput) window.shift += one.value; }).observe({type: 'layout-shift', buffered: true});"
)


def marks(page: Page) -> dict[str, dict[str, object]]:
    """What this browser has kept of the papers."""
    found: dict[str, dict[str, object]] = page.evaluate("JSON.parse(localStorage.getItem('paperwire-marks') ?? '{}')")
    return found


def test_a_morning_with_the_keyboard(page: Page, client: httpx.Client) -> None:
    """Move, save, like, dismiss, undo, go to the day before, open a paper; all of it is there again after a reload."""
    page.goto(base(client))
    row = page.locator(".row.here")
    order = page.locator(".row").evaluate_all("rows => rows.map((row) => row.dataset.id)")
    expect(page.locator(".pane .peek")).to_contain_text("In Caches & kernels")
    for key in "sjlxu":
        page.keyboard.press(key)
    expect(row).to_have_attribute("data-id", order[1])
    page.keyboard.press("x")
    expect(row).to_have_attribute("data-id", order[2])
    expect(page.locator(".sofar")).to_have_text(f"2 of {len(order)} seen · 1 saved")
    page.reload()
    expect(row).to_have_attribute("data-id", order[2])
    expect(page.locator(".row.saved")).to_have_attribute("data-id", order[0])
    expect(page.locator(".row.gone")).to_be_hidden()
    kept = marks(page)
    assert (1, 1, 1) == (kept[order[0]]["s"], kept[order[1]]["l"], kept[order[1]]["x"])
    page.keyboard.press("[")
    page.wait_for_url("**/day/2026-03-05")
    page.keyboard.press("Enter")
    page.wait_for_url("**/papers/*")


def test_from_paper_to_paper(page: Page, client: httpx.Client) -> None:
    """The page of a paper knows its place in the list that led to it: keys mark it and go on, and nothing moves."""
    page.add_init_script(SHIFTS)
    page.goto(base(client))
    order = page.locator(".row").evaluate_all("rows => rows.map((row) => row.dataset.id)")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/papers/{order[0]}")
    expect(page.locator("[data-place]")).to_contain_text(f"1 of {len(order)}, ")
    page.keyboard.press("s")
    expect(page.get_by_role("button", name="Save")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("d")
    page.keyboard.press("u")
    assert 0 == page.evaluate("window.shift")
    page.keyboard.press("j")
    page.wait_for_url(f"**/papers/{order[1]}")
    page.keyboard.press("k")
    page.wait_for_url(f"**/papers/{order[0]}")
    page.get_by_role("button", name="Like", exact=True).click()
    kept = marks(page)[order[0]]
    assert (1, 1) == (kept["s"], kept["l"])
    page.goto(base(client))
    expect(page.locator(".row.saved.liked")).to_have_attribute("data-id", order[0])


def test_a_list_is_exported_with_the_keyboard(page: Page, client: httpx.Client) -> None:
    """What was saved with a key is on the list of saved papers, which is exported without a mouse."""
    page.goto(base(client))
    saved = page.locator(".row.here").get_attribute("data-id")
    page.keyboard.press("s")
    page.goto(f"{base(client)}/saved")
    page.wait_for_url("**/saved?id=*")
    for _ in range(40):
        page.keyboard.press("Tab")
        if "BibTeX" == page.evaluate("document.activeElement.textContent"):
            break
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert f"eprint={{{saved}}}" in download.value.path().read_text().replace(" ", "")


def test_tabs_of_a_paper(browser: Browser, client: httpx.Client) -> None:
    """Without JavaScript a paper's tabs open, its menus too, and its buttons lead the way to sign in."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{base(client)}/papers/2603.90302")
    expect(page.locator(".tab").first).to_be_visible()
    page.locator("summary", has_text="Cite").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="RIS").click()
    assert "TY  - " in download.value.path().read_text()
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/sign-in")
    context.close()


def test_keys_can_be_turned_off(page: Page, client: httpx.Client) -> None:
    """The list of keys has a switch that turns single keys off in this browser; the question mark still opens it."""
    page.goto(base(client))
    page.keyboard.press("?")
    page.get_by_label("Turn these keys off in this browser").check()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("s")
    assert not any(mark.get("s") for mark in marks(page).values())
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()


def test_a_row_unfolds_on_a_phone(browser: Browser, client: httpx.Client) -> None:
    """A tap selects a row and unfolds it; the buttons below are for that paper."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(base(client))
    second = page.locator(".row").nth(1)
    second.locator("h3").tap()
    expect(second.locator(".peek")).to_be_visible()
    page.locator(".dock").get_by_role("button", name="Save").tap()
    expect(second).to_have_class(re.compile("saved"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def test_since_the_last_visit(page: Page, client: httpx.Client) -> None:
    """A visit counts the papers that this browser had not shown before it."""
    page.goto(base(client))
    assert "new since" not in page.locator(".fresh").inner_text()
    some = "const v = JSON.parse(localStorage.getItem('paperwire-visit')); const ids = Object.keys(v.known);"
    page.evaluate(
        f"{some} v.last -= 36e5; v.began -= 36e5; for (const id of ids.slice(0, 3)) delete v.known[id];"
        "for (const id of Object.keys(v.known)) v.known[id] -= 36e5;"
        "localStorage.setItem('paperwire-visit', JSON.stringify(v))"
    )
    page.goto(base(client))
    expect(page.locator(".fresh")).to_have_text("3 new since your last visit")


def test_layout_and_height(page: Page, client: httpx.Client) -> None:
    """Nothing moves while the page is loaded."""
    page.add_init_script(SHIFTS)
    page.goto(base(client), wait_until="networkidle")
    assert 0 == page.evaluate("window.shift")


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
    for name in ("wire.css", "pages.css"):
        style = (ROOT / "public" / name).read_text("utf-8")
        style = re.sub(r'url\("data:image/svg\+xml,[^"]*"\)', "", style)
        assert not [word for word in ("@import", "url(", "http") if word in style]
    for name in ("wire.js", "triage.js"):
        script = (ROOT / "public" / name).read_text("utf-8")
        assert not [word for word in ("import(", "innerHTML", "eval(", "http") if word in script]
