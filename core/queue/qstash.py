"""QStash, the queue of the store's vendor: one HTTP call to publish a message, and a signed call when it arrives.

https://upstash.com/docs/qstash: the signature is a JWT (RFC 7519) with HS256, made with one of two keys.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

import orjson

from core.queue.base import post

_RETRIES = 2  # after a call that failed
_LATE_SECONDS = 30  # by which clocks may differ
_STEP_SECONDS = 320  # how long QStash waits for the answer to a step


@dataclass(frozen=True, slots=True)
class QStashQueue:
    """QStash at `url`, which calls `destination`. It forgets keys after 10 minutes, so they differ for every step."""

    url: str
    token: str
    destination: str
    most_delay: int = 6 * 3600
    most_links: int = 100

    async def schedule(self, delay: int, key: str) -> None:
        """See `Queue`. A duplicate is answered with 202, and delivered once."""
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "text/plain",
            "Upstash-Method": "POST",
            "Upstash-Delay": f"{delay}s",
            "Upstash-Retries": f"{_RETRIES}",
            "Upstash-Timeout": f"{_STEP_SECONDS}s",
            "Upstash-Deduplication-Id": key,
        }
        await post(f"{self.url}/v2/publish/{self.destination}", headers, key.encode())


def is_signed(token: str, keys: tuple[str, ...], *, url: str, body: bytes, now: float) -> bool:
    """Returns whether the header `Upstash-Signature` is one of QStash for a call of `url` with `body` at `now`.

    `keys` are the signing keys, the present one and the next. `url` is the configured address: a request's own `Host`
    proves nothing.
    """
    head, _, signature = token.rpartition(".")
    claims = _claims(head)
    if claims is None or not any(hmac.compare_digest(signature, _signature(key, head)) for key in keys if key):
        return False
    try:
        in_time = float(claims["nbf"]) - _LATE_SECONDS <= now <= float(claims["exp"]) + _LATE_SECONDS
        hashed = str(claims["body"]).rstrip("=")
    except (KeyError, TypeError, ValueError):
        return False
    return (
        in_time
        and claims.get("iss") == "Upstash"
        and claims.get("sub") == url
        and hmac.compare_digest(hashed.encode(), _encoded(hashlib.sha256(body).digest()).encode())
    )


def _claims(head: str) -> dict[str, Any] | None:
    """Returns the claims of `header.payload`, None unless both are JSON objects and the algorithm is HS256."""
    parts = head.split(".")
    try:
        header, claims = (orjson.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts)
    except ValueError:  # also of base64 and of JSON
        return None
    is_known = isinstance(header, dict) and header.get("alg") == "HS256" and isinstance(claims, dict)
    return claims if is_known else None


def _signature(key: str, head: str) -> str:
    return _encoded(hmac.new(key.encode(), head.encode("utf-8", "surrogatepass"), "sha256").digest())


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
