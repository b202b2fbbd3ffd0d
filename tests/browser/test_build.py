"""The builder and the settings as people use them: typing, clicking, keys only, on desks and phones, without errors."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, expect

from tests.api import DAYS, TOKEN, make_settings, store_days
from tests.browser.conftest import Watched
from tests.conftest import serving_app
from tests.support.arxiv_format import Sheet
from tests.support.upstream import Upstream
from tests.support.upstream import serving as upstream

BUILT = "/build?category=cs.DC,cs.LG&keywords=cache:2,kernel,zebra&min_score=2"


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a wire with three days in store."""
    with serving(tmp_path_factory.mktemp("browser")) as client:
        yield client


@contextmanager
def serving(folder: Path, **overrides: Any) -> Iterator[httpx.Client]:
    """A client of a real server. What it needs is stored from another thread: a loop runs in that of the browser."""
    settings = make_settings(folder, **overrides)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(store_days, settings, DAYS).result()
    with serving_app(settings) as url, httpx.Client(base_url=url) as client:
        yield client


@pytest.fixture
def watched(context: BrowserContext, wire: httpx.Client) -> Watched:
    """A page of the builder."""
    origin = str(wire.base_url).rstrip("/")
    page = Watched(context.new_page(), origin)
    page.page.goto(f"{origin}/build")
    return page


def test_the_preview_follows_what_is_typed(watched: Watched) -> None:
    """Typing shows what is selected, puts the rules into the address, and tells problems at their fields."""
    page = watched.page
    page.locator("#keywords").press_sequentially("cache:2\nkernel")
    heading = page.locator("#preview [data-summary]")
    expect(heading).to_have_text("3.7 papers a day")
    expect(page.locator("#spoken")).to_have_text("3.7 papers a day")
    assert "keywords=cache%3A2%0Akernel" in page.url
    page.locator("#min_score").fill("5000")
    expect(page.locator("#min_score-error")).to_have_text("'5000' is not a number from -1000 to 1000")
    expect(page.locator("#min_score")).to_have_attribute("aria-invalid", "true")
    page.locator("#min_score").fill("2")
    expect(page.locator("#min_score-error")).to_be_hidden()
    page.locator("input[value='cs.DC']").uncheck()
    expect(heading).to_have_text("1.3 papers a day")
    page.reload()
    expect(heading).to_have_text("1.3 papers a day")
    watched.assert_well_behaved()


def test_proposals_and_copies(watched: Watched) -> None:
    """A proposed least score goes into the form; addresses that came with a preview can be copied."""
    page = watched.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=watched.origin)
    page.goto(watched.origin + BUILT)
    page.locator("#exclude").fill("survey")
    page.locator("#max_entries").fill("5")
    page.wait_for_url("**exclude=survey*max_entries=5*", timeout=60_000)  # the preview of both is there
    proposal = page.locator("[data-min-score]").first
    expect(proposal).to_be_visible()
    wanted = proposal.get_attribute("data-min-score")
    proposal.click()
    expect(page.locator("#min_score")).to_have_value(wanted or "")
    expect(page.locator("#preview")).not_to_have_attribute("aria-busy", "true")
    page.locator("[data-copy='address-rss']").click()
    expect(page.locator("#spoken")).to_have_text("Copied.")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert (True, 200) == (f"min_score={wanted}" in copied or wanted == "0", httpx.get(copied).status_code)
    watched.assert_well_behaved()


def test_saving_with_keys_only(context: BrowserContext, tmp_path: Path) -> None:
    """Who has no mouse makes a feed, learns of a wrong token, and deletes it again; the token is nowhere."""
    with serving(tmp_path) as client:
        origin = str(client.base_url).rstrip("/")
        page = context.new_page()
        page.goto(f"{origin}/settings")
        page.get_by_role("link", name="Make a feed").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/settings/edit")
        page.locator("#name").focus()
        page.keyboard.type("Kernels")
        for field, text in (("keywords", "kernel:2"), ("called", "kernels"), ("token", "wrong")):
            tab_to(page, field)
            page.keyboard.type(text)
        for text, then in (("", "**/settings/edit"), (TOKEN, "**/settings?notice=saved*")):
            if text:
                expect(page.locator("#token-error")).to_contain_text("That is not the token")
                assert ["Kernels", "kernel:2", "kernels", ""] == [
                    page.locator(f"#{name}").input_value() for name in ("name", "keywords", "called", "token")
                ]
                page.locator("#token").focus()
                page.keyboard.type(text)
            page.keyboard.press("Tab")
            page.keyboard.press("Tab")
            page.keyboard.press("Enter")
            page.wait_for_url(then)
        expect(page.get_by_role("status").first).to_contain_text("Saved.")
        assert TOKEN not in page.content()
        page.get_by_role("link", name="Delete Kernels").focus()
        page.keyboard.press("Enter")
        page.locator("#token").focus()
        page.keyboard.type(TOKEN)
        page.keyboard.press("Enter")
        page.wait_for_url("**/settings?notice=deleted")
        assert ["main", "replaced", "everything"] == [feed["name"] for feed in client.get("/api/feeds").json()["feeds"]]


def test_a_feed_of_a_new_category(context: BrowserContext, tmp_path: Path) -> None:
    """Who works in another field builds a feed, saves it, and sees its first papers without doing more."""
    planets = Sheet("2603.90801", "Exoplanets of Parkinson's star", categories=("astro-ph.EP",))
    with (
        upstream(Upstream(day=max(DAYS), sheets=[*DAYS[max(DAYS)], planets])) as source,
        serving(tmp_path, arxiv_rss_url=source.url, replay_gate_seconds=0) as client,
    ):
        origin = str(client.base_url).rstrip("/")
        watched = Watched(context.new_page(), origin)
        page = watched.page
        page.goto(f"{origin}/build")
        for chosen in page.locator("input[name='category']:checked").element_handles():
            chosen.uncheck()
        page.locator("#category").fill("astro-ph.EP")
        page.locator("#keywords").press_sequentially("exoplanet\nParkinson's:2")
        expect(page.locator("#preview [data-summary]")).to_have_text("Nothing of astro-ph.EP is stored yet")
        page.get_by_role("link", name="Save this feed").click()
        for field, text in (("name", "Planets"), ("called", "planets"), ("token", TOKEN)):
            page.locator(f"#{field}").fill(text)
        page.get_by_role("button", name="Save").click()
        page.get_by_role("link", name="Look at Planets").click()
        expect(page.locator(".row h2, .row h3")).to_have_text(["Exoplanets of Parkinson's star"])
        watched.assert_well_behaved()


def tab_to(page: object, field: str) -> None:
    """Press the tabulator until the field has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")  # type: ignore[attr-defined]
        if page.evaluate("document.activeElement.id") == field:  # type: ignore[attr-defined]
            return
    raise AssertionError(f"{field} cannot be reached")
