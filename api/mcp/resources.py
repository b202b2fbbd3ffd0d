"""Digests as resources: `paperwire://digests/{feed}/{period}`, in Markdown."""

import re
from typing import Any

from api.mcp.tools import Caller, digest_markdown_of
from core.model.errors import UnknownName

_ADDRESS = re.compile(r"paperwire://digests/([a-z][a-z0-9_-]{0,39})/([\w-]{1,20})")
_TYPE = "text/markdown"


def list_resources(caller: Caller) -> list[dict[str, Any]]:
    """Returns the newest digest of each feed."""
    return [
        {
            "uri": f"paperwire://digests/{feed.name}/latest",
            "name": f"{feed.name}-latest",
            "title": f"{feed.title}: the newest day",
            "mimeType": _TYPE,
        }
        for feed in caller.wire.feeds.values()
    ]


def list_templates() -> list[dict[str, Any]]:
    """Returns the addresses of all digests."""
    about = "A feed's digest of a date (2026-03-06), a week (2026-W10), a month (2026-03), or `latest`."
    return [
        {
            "uriTemplate": "paperwire://digests/{feed}/{period}",
            "name": "digest",
            "title": "Digest",
            "description": about,
            "mimeType": _TYPE,
        }
    ]


async def read_resource(caller: Caller, uri: str) -> dict[str, Any]:
    """Returns the content of a resource. Raises `UnknownName`."""
    match = _ADDRESS.fullmatch(uri)
    if not match:
        raise UnknownName("resource", uri[:200])
    async with caller.limited(1):
        return {"uri": uri, "mimeType": _TYPE, "text": await digest_markdown_of(caller, match[1], match[2])}
