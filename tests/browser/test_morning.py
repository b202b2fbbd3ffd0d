"""A morning of the owner: thirty papers with the keyboard, the same on a second browser, and without a script."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from core.config.settings import ROOT
from tests.api import FRIDAY, THURSDAY, TOKEN, make_settings, store_days
from tests.browser.conftest import Watched
from tests.conftest import serving_app
from tests.support.arxiv_format import Sheet

COUNT = 30
WORDS = ("KV cache", "quantization", "speculative decoding", "prefill", "FP8", "long context", "mixture of experts")
ABSTRACT = (
    "Serving large language models needs memory that grows with the input. Existing methods fail where it is short. "
    "We propose a scheme for inference on GPUs. "
    "Experiments show that it improves throughput by 2.3 times over the baseline."
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """The address of a new wire with the project's own feeds, and thirty papers that the main one shows."""
    settings = make_settings(tmp_path, admin_token=TOKEN, feeds_toml=(ROOT / "feeds.toml").read_text("utf-8"))
    sheets = [
        Sheet(
            id=f"2603.{70000 + n}",
            title=f"Paper {n} on {WORDS[n % len(WORDS)]} and {WORDS[(n + 3) % len(WORDS)]} in the Serving of Models",
            abstract=ABSTRACT,
            categories=("cs.CL", "cs.LG"),
        )
        for n in range(COUNT)
    ]
    with ThreadPoolExecutor(1) as pool:
        pool.submit(store_days, settings, {THURSDAY: [replace(sheets[0], id="2603.60001")], FRIDAY: sheets}).result()
    with serving_app(settings) as url:
        yield url


def sign_in(context: BrowserContext, site: str) -> Page:
    """A page of a browser in which the owner has just signed in."""
    page = context.new_page()
    page.goto(f"{site}/sign-in")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{site}/")
    return page


@pytest.mark.slow
def test_thirty_papers_in_forty_keys(browser: Browser, site: str) -> None:
    """Two papers are saved, three liked, the others dismissed with at most 40 keys; the owner's phone has the same."""
    laptop, phone = browser.new_context(viewport={"width": 1440, "height": 900}), browser.new_context()
    page = sign_in(laptop, site)
    rows = page.locator(".row")
    total = rows.count()
    order = rows.evaluate_all("all => all.map((row) => row.dataset.id)")
    keys = []
    for at in range(total):
        keys += {3: "sj", 9: "sj", 5: "lj", 11: "lj", 20: "lj"}.get(at, "x")
    for key in keys:
        page.keyboard.press(key)
    assert COUNT == total
    assert len(keys) <= 40
    expect(page.locator(".end h2")).to_have_text("You are through")
    expect(page.locator(".sofar")).to_have_text(f"{COUNT} of {COUNT} seen · 2 saved")
    other = sign_in(phone, site)
    while other.locator(".sofar").inner_text() != f"{COUNT} of {COUNT} seen · 2 saved":  # marks are sent after a moment
        other.reload()
    page.close()
    expect(other.locator(".row.gone")).to_have_count(COUNT - 5)
    assert {order[3], order[9]} == set(
        other.locator(".row.saved").evaluate_all("all => all.map((row) => row.dataset.id)")
    )
    expect(other.locator(".row.liked")).to_have_count(3)
    other.goto(f"{site}/saved")
    expect(other.locator(".row")).to_have_count(2)
    for context in (laptop, phone):
        context.close()


def test_a_screen_and_a_day(browser: Browser, site: str) -> None:
    """At least eight papers on a screen of 900 pixels, a day of thirty within 4,000; nothing moves, nothing fails."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    watched = Watched(context.new_page(), site)
    watched.page.add_init_script(
        "window.shift = 0; new PerformanceObserver((list) => { for (const one of list.getEntries()) "
        "if (!one.hadRecentInput) window.shift += one.value; }).observe({type: 'layout-shift', buffered: true});"
    )
    watched.page.goto(site, wait_until="networkidle")
    whole = "all => all.filter((row) => row.getBoundingClientRect().bottom <= innerHeight).length"
    assert watched.page.locator(".row").evaluate_all(whole) >= 8
    assert watched.page.evaluate("document.documentElement.scrollHeight") <= 4000
    assert 0 == watched.page.evaluate("window.shift")
    watched.assert_well_behaved()
    context.close()


@pytest.mark.slow
def test_a_morning_without_a_script(browser: Browser, site: str) -> None:
    """The day is read, papers are saved and dismissed, the day before and the list are reached by links and buttons."""
    context = browser.new_context(java_script_enabled=False)
    page = sign_in(context, site)
    row = page.locator("[id='p-2603.70007']")
    row.get_by_role("button", name="Save").click()
    assert page.url.endswith("/day/2026-03-06#p-2603.70007")
    assert "saved" in (row.get_attribute("class") or "")
    other = page.locator("[id='p-2603.70008']")
    other.get_by_role("button", name="Dismiss").click()
    expect(other).to_be_hidden()
    page.get_by_role("link", name="Thursday 5 March").first.click()
    assert page.url.endswith("/day/2026-03-05")
    page.get_by_role("link", name="Saved").click()
    assert page.locator("[id='p-2603.70007']").is_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="BibTeX").click()
    assert "2603.70007" in download.value.path().read_text("utf-8")
    context.close()


@pytest.mark.slow
def test_a_stranger_has_a_list_in_the_browser(browser: Browser, site: str) -> None:
    """Without a token, saved papers are in this browser, are listed and exported from there, and nothing is stored."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(site)
    page.keyboard.press("s")
    page.keyboard.press("j")
    page.keyboard.press("s")
    page.goto(f"{site}/saved")
    expect(page.locator(".row")).to_have_count(2)
    page.locator(".row").first.get_by_role("button", name="Remove").click()
    page.goto(f"{site}/saved")
    expect(page.locator(".row")).to_have_count(1)
    assert 401 == httpx.get(f"{site}/marks").status_code
    context.close()
