"""Headers that come with answers for safety, and the lifetimes of answers in caches."""

from collections.abc import Sequence

Header = tuple[bytes, bytes]

READER_SECONDS = 300  # readers poll no more often than this; some take max-age as their interval, so it is short
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
# Browsers shall not guess what they got: problems repeat what was asked
NO_GUESSING = {"X-Content-Type-Options": "nosniff"}
# Of every page: no script but our own, no address of ours (they may hold a key) sent to anyone, nothing guessed
PAGE_HEADERS = NO_GUESSING | {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "Referrer-Policy": "no-referrer",
}

# Of an answer that is no page: nothing in it is to run, to be framed, or to be taken for something else. Pages have
# their own, which let them load their style and script
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
_PICTURES = (b"image/",)  # readers and pages of others show them
_OF_PAGES: tuple[Header, ...] = (
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_A_YEAR = 31_536_000
# RFC 6797; of this host alone, because its neighbours are not ours to decide for
_HTTPS_ONLY = (b"strict-transport-security", f"max-age={_A_YEAR}".encode())


def missing_headers(headers: Sequence[Header], public_url: str, *, private: bool = False) -> list[Header]:
    """What `headers` of an answer lack, in lower case; `private`: scripts of other sites may not read it."""
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


def cache_control(seconds: int) -> str:
    """For readers a short time, for shared caches `seconds`, and as long as it takes to ask again."""
    return f"public, max-age={min(READER_SECONDS, seconds)}, s-maxage={seconds}, stale-while-revalidate={STALE_SECONDS}"
