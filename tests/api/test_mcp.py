"""The MCP endpoint, spoken to by the official SDK's client: every tool, resources, and what strangers may not do."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.mcp.tools import TOOLS
from tests.api import DAYS, FRIDAY, MAIN, TOKEN, base, make_settings, serving_days, store_days
from tests.conftest import serving_app

KEY = "a-long-secret-key"
OWNER = {"Authorization": f"Bearer {TOKEN}"}
READING = {"search_papers", "get_paper", "similar_papers", "list_feeds", "get_digest", "why"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving_days(tmp_path_factory.mktemp("mcp")) as client:
        yield client


def ask(url: str, work: Callable[[Any], Awaitable[Any]], headers: dict[str, str] | None = None) -> Any:
    """What `work` returns with the SDK's client, connected to `url`."""
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    async def main() -> Any:
        async with (
            httpx2.AsyncClient(headers=headers or {}, timeout=120) as http,
            Client(streamable_http_client(url, http_client=http)) as session,
        ):
            return await work(session)

    return asyncio.run(main())


def call(url: str, name: str, arguments: dict[str, Any], headers: dict[str, str] | None = None) -> Any:
    """The result of one tool."""
    return ask(url, lambda session: session.call_tool(name, arguments), headers)


# What is asked of a wire, and the one call that answers it, with what has to be in the result
ASKED: list[tuple[str, dict[str, Any], Callable[[Any], bool]]] = [
    ("list_feeds", {}, lambda r: r["today"] == str(FRIDAY) and r["feeds"][0]["name"] == "main"),
    ("search_papers", {}, lambda r: r["papers"][0]["id"] == MAIN[0]),
    (
        "search_papers",  # what is new on caches this week, and why
        {"filters": "text~cache&announced>=2026-03-02&score>=-1000&sort=-score", "limit": 3},
        lambda r: r["total"] > 5 and len(r["papers"]) == 3 and "cache +2" in r["papers"][0]["why"],
    ),
    ("search_papers", {"filters": "author~Grace Placeholder"}, lambda r: [p["id"] for p in r["papers"]] == MAIN[:1]),
    ("get_paper", {"id": f"https://arxiv.org/abs/{MAIN[1]}v1"}, lambda r: r["id"] == MAIN[1] and bool(r["abstract"])),
    ("similar_papers", {"id": MAIN[1], "limit": 2}, lambda r: len(r["similar"]) <= 2),
    (
        "why",
        {"id": MAIN[1], "feed": "main"},
        lambda r: "in title" in r["scores"][0]["why"] and r["scores"][0]["needed"] == 2,
    ),
]
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("search_papers", {"filters": "scor>=3"}, "scor"),
    ("search_papers", {"limit": 500}, "from 1 to 50"),
    ("search_papers", {"query": "cache"}, "no argument 'query'; it has filters, limit"),
    ("get_paper", {}, "needs id"),
    ("get_paper", {"id": "cache"}, "arXiv identifier"),
    ("why", {"id": "2601.00001"}, "no paper '2601.00001'"),
    ("get_digest", {"feed": "mian"}, "Known: main"),
    ("get_digest", {"feed": "main", "period": "2025-W01"}, "2025-W01"),
]


def test_the_sdks_client(client: httpx.Client) -> None:
    """It lists the tools of a stranger, and each answers; mistakes are results that a model can mend."""
    url = f"{base(client)}/mcp"

    async def work(session: Any) -> Any:
        tools = (await session.list_tools()).tools
        done = [await session.call_tool(name, arguments) for name, arguments, _ in ASKED]
        wrong = [await session.call_tool(name, arguments) for name, arguments, _ in WRONG]
        digest = await session.call_tool("get_digest", {"feed": "main", "period": "2026-W10"})
        listed = (await session.list_resources()).resources
        templates = (await session.list_resource_templates()).resource_templates
        read = await session.read_resource(str(listed[0].uri))
        return (session.server_info, session.instructions), tools, done, wrong, digest, templates, read

    info, tools, done, wrong, digest, templates, read = ask(url, work)
    assert ("paperwire", True) == (info[0].name, "Test wire" in info[1])
    assert READING == {tool.name for tool in tools}
    for (name, arguments, holds), result in zip(ASKED, done, strict=True):
        assert not result.is_error, (name, result.content)
        assert holds(result.structured_content), (name, arguments, result.structured_content)
        assert result.structured_content == json.loads(result.content[0].text)
    for (name, arguments, text), result in zip(WRONG, wrong, strict=True):
        assert result.is_error, (name, arguments)
        assert text in result.content[0].text, result.content[0].text
    assert "Caches &amp; kernels: 2026-W10" in digest.content[0].text
    assert "paperwire://digests/{feed}/{period}" == templates[0].uri_template
    assert MAIN[0] in read.contents[0].text


