"""Every kind of page in a real browser: accessible and well-behaved in all colours, on desks and phones."""

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from core.config.settings import Settings
from tests.api import DAYS, FRIDAY, TOKEN, make_settings, store_days
from tests.browser.conftest import Watched, put_review
from tests.conftest import serving_app
from tests.support.arxiv_format import Sheet
from tests.support.tiers import matrix

LONG = Sheet(
    id="2603.90399",
    title=f"A cache with a long word: {'w' * 3000}",
    abstract="x" * 5000,
    creator=", ".join(f"{'Name' * 60}{n}" for n in range(30)),
)
PAGES = {
    "home": "/",
    "day": "/day/2026-03-05",
    "feeds": "/feeds",
    "saved": "/saved?id=2603.90302,2603.90305,2401.00001",
    "nothing saved": "/saved",
    "sign in": "/sign-in",
    "archive": "/days",
    "feed": "/feeds/main?score>=1",
    "digest": "/api/digests/main/latest.html",
    "week": "/api/digests/main/2026-W10.html",
    "month": "/api/digests/main/2026-03.html",
    "staged digest": "/api/digests/main/latest.html?style=staged&language=zh",
    "paper": "/papers/2603.90302",
    "similar": "/papers/2603.90302/similar",
    "make": "/make/2603.90302",
    "follow": "/follow?author=Ada+Example",
    "review": "/reviews/2603.90000",
    "reviews": "/reviews",
    "search": "/search?q=cache",
    "hints": "/search",
    "builder": "/build",
    "proposed": "/build?about=cache+kernels&stored=16&category=cs.DC,cs.LG&keywords=cache:4,kernel:2&min_score=4",
    "nothing proposed": "/build?about=the&unclear=1",
    "rules in the address": "/feeds/custom?category=cs.DC,cs.LG&keywords=cache:2,kernel&min_score=2",
    "preview": "/build?category=cs.DC,cs.LG&keywords=cache:2,kernel,zebra&min_score=2",
    "tried vote": "/build?category=cs.DC,cs.LG&keywords=cache:2,kernel&min_score=2&like=2603.90301",
    "empty preview": "/build?category=cs.DC&keywords=zebra&min_score=1",
    "settings": "/settings",
    "edit": "/settings/edit?feed=main",
    "learned": "/settings/learned?feed=main",
    "delete": "/settings/delete?target=main",
    "wrong rules": "/build?category=cs.DC&keywords=cache:x&min_score=many",
    "wrong filter": "/feeds/main?score~=1",
    "wrong search": "/search?q=a%3Db",
    "contract": "/docs",
    "not found": "/feeds/none",
    "nothing there": "/nowhere",
    "a paper that is elsewhere": "/papers/2603.99999",
}
# Of the owner, who is signed in; of a wire that has nothing yet; of a private copy
OTHERS = {
    "owner's day": "/",
    "owner's list": "/saved",
    "owner's settings": "/settings",
    "owner's paper": "/papers/2603.90302",
    "what was learned": "/settings/learned?feed=main",
    "first start": "/",
    "nothing fetched": "/feeds/main",
    "no days": "/days",
    "nothing to search": "/search?q=cache",
    "nothing to preview": "/build?category=cs.DC&keywords=cache",
    "key": "/",
}
NEW = ("first start", "nothing fetched", "no days", "nothing to search", "nothing to preview")
SCREENS = {"desk": (1280, 900, "light"), "dark": (1280, 900, "dark"), "phone": (360, 740, "light")}
_STATUS = re.compile(r"the server responded with a status of (4|503)")
DAILY = ["home", "paper", "preview", "edit", "wrong filter"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a wire that has its papers, one of them full of long words, and an unfinished review of another.

    What it needs is stored from another thread: Playwright's event loop runs in that of the tests.
    """
    settings = make_settings(tmp_path_factory.mktemp("site"))
    with ThreadPoolExecutor(1) as pool:
        pool.submit(_store, settings).result()
    with serving_app(settings) as url:
        yield url


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The addresses of a wire of the owner's, of one without internet that has nothing yet, and of a private copy."""
    more: dict[str, dict[str, str]] = {"owner": {}, "new": {}, "private": {"feed_key": "correct horse battery"}}
    made = {name: make_settings(tmp_path_factory.mktemp(name), **values) for name, values in more.items()}
    with ThreadPoolExecutor(1) as pool:
        pool.submit(store_days, made["owner"], DAYS).result()
    with (
        serving_app(made["owner"]) as owner,
        serving_app(made["new"]) as new,
        serving_app(made["private"]) as private,
    ):
        yield {"owner": owner, "new": new, "private": private}


def _store(settings: Settings) -> None:
    store_days(settings, DAYS | {FRIDAY: [*DAYS[FRIDAY], LONG]})
    asyncio.run(put_review(settings))


@matrix("page", PAGES, daily=DAILY)
def test_everybody_can_use_it(browser: Browser, site: str, page: str) -> None:
    """With everything unfolded axe finds nothing, nothing is wider than the screen, no page asks anybody else for
    anything, and none tries what its policy forbids.
    """
    context = browser.new_context()
    watched = Watched(context.new_page(), site)
    watched.page.goto(site + PAGES[page], wait_until="networkidle")
    _check(watched)
    context.close()


@pytest.mark.slow
def test_everybody_can_use_what_few_see(browser: Browser, sites: dict[str, str]) -> None:
    """The same of the owner's pages, of a wire that has fetched nothing, and of a private copy's door."""
    context = browser.new_context()
    page = context.new_page()
    for site in (sites["owner"], sites["new"]):  # the same host: one session is enough for the first
        page.goto(f"{site}/sign-in")
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{site}/**")
    page.goto(sites["owner"])
    page.locator(".row").first.hover()
    page.keyboard.press("s")
    page.close()
    for name, path in OTHERS.items():
        site = sites["new" if name in NEW else "private" if name == "key" else "owner"]
        watched = Watched(context.new_page(), site)
        watched.page.goto(site + path, wait_until="load")
        _check(watched)
        watched.page.close()
    context.close()


@pytest.mark.slow
def test_every_page_without_javascript(browser: Browser, site: str) -> None:
    """Each page has its heading, fits the screen, and shows no button that does nothing without a script."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = context.new_page()
    for name, path in PAGES.items():
        page.goto(site + path)
        assert page.locator("main h1").first.is_visible(), name
        assert [] == [
            button.inner_text() for button in page.locator("button[type=button]").all() if button.is_visible()
        ], name
        loose = [button.inner_text() for button in page.locator("button").all() if button.is_visible()]
        inside = [button.inner_text() for button in page.locator("form button").all() if button.is_visible()]
        assert sorted(loose) == sorted(inside), name
    context.close()


def _check(watched: Watched) -> None:
    """Check an open page on all screens. In the dark only colours differ."""
    # The list of all categories is the same wherever it is: it is unfolded in the builder alone
    folds = "details" if watched.page.url.endswith("/build") else "details:not(.everything)"
    watched.page.evaluate("(folds) => document.querySelectorAll(folds).forEach((one) => { one.open = true; })", folds)
    for screen, (width, height, scheme) in SCREENS.items():
        watched.page.set_viewport_size({"width": width, "height": height})
        watched.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found = Axe().run(watched.page, options={"runOnly": ["color-contrast"]} if screen == "dark" else None)
        violations = found.response["violations"]
        assert [] == [(screen, one["id"], [node["html"] for node in one["nodes"]]) for one in violations]
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= width, screen
    watched.errors = [error for error in watched.errors if not _STATUS.search(error)]
    watched.assert_well_behaved()
