"""A stand-in for Zotero's API: items of a collection in its documented shape, and refusals as it words them.

https://www.zotero.org/support/dev/web_api/v3/basics
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.loopback import Handler, listening

KEY = "P9NiFoyLeZu2bZNvvuQPDWsd"
USER, COLLECTION, OTHER = "475425", "9KH9TNSJ", "ABCD2345"


@dataclass
class Zotero:
    """What it answers: `items` of the collection, unless `fault` is a status; and the paths that were asked for."""

    url: str = ""
    items: list[Mapping[str, Any]] = field(default_factory=list)
    fault: int = 0
    body: bytes | None = None  # instead of the items
    paths: list[str] = field(default_factory=list)


def item(number: int, title: str, **data: str) -> Mapping[str, Any]:
    """An item as the API delivers it with `format=json`."""
    key = f"AAAA{number:04}"
    own = {"key": key, "version": 41, "itemType": "preprint", "title": title, "creators": [], "abstractNote": ""}
    own |= {"repository": "arXiv", "archiveID": "", "date": "2026-01-05", "DOI": "", "url": "", "extra": ""}
    own |= {"tags": [], "collections": [COLLECTION], "relations": {}, "dateAdded": f"2026-01-{number % 28 + 1:02}"}
    return {"key": key, "version": 41, "library": {"type": "user", "id": int(USER)}, "links": {}, "data": own | data}


@contextmanager
def serving_zotero() -> Iterator[Zotero]:
    """A stand-in at an address of its own."""
    zotero = Zotero()

    class _Handler(Handler):
        def reply(self) -> None:
            status, body = _answer(zotero, self.path, self.headers.get("Zotero-API-Key", ""))
            self.send_response(status)
            self.send_header("Content-Type", "application/json" if status == 200 else "text/plain")
            self.send_header("Zotero-API-Version", self.headers.get("Zotero-API-Version", ""))
            self.send_header("Content-Length", str(len(body)))
            if status in (429, 503):
                self.send_header("Retry-After", "120")
            self.end_headers()
            self.wfile.write(body)

    with listening(_Handler) as zotero.url:
        yield zotero


def _answer(zotero: Zotero, target: str, key: str) -> tuple[int, bytes]:
    parts = urlsplit(target)
    zotero.paths.append(parts.path)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    if zotero.fault:
        return zotero.fault, b"An error occurred"
    if key != KEY:
        return 403, b"Forbidden"
    if parts.path not in (f"/users/{USER}/collections/{name}/items/top" for name in (COLLECTION, OTHER)):
        return 404, b"Collection not found"
    if zotero.body is not None:
        return 200, zotero.body
    newest = sorted(zotero.items, key=lambda one: one["data"]["dateAdded"], reverse=query.get("direction") == "desc")
    kept = [one for one in newest if one["data"]["itemType"] != query.get("itemType", "").removeprefix("-")]
    return 200, json.dumps(kept[: int(query.get("limit", "25"))]).encode()
