"""Zotero: the newest papers of a collection of the owner's there.

https://www.zotero.org/support/dev/web_api/v3/basics: a key in a header, at most 100 items a request, an array of JSON
objects with their `data`; a server that is busy says for how long in `Retry-After`.
"""

import asyncio
import json
from urllib.parse import urlencode

from core.model.errors import ParseError
from core.model.votes import Reference
from core.sources.client import Get, Headers
from core.sources.library import parse_library

ZOTERO_SECONDS = 20.0  # of one request
ZOTERO_BYTES = 5_000_000
_MOST = 100  # Zotero's limit of one request


def zotero_headers(key: str) -> Headers:
    """Returns what each request to Zotero needs."""
    return [(b"Zotero-API-Version", b"3"), (b"Zotero-API-Key", key.encode())]


def collection_name(user: str, collection: str) -> str:
    """Returns the path of a user's collection."""
    return f"users/{user}/collections/{collection}"


async def fetch_collection(get: Get, base_url: str, user: str, collection: str) -> tuple[Reference, ...]:
    """Fetch the papers that were added last, in one request. Raises `FetchError`, `ParseError` or `InvalidInput`."""
    query = {"format": "json", "itemType": "-attachment", "sort": "dateAdded", "direction": "desc", "limit": _MOST}
    url = f"{base_url}/{collection_name(user, collection)}/items/top?{urlencode(query)}"
    answer = await get(url, accept="application/json", most_bytes=ZOTERO_BYTES, total_seconds=ZOTERO_SECONDS)
    return await asyncio.to_thread(parse_collection, answer.body or b"")


def parse_collection(body: bytes) -> tuple[Reference, ...]:
    """Parse an answer; a collection may be empty. Raises `ParseError` or `InvalidInput`."""
    try:
        rows = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"the answer is not JSON: {error}") from None
    if not isinstance(rows, list):
        raise ParseError("the answer is not a list of items")
    return parse_library(body, "zotero").references if rows else ()
