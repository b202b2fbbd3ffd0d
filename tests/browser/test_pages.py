"""The pages in a real browser."""

import httpx
from playwright.sync_api import BrowserContext

from tests.browser.conftest import Watched


def test_home(context: BrowserContext, client: httpx.Client) -> None:
    client.get("/api/papers")
    url = str(client.base_url).rstrip("/")
    watched = Watched(context.new_page(), url)
    watched.page.goto(url)
    watched.assert_well_behaved()