def test_the_owners_tools(tmp_path: Path) -> None:
    """With the token there are three more: a vote changes scores, a paper is saved, a feed is made in one call."""
    settings = make_settings(tmp_path)
    store_days(settings, DAYS)
    made = {
        "name": "fusion",
        "title": "Fusion",
        "categories": ["cs.LG"],
        "keywords": {"fusion OR fused": 3},
        "min_score": 2,
    }
    with serving_app(settings) as root:
        url = f"{root}/mcp"
        refused = call(url, "vote", {"feed": "main", "id": MAIN[3], "vote": "up"})
        assert (True, True) == (refused.is_error, "the owner's token" in refused.content[0].text)

        async def work(session: Any) -> Any:
            names = {tool.name for tool in (await session.list_tools()).tools}
            voted = await session.call_tool("vote", {"feed": "main", "id": MAIN[3], "vote": "up"})
            saved = await session.call_tool("save", {"id": MAIN[2]})
            feed = await session.call_tool("create_feed", made)
            again = await session.call_tool("create_feed", made)
            wrong = await session.call_tool("create_feed", made | {"name": "other", "categories": ["cs.XX"]})
            return names, voted, saved, feed, again, wrong

        names, voted, saved, feed, again, wrong = ask(url, work, OWNER)
        assert READING | {"vote", "save", "create_feed"} == names == set(TOOLS)
        assert {"changed": 1, "likes": 1, "dislikes": 0} == voted.structured_content
        assert {"saved": MAIN[2]} == saved.structured_content
        assert (1, MAIN[2]) == (feed.structured_content["found"], feed.structured_content["best"][0]["id"])
        assert again.is_error
        assert "no archive or category" in wrong.content[0].text or "is not an archive" in wrong.content[0].text
        assert 200 == httpx.get(f"{root}/api/feeds/fusion.rss").status_code
        assert [MAIN[3]] == [
            v["paper"] for v in httpx.get(f"{root}/api/feeds/main/votes", headers=OWNER).json()["votes"]
        ]


def test_a_private_copy(tmp_path: Path) -> None:
    """Without the key nothing is answered, whatever the message."""
    settings = make_settings(tmp_path, feed_key=KEY)
    store_days(settings, DAYS)
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_feeds", "arguments": {}}}
    with serving_app(settings) as root:
        assert [401, 401] == [httpx.post(f"{root}/mcp{q}", json=message).status_code for q in ("", "?key=wrong")]
        assert 401 == httpx.post(f"{root}/mcp", json=message | {"method": "initialize"}).status_code
        result = call(f"{root}/mcp?key={KEY}", "list_feeds", {})
        assert "main" == result.structured_content["feeds"][0]["name"]


def test_rate_limits_hold(tmp_path: Path) -> None:
    """Calls cost of the same share as other requests; what exceeds it is told when to come again."""
    settings = make_settings(tmp_path, rate_limit=5)
    store_days(settings, DAYS)
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "search_papers", "arguments": {}}}
    with serving_app(settings) as root:
        results = [httpx.post(f"{root}/mcp", json=message).json()["result"] for _ in range(8)]
    assert [False] * 5 == [bool(result.get("isError")) for result in results[:5]]
    assert any("again" in result["content"][0]["text"] for result in results[5:] if result.get("isError"))


MESSAGES: list[tuple[Any, int, int | None]] = [
    (b"{", 200, -32700),
    (b"[]", 200, -32600),
    ({"jsonrpc": "1.0", "id": 1, "method": "ping"}, 200, -32600),
    ({"jsonrpc": "2.0", "id": {}, "method": "ping"}, 200, -32600),
    ({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": [1]}, 200, -32600),
    ({"jsonrpc": "2.0", "id": 1, "method": "server/discover"}, 200, -32601),
    ({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "rm"}}, 200, -32602),
    ({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": "file:///etc/passwd"}}, 200, -32002),
    ({"jsonrpc": "2.0", "id": "x", "method": "ping"}, 200, None),
    ({"jsonrpc": "2.0", "method": "notifications/initialized"}, 202, None),
    (b" " * 70_000, 413, None),
]


def test_messages(client: httpx.Client) -> None:
    """What is no message is an error of JSON-RPC; notifications get no answer; nothing is a 500."""
    for message, status, code in MESSAGES:
        content = message if isinstance(message, bytes) else json.dumps(message).encode()
        answer = client.post("/mcp", content=content, headers={"Content-Type": "application/json"})
        assert status == answer.status_code, message
        if status == 200:
            assert code == answer.json().get("error", {}).get("code"), message
    assert ["POST", "POST"] == [client.request(m, "/mcp").headers["Allow"] for m in ("GET", "DELETE")]
    refused = client.post("/mcp", json=MESSAGES[8][0], headers={"Origin": "https://evil.example"})
    assert 403 == refused.status_code
