"""What comes with every answer for safety, and the requests that are refused before anything looks at them."""

import re
from collections.abc import Mapping

from starlette.types import Scope

from api.problems import Problem

Header = tuple[bytes, bytes]

MOST_PATH = 2_000  # characters
MOST_QUERY = 32_000  # bytes: rules of 8,000 characters, most of them encoded
MOST_BODY = 64_000  # bytes of a form
_HOST = re.compile(rb"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_ONCE = (b"host", b"content-length")

# Of an answer that is no page: nothing in it is to run, to be framed, or to be taken for something else. Pages have
# their own, which let them load their style and script
_ALWAYS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
_SAME_ORIGIN = (b"cross-origin-resource-policy", b"same-origin")
_ANY_ORIGIN = (b"cross-origin-resource-policy", b"cross-origin")
_PICTURES = (b"image/",)  # readers and pages of others show them
_OF_PAGES: tuple[Header, ...] = (
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_A_YEAR = 31_536_000
# RFC 6797; of this host alone, because its neighbours are not ours to decide for
_HTTPS_ONLY = (b"strict-transport-security", f"max-age={_A_YEAR}".encode())


def missing_headers(headers: list[Header], public_url: str) -> list[Header]:
    """What `headers` of an answer lack, in lower case."""
    given = {name.lower(): value for name, value in headers}
    kind = given.get(b"content-type", b"")
    wanted = [*_ALWAYS, _ANY_ORIGIN if kind.startswith(_PICTURES) else _SAME_ORIGIN]
    if kind.startswith(b"text/html"):
        wanted += _OF_PAGES
    if public_url.startswith("https://"):
        wanted.append(_HTTPS_ONLY)
    return [(name, value) for name, value in wanted if name not in given]


def refusal(scope: Scope, headers: Mapping[bytes, bytes]) -> Problem | None:
    """What is told of a request that no client sends in good faith; None for all others.

    `Host` is in links, and they are remembered with it: two of them would be two answers to what it is.
    """
    if len(scope["query_string"]) > MOST_QUERY or len(scope["path"]) > MOST_PATH:
        return _refused(414, f"An address has up to {MOST_PATH:,} characters, and a query of {MOST_QUERY:,}.")
    if len(headers) != len(scope["headers"]):
        names = [name for name, _ in scope["headers"]]
        if repeated := [name.decode() for name in _ONCE if names.count(name) > 1]:
            return _refused(400, f"The header {repeated[0]} was sent twice.")
    if (host := headers.get(b"host")) is not None and not _HOST.fullmatch(host):
        return _refused(400, "The header Host is not a name with or without a port.")
    if (length := headers.get(b"content-length")) and not (length.isdigit() and int(length[:20]) <= MOST_BODY):
        return _refused(413, f"A body has up to {MOST_BODY:,} bytes.", {"Connection": "close"})
    return None


_TITLES = {400: "Bad Request", 413: "Content Too Large", 414: "URI Too Long"}


def _refused(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Problem:
    return Problem(status, "http", _TITLES[status], detail, headers or {})
