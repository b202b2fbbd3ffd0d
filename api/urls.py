"""URLs: of this service as its clients see it, of its feeds, and of the next page."""

from collections.abc import Mapping
from urllib.parse import quote, unquote_plus, urlsplit

from fastapi import Request
from starlette.types import Scope

from core.config.settings import Settings
from core.util.signing import is_one_of, sign, with_key

SENT_KEY = "paperwire.key"  # the key in a request's scope for the key that it sent


def raw_query(request: Request) -> str:
    """Returns the query string as sent, without a key: still encoded, because the grammar splits before it decodes."""
    raw: bytes = request.scope.get("query_string", b"")
    return raw.decode("latin-1")


def own_path(scope: Scope) -> str:
    """Returns the path below the mount point of this service: the same behind any proxy or stage."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")) or "/"


def base_url(request: Request) -> str:
    """Returns the public URL of this service, without a trailing slash."""
    settings: Settings = request.app.state.wire.settings
    return settings.public_url or str(request.base_url).rstrip("/")


def self_url(request: Request) -> str:
    """Returns the public URL of the request, in ASCII."""
    return _with_query(request, raw_query(request))


def next_url(request: Request, cursor: str) -> str:
    """Returns the URL of the next page, "" for the last one."""
    if not cursor:
        return ""
    tokens = [token for token in raw_query(request).split("&") if token and not _is_cursor(token)]
    return _with_query(request, "&".join([*tokens, f"cursor={cursor}"]))


def page_url(request: Request, path: str, *, keyed: bool = True) -> str:
    """Returns the path of a page of this service, from the root of its host; if `keyed`, with the request's own key."""
    settings: Settings = request.app.state.wire.settings
    root = urlsplit(settings.public_url).path if settings.public_url else request.scope.get("root_path", "").rstrip("/")
    return with_key(root + path, sent_key(request) if keyed else "")


def feed_url(request: Request, path: str) -> str:
    """Returns the absolute URL of a feed to subscribe to; on a private copy with a signature for this feed only."""
    return with_key(base_url(request) + path, signature_of(request, path))


def signature_of(request: Request, path: str) -> str:
    """Returns the signature that opens `path` on a private copy, "" on a public one."""
    wire = request.app.state.wire
    secret: str = wire.settings.feed_key
    return sign(secret, path, wire.rules.saved.revoked) if secret else ""


def link_header(pairs: Mapping[str, str]) -> str:
    """Returns the value of a `Link` header (RFC 8288) for URLs by relation."""
    return ", ".join(f'<{url}>; rel="{rel}"' for rel, url in pairs.items())


def _with_query(request: Request, raw: str) -> str:
    """Returns the URL of the request with another query."""
    raw = quote(raw, safe="%&=+,;:@/?!~*'()-._")
    return with_key(base_url(request) + quote(own_path(request.scope)) + (f"?{raw}" if raw else ""), sent_key(request))


def _is_cursor(token: str) -> bool:
    return unquote_plus(token).partition("=")[0].strip() == "cursor"


def sent_key(request: Request) -> str:
    """Returns the key or signature that this request sent, or ""."""
    key: str = request.scope.get(SENT_KEY, "")
    return key


def is_owner(request: Request) -> bool:
    """Returns whether this request may read everything: always on a public copy, else with the owner's key."""
    secret: str = request.app.state.wire.settings.feed_key
    return not secret or is_one_of(sent_key(request), secret)
