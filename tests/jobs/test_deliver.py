"""The hub hears of news, and of nothing else."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import feedparser
import httpx
import pytest

from core.app import Paperwire
from core.config.settings import Settings
from core.jobs.refresh import Today
from core.util.signing import sign, with_key
from tests.conftest import serving_app
from tests.support.loopback import Handler, listening

BASE = "https://wire.example.org"
SECRET = "a secret of some length"


@dataclass
class Hub:
    """A hub that takes down what it hears."""

    url: str = ""
    status: int = 202
    told: list[dict[str, list[str]]] = field(default_factory=list)


@contextmanager
def _serving(hub: Hub) -> Iterator[Hub]:
    class Answering(Handler):
        def reply(self) -> None:
            hub.told.append(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self.send_response(hub.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with listening(Answering) as url:
        hub.url = f"{url}/hub"
        yield hub


@pytest.fixture
def hub() -> Iterator[Hub]:
    with _serving(Hub()) as hub:
        yield hub


def refresh(settings: Settings) -> Today:
    async def main() -> Today | None:
        wire = Paperwire(settings)
        try:
            return (await wire.refresh(seconds=0)).today
        finally:
            await wire.close()

    today = asyncio.run(main())
    assert today is not None
    return today


def with_hub(settings: Settings, hub: Hub, **more: Any) -> Settings:
    return settings.model_copy(update={"websub_hub": hub.url, "base_url": BASE} | more)


def test_the_hub_is_told_once(settings: Settings, hub: Hub) -> None:
    """Of every feed in every format when a batch has come, and not again when nothing has changed."""
    assert refresh(with_hub(settings, hub)).changed
    assert not refresh(with_hub(settings, hub)).changed
    assert 1 == len(hub.told)
    names, kinds = ("main", "storage", "daily"), ("rss", "atom", "json")
    expected = [f"{BASE}/api/feeds/{name}.{kind}" for name in names for kind in kinds]
    assert {"hub.mode": ["publish"], "hub.topic": expected, "hub.url": expected} == hub.told[0]


def test_topics_of_a_private_copy_are_those_of_its_subscribers(settings: Settings, hub: Hub) -> None:
    refresh(with_hub(settings, hub, feed_key=SECRET))
    assert with_key(f"{BASE}/api/feeds/main.rss", sign(SECRET, "/api/feeds/main.rss")) in hub.told[0]["hub.topic"]
    assert all("key=" in topic for topic in hub.told[0]["hub.topic"])


def test_nobody_is_told_where_the_address_is_not_known(settings: Settings, hub: Hub) -> None:
    refresh(with_hub(settings, hub, base_url=""))
    assert [] == hub.told


@pytest.mark.parametrize("status", [500, 404, None])
def test_a_hub_that_fails_spoils_nothing(
    settings: Settings, hub: Hub, status: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    """The batch is stored whatever the hub does; the log tells of it."""
    if status is None:
        hub.url = "http://127.0.0.1:9/hub"
    else:
        hub.status = status
    assert "unconfirmed" == refresh(with_hub(settings, hub)).record.state
    assert "the WebSub hub could not be notified" in caplog.text


def test_feeds_name_the_hub(settings: Settings, hub: Hub) -> None:
    """In the documents and in the Link header, cold and hot and unchanged (https://www.w3.org/TR/websub/#discovery)."""
    with serving_app(with_hub(settings, hub)) as url:
        for name in ("rss", "atom"):
            for _ in range(2):
                answer = httpx.get(f"{url}/api/feeds/main.{name}")
                links = {link["rel"]: link["href"] for link in feedparser.parse(answer.content).feed.links}
                assert (hub.url, f"{BASE}/api/feeds/main.{name}") == (links["hub"], links["self"])
                assert f'<{hub.url}>; rel="hub"' in answer.headers["Link"]
                assert f'<{BASE}/api/feeds/main.{name}>; rel="self"' in answer.headers["Link"]
            again = httpx.get(f"{url}/api/feeds/main.{name}", headers={"If-None-Match": answer.headers["ETag"]})
            assert (304, answer.headers["Link"]) == (again.status_code, again.headers["Link"])
        assert [{"type": "WebSub", "url": hub.url}] == httpx.get(f"{url}/api/feeds/main.json").json()["hubs"]
