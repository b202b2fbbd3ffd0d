"""Fingerprints and signatures.

Everything derived is stored under the fingerprint of what it was derived from. An address of a private copy is opened
by the owner's key, or by a signature of its own.
"""

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import quote, unquote_plus


def canonical_json(value: Any) -> bytes:
    """JSON with sorted keys and no spaces, so that equal values give equal bytes in every process."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode(
        "utf-8", "surrogatepass"
    )


def fingerprint(*parts: Any) -> str:
    """16 hexadecimal digits of SHA-256 over the canonical JSON of `parts`."""
    return hashlib.sha256(canonical_json(parts)).hexdigest()[:16]


KEY = "key"  # the parameter that holds either
_DIGESTS = "/api/digests/"
_SIGNATURE_LENGTH = 32  # hexadecimal digits: 128 bits


def with_key(url: str, key: str) -> str:
    """`url` with the parameter that opens it, if there is one."""
    return f"{url}{'&' if '?' in url else '?'}{KEY}={quote(key, safe='')}" if key else url


def sign(secret: str, url: str) -> str:
    """The signature that opens what `url` (a path, perhaps with a query) is about, and nothing else."""
    return hmac.new(secret.encode(), _scope(url).encode(), "sha256").hexdigest()[:_SIGNATURE_LENGTH]


def is_one_of(sent: str, *secrets: str) -> bool:
    """Whether `sent` is one of the secrets that are set, in a time that does not say how much of it was right."""
    digest = hashlib.sha256(sent.encode("utf-8", "surrogateescape")).digest()
    known = [hmac.compare_digest(digest, hashlib.sha256(secret.encode()).digest()) for secret in secrets if secret]
    return any(known)


def _scope(url: str) -> str:
    """What a signature is for: a feed with its page and digests, in all formats and under all filters; else this very
    address.
    """
    path, _, query = url.partition("?")
    folder, _, name = path.rpartition("/")
    if path.startswith(_DIGESTS):
        return f"feed {path.removeprefix(_DIGESTS).partition('/')[0].partition('.')[0]}"
    if folder in ("/api/feeds", "/feeds") and name:
        name = name.partition(".")[0]
        if name != "custom":
            return f"feed {name}"
        # Every page of it, but no other rules or filters
        tokens = [unquote_plus(token) for token in query.split("&") if token]
        return f"custom {'&'.join(token for token in tokens if token.partition('=')[0].strip() != 'cursor')}"
    return f"{path}?{query}"
