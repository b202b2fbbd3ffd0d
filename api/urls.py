"""Addresses: of this service as its clients see it, of its feeds, and of the next page."""

from collections.abc import Mapping
from urllib.parse import quote, unquote_plus, urlsplit

from fastapi import Request
from starlette.types import Scope

from core.config.settings import Settings
from core.util.signing import is_one_of, sign, with_key

SENT_KEY = "paperwire.key"  # where the scope of a request holds what it sent of that


def raw_query(request: Request) -> str:
    """The query string as it was sent, without a key: still encoded, because the grammar splits before it decodes."""
    raw: bytes = request.scope.get("query_string", b"")
    return raw.decode("latin-1")


def own_path(scope: Scope) -> str:
    """The path below the place where this service is mounted: the same behind any proxy or stage."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")) or "/"


def base_url(request: Request) -> str:
    """The public address of this service, without a trailing slash."""
    settings: Settings = request.app.state.wire.settings
    return settings.public_url or str(request.base_url).rstrip("/")


def self_url(request: Request) -> str:
    """The address of the request as a client would repeat it, in ASCII."""
    return _with_query(request, raw_query(request))


def next_url(request: Request, cursor: str) -> str:
    """The address of the next page, or ""."""
    if not cursor:
        return ""
    tokens = [token for token in raw_query(request).split("&") if token and not _is_cursor(token)]
    return _with_query(request, "&".join([*tokens, f"cursor={cursor}"]))


def page_url(request: Request, path: str, *, keyed: bool = True) -> str:
    """The address of a page of this service, from its root; with the key that this request was opened with."""
    settings: Settings = request.app.state.wire.settings
    root = urlsplit(settings.public_url).path if settings.public_url else request.scope.get("root_path", "").rstrip("/")
    return with_key(root + path, sent_key(request) if keyed else "")


def feed_url(request: Request, path: str) -> str:
    """The absolute address of a feed to subscribe to; on a private copy with a signature that opens only this feed."""
    secret = request.app.state.wire.settings.feed_key
    return with_key(base_url(request) + path, sign(secret, path) if secret else "")


def link_header(pairs: Mapping[str, str]) -> str:
    """The value of a `Link` header (RFC 8288) for addresses by relation."""
    return ", ".join(f'<{url}>; rel="{rel}"' for rel, url in pairs.items())


def _with_query(request: Request, raw: str) -> str:
    """The address of the request with another query."""
    raw = quote(raw, safe="%&=+,;:@/?!~*'()-._")
    return with_key(base_url(request) + quote(own_path(request.scope)) + (f"?{raw}" if raw else ""), sent_key(request))


def _is_cursor(token: str) -> bool:
    return unquote_plus(token).partition("=")[0].strip() == "cursor"


def sent_key(request: Request) -> str:
    """What this request showed to open a private copy, or ""."""
    key: str = request.scope.get(SENT_KEY, "")
    return key


def is_owner(request: Request) -> bool:
    """Whether the whole of this copy is open to this request: on a private one, with its owner's key."""
    secret: str = request.app.state.wire.settings.feed_key
    return not secret or is_one_of(sent_key(request), secret)
