"""A stand-in for a library at Zotero that takes objects, with the refusals of its API in their documented shape.

https://www.zotero.org/support/dev/web_api/v3/write_requests, and the fields of a preprint as
https://api.zotero.org/schema lists them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.loopback import Handler, listening

KEY = "P9NiFoyLeZu2bZNvvuQPDWsd"
USER = "475425"
MOST = 50
_OBJECT_KEY = re.compile(r"[23456789ABCDEFGHIJKLMNPQRSTUVWXYZ]{8}")
_COMMON = {"key", "version", "itemType", "tags", "parentItem", "collections", "relations"}
_FIELDS = {
    "preprint": {
        "title", "abstractNote", "genre", "repository", "archiveID", "place", "date", "series", "seriesNumber", "DOI",
        "citationKey", "url", "accessDate", "archive", "archiveLocation", "shortTitle", "language", "libraryCatalog",
        "callNumber", "rights", "extra", "creators",
    },
    "attachment": {"linkMode", "title", "url", "contentType", "note", "accessDate", "charset", "filename"},
    "note": {"note"},
}  # fmt: skip


@dataclass
class Library:
    """What is in it, by key. `fault` is a status with which requests are refused, all after the first `fault_at`."""

    url: str = ""
    objects: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    fault: int = 0
    fault_at: int = 0
    body: bytes | None = None  # instead of an answer
    refuse: str = ""  # a title that it does not take
    requests: list[int] = field(default_factory=list)  # how many objects each had

    def of_type(self, name: str) -> list[Mapping[str, Any]]:
        """The objects of a type."""
        return [one for one in self.objects.values() if one["itemType"] == name]


@contextmanager
def serving_library() -> Iterator[Library]:
    """A stand-in at an address of its own."""
    library = Library()

    class _Handler(Handler):
        def reply(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status, body = _answer(library, self.command, self.path, self.headers, sent)
            self.send_response(status)
            self.send_header("Content-Type", "application/json" if status == 200 else "text/plain")
            self.send_header("Content-Length", str(len(body)))
            if status in (429, 503):
                self.send_header("Retry-After", "120")
            self.end_headers()
            self.wfile.write(body)

    with listening(_Handler) as library.url:
        yield library


def _answer(library: Library, method: str, path: str, headers: Any, sent: bytes) -> tuple[int, bytes]:
    objects = json.loads(sent) if sent else []
    library.requests.append(len(objects))
    if library.fault and len(library.requests) > library.fault_at:
        return library.fault, b"An error occurred"
    if library.body is not None:
        return 200, library.body
    if headers.get("Zotero-API-Key") != KEY:
        return 403, b"Invalid key"
    if (method, path) != ("POST", f"/users/{USER}/items"):
        return 404, b"Not found"
    if headers.get("Zotero-API-Version") != "3" or headers.get("Content-Type") != "application/json":
        return 400, b"Invalid request"
    if len(objects) > MOST:
        return 413, b"Cannot add more than 50 items at a time"
    answer: dict[str, dict[str, Any]] = {"successful": {}, "success": {}, "unchanged": {}, "failed": {}}
    for at, one in enumerate(objects):
        code, message = _refusal(library, one)
        if code:
            answer["failed"][str(at)] = {"key": one.get("key", ""), "code": code, "message": message}
            continue
        library.objects[one["key"]] = one
        answer["success"][str(at)] = one["key"]
        answer["successful"][str(at)] = {"key": one["key"], "version": 42, "data": one}
    return 200, json.dumps(answer).encode()


def _refusal(library: Library, one: Mapping[str, Any]) -> tuple[int, str]:
    key = one.get("key", "")
    if not _OBJECT_KEY.fullmatch(key):
        return 400, f"'{key}' is not a valid item key"
    if one["version"] == 0 and key in library.objects:
        return 412, "Item has been modified since specified version (expected 0, found 42)"
    if unknown := one.keys() - _COMMON - _FIELDS[one["itemType"]]:
        return 400, f"Invalid property '{min(unknown)}'"
    if one["itemType"] == "preprint" and not all({"creatorType"} < c.keys() for c in one["creators"]):
        return 400, "Creator names are missing"
    if (parent := one.get("parentItem")) and parent not in library.objects:
        return 409, f"Parent item {library.url}/{parent} not found"
    if library.refuse and one.get("title") == library.refuse:
        return 413, "Field 'title' too long"
    return 0, ""
