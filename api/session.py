"""The owner's session: a signed cookie, so that the token is typed once in each browser.

The cookie has a series, an end and a random number, and is signed with a key that is derived from the owner's token:
with another token, all sessions are over. The store has the series; a new one ends all sessions. Other sites' pages
cannot use the cookie: browsers send it with requests of our own pages only (SameSite=Strict), and what it allows must
come from one.
"""

import hmac
import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from fastapi import HTTPException, Request
from fastapi.responses import Response

from api.headers import SESSION_COOKIE
from api.resource import wire_of
from api.urls import base_url
from core.archive.marks import OwnerState
from core.config.settings import Settings

SESSION_DAYS = 30
HINT = "paperwire-owner"  # a cookie without a secret, which says to the script that there is a session
_SECONDS = SESSION_DAYS * 86_400


def make_session(settings: Settings, series: str, now: float) -> str:
    """Returns the value of a new session's cookie: each has a number of its own."""
    text = f"{series}.{int(now) + _SECONDS}.{secrets.token_hex(16)}"
    return f"{text}.{_signature(settings, text)}"


def series_of(settings: Settings, value: str, now: float) -> str:
    """Returns the series of a session's cookie; "" if it is forged, over, or signed with another token."""
    text, _, signature = value.rpartition(".")
    if not settings.admin_token or not hmac.compare_digest(signature.encode(), _signature(settings, text).encode()):
        return ""
    series, end, _ = text.split(".")
    return series if now < int(end) else ""


def _signature(settings: Settings, text: str) -> str:
    key = hmac.new(settings.admin_token.encode(), b"paperwire session", "sha256").digest()
    return hmac.new(key, text.encode("utf-8", "surrogateescape"), "sha256").hexdigest()


def cookie_of(request: Request) -> str:
    """Returns the cookie of the session as sent, "" without one."""
    try:
        found = SimpleCookie(request.headers.get("Cookie", "")).get(_name(request))
    except CookieError:
        return ""
    return found.value if found else ""


async def owner_of(request: Request) -> OwnerState | None:
    """Returns what the store has for the owner, None if this request is not of a session. Raises `StoreError`."""
    wire = wire_of(request)
    series = series_of(wire.settings, cookie_of(request), wire.clock().timestamp())
    if not series:
        return None
    reading = await wire.archive.marks.read()
    return reading if hmac.compare_digest(reading.series.encode(), series.encode()) else None


async def require_owner(request: Request) -> OwnerState:
    """The same, but raises `HTTPException`: 403 for what other sites' pages send, 401 for strangers."""
    check_own_page(request)
    reading = await owner_of(request)
    if reading is None:
        raise HTTPException(401, "Only the owner can do this: sign in at /sign-in with the token.")
    return reading


def check_own_page(request: Request) -> None:
    """Refuse what was not sent by one of our own pages, as the browser says.

    A form of a page without referrer has the origin "null"; browsers that send no Sec-Fetch-Site are older than 2023.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin", "")
    own = {request.headers.get("Host", ""), urlsplit(base_url(request)).netloc}
    if not (site == "same-origin" if site else urlsplit(origin).netloc in own):
        raise HTTPException(403, "This was not sent by a page of this service.")


def set_session(request: Request, answer: Response, value: str) -> None:
    """Set the session's cookie, or remove it if `value` is ""."""
    secure, path = _is_secure(request), "/"
    seconds = _SECONDS if value else 0
    answer.set_cookie(_name(request), value, seconds, path=path, secure=secure, httponly=True, samesite="strict")
    answer.set_cookie(HINT, "1" if value else "", seconds, path=path, secure=secure, samesite="strict")


def _is_secure(request: Request) -> bool:
    return base_url(request).startswith("https://")


def _name(request: Request) -> str:
    """Returns the cookie's name; over HTTPS with the prefix that other hosts of the domain cannot set (RFC 6265bis)."""
    return f"__Host-{SESSION_COOKIE}" if _is_secure(request) else SESSION_COOKIE
