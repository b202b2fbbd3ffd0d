"""Security headers of answers, and their lifetimes in caches."""

from collections.abc import Sequence

Header = tuple[bytes, bytes]

SESSION_COOKIE = "paperwire"  # of the owner; answers to requests with it are not from the memory for everyone
READER_SECONDS = 300  # max-age for feed readers; short, because some use it as their polling interval
STALE_SECONDS = 86_400
_POLICY = {
    "default-src": "'none'",
    "style-src": "'self'",
    "script-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
# Browsers must not guess the media type: problems quote the request
NO_GUESSING = {"X-Content-Type-Options": "nosniff"}
NOT_KEPT = {"Cache-Control": "no-store"}  # of what a command did, or the state of a moment
# For every page: only our own scripts, no referrer (addresses may contain a key), no guessed media types
PAGE_HEADERS = NO_GUESSING | {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "Referrer-Policy": "no-referrer",
}

# For all other answers: no scripts, no frames, no guessed media types. Pages have headers of their own, which allow
# their style and script
_ALWAYS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
_SAME_ORIGIN = (b"cross-origin-resource-policy", b"same-origin")
_ANY_ORIGIN = (b"cross-origin-resource-policy", b"cross-origin")
# Scripts of other sites may read feeds and JSON of a public copy: https://fetch.spec.whatwg.org/#http-cors-protocol
_CORS: tuple[Header, ...] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"ETag, Last-Modified, Link, Retry-After, Warning"),
)
PREFLIGHT: tuple[Header, ...] = (
    *_CORS,
    (b"access-control-allow-methods", b"GET, HEAD"),
    (b"access-control-allow-headers", b"accept, cache-control, if-modified-since, if-none-match, x-requested-with"),
    (b"access-control-max-age", b"86400"),
)
_PICTURES = (b"image/",)  # feed readers and other sites' pages show them
_OF_PAGES: tuple[Header, ...] = (
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_A_YEAR = 31_536_000
# RFC 6797; for this host only, because its sibling hosts may belong to others
_HTTPS_ONLY = (b"strict-transport-security", f"max-age={_A_YEAR}".encode())


def missing_headers(headers: Sequence[Header], public_url: str, *, private: bool = False) -> list[Header]:
    """Returns the headers that an answer with `headers` (in lower case) lacks; without CORS if `private`."""
    given = {name.lower(): value for name, value in headers}
    kind = given.get(b"content-type", b"")
    wanted = [*_ALWAYS, _ANY_ORIGIN if kind.startswith(_PICTURES) else _SAME_ORIGIN]
    if kind.startswith(b"text/html"):
        wanted += _OF_PAGES
    elif not private:
        wanted += _CORS
    if public_url.startswith("https://"):
        wanted.append(_HTTPS_ONLY)
    return [(name, value) for name, value in wanted if name not in given]


def cache_control(seconds: int, *, private: bool = False) -> str:
    """Returns a `Cache-Control` with a short lifetime for readers, `seconds` for shared caches, and revalidation.

    Shared caches keep nothing of a private copy: they would answer without a look at the key.
    """
    if private:
        return f"private, max-age={min(READER_SECONDS, seconds)}"
    return f"public, max-age={min(READER_SECONDS, seconds)}, s-maxage={seconds}, stale-while-revalidate={STALE_SECONDS}"
