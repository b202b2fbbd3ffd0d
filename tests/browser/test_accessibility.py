"""Every kind of page in a real browser: accessible and well-behaved in all colours, on desks and phones."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from core.config.settings import Settings
from tests.api import DAYS, FRIDAY, make_settings, store_days
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
    "staged digest": "/api/digests/main/latest.html?style=staged&language=zh",
    "paper": "/papers/2603.90302",
    "review": "/reviews/2603.90000",
    "reviews": "/reviews",
    "search": "/search?q=cache",
    "hints": "/search",
    "builder": "/build",
    "proposed": "/build?about=cache+kernels&stored=16&category=cs.DC,cs.LG&keywords=cache:4,kernel:2&min_score=4",
    "nothing proposed": "/build?about=the&unclear=1",
    "rules in the address": "/feeds/custom?category=cs.DC,cs.LG&keywords=cache:2,kernel&min_score=2",
    "preview": "/build?category=cs.DC,cs.LG&keywords=cache:2,kernel,zebra&min_score=2",
    "empty preview": "/build?category=cs.DC&keywords=zebra&min_score=1",
    "settings": "/settings",
    "edit": "/settings/edit?feed=main",
    "delete": "/settings/delete?target=main",
    "wrong rules": "/build?category=cs.DC&keywords=cache:x&min_score=many",
    "wrong filter": "/feeds/main?score~=1",
    "wrong search": "/search?q=a%3Db",
    "contract": "/docs",
    "not found": "/feeds/none",
}
SCREENS = {"desk": (1280, 900, "light"), "dark": (1280, 900, "dark"), "phone": (360, 740, "light")}
DAILY = [("home", "desk"), ("feed", "dark"), ("paper", "phone"), ("preview", "desk"), ("edit", "dark")]
DAILY += [("review", "phone"), ("wrong filter", "desk")]


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


def _store(settings: Settings) -> None:
    store_days(settings, DAYS | {FRIDAY: [*DAYS[FRIDAY], LONG]})
    asyncio.run(put_review(settings))


@matrix(
    ("page", "screen"),
    [(page, screen) for page in PAGES for screen in SCREENS],
    daily=DAILY,
)
def test_everybody_can_use_it(browser: Browser, site: str, page: str, screen: str) -> None:
    """With everything unfolded axe finds nothing, nothing is wider than the screen, no page asks anybody else for
    anything, and none tries what its policy forbids.
    """
    width, height, scheme = SCREENS[screen]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    watched = Watched(context.new_page(), site)
    watched.page.goto(site + PAGES[page], wait_until="networkidle")
    watched.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    found = Axe().run(watched.page).response["violations"]
    assert [] == [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
    watched.errors = [error for error in watched.errors if "the server responded with a status of 4" not in error]
    watched.assert_well_behaved()
    context.close()
