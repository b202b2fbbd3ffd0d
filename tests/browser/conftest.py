"""A real browser: the Chromium of the system, headless, which may reach nothing but loopback."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

from core.archive.open import open_store
from core.config.settings import Settings
from core.model.review import row_of
from core.store import keys
from core.store.codec import encode
from tests.render.test_review import make_review
from tests.support.invented import make_paper
from tests.support.reviewing import KEYS

playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright, of the dev dependencies")
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright  # noqa: E402

expect.set_options(timeout=60_000)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = (
    "--no-sandbox",  # tests run as root in containers
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@dataclass
class Watched:
    """A page, and what it did that it should not have done: requests to other origins, errors, dialogs."""

    page: Page
    origin: str
    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", self._requested)
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))

    def _requested(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in ("data", "about") and f"{url.scheme}://{url.netloc}" != self.origin:
            self.foreign.append(request.url)

    def assert_well_behaved(self) -> None:
        """Nothing left the origin, nothing failed, nothing popped up."""
        assert ([], [], []) == (self.foreign, self.errors, self.dialogs)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, for the tests of this folder: while it runs so does Playwright's event loop in the thread of the tests,
    and what stores something for them does it from another one.
    """
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser as new, on a desk."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(60_000)
    yield context
    context.close()


async def put_review(settings: Settings) -> None:
    """Store a review with a post, a table, and questions without an answer."""
    store = open_store(settings)
    text = "Reads are **3.5x** faster.\n\n| Tier | Latency |\n|---|---|\n| DRAM | 0.1 ms |"
    review = make_review(text, paper=make_paper(id="2603.90000"), answers=dict.fromkeys(KEYS[:9], text))
    row = row_of(review)
    await store.put(keys.review(str(row.paper), row.language, row.fingerprint), encode(review.to_plain()))
    await store.put(keys.REVIEWS, encode([row.to_plain()]))
    await store.close()
