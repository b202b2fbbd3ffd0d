"""Fingerprints and signatures.

A derived value is stored under the fingerprint of its inputs. An address of a private copy requires the owner's key, or
a signature of that address.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote_plus


def canonical_json(value: Any) -> bytes:
    """Returns JSON with sorted keys and no spaces: equal values have equal bytes in every process."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode(
        "utf-8", "surrogatepass"
    )


def fingerprint(*parts: Any) -> str:
    """Returns 16 hexadecimal digits of SHA-256 over the canonical JSON of `parts`."""
    return hashlib.sha256(canonical_json(parts)).hexdigest()[:16]


CUSTOM = "custom"  # stands for all feeds with rules in the address
_OF_FEED = re.compile(r"/badge/(?P<badge>[\w-]+)\.svg|/api/papers\?feed=(?P<feed>[\w-]+)")
KEY = "key"  # the parameter with the key or the signature
_DIGESTS = "/api/digests/"
SIGNATURE_LENGTH = 32  # hexadecimal digits: 128 bits


def with_key(url: str, key: str) -> str:
    """Returns `url` with `key` as a parameter, unchanged if `key` is ""."""
    return f"{url}{'&' if '?' in url else '?'}{KEY}={quote(key, safe='')}" if key else url


Revoked = Mapping[str, int]  # by feed, how often its signatures were revoked
NEVER: Revoked = {}


def sign(secret: str, url: str, revoked: Revoked = NEVER) -> str:
    """Returns the signature that opens the resource of `url` (a path, possibly with a query), and nothing else.

    Each time that a feed's signatures are `revoked`, another one opens it.
    """
    scope, feed = _scope(url)
    text = scope + _times(revoked, feed)
    return hmac.new(secret.encode(), text.encode(), "sha256").hexdigest()[:SIGNATURE_LENGTH]


def sign_vote(secret: str, feed: str, paper: str, direction: str, revoked: Revoked = NEVER) -> str:
    """Returns the signature of a vote ("up", "down" or "none") on a paper in a feed; it is valid for nothing else."""
    text = f"vote\n{feed}\n{paper}\n{direction}" + _times(revoked, feed)
    return hmac.new(secret.encode(), text.encode("utf-8", "surrogateescape"), "sha256").hexdigest()[:SIGNATURE_LENGTH]


def vote_path(secret: str, feed: str, paper: str, direction: str, revoked: Revoked = NEVER) -> str:
    """Returns the path of a signed vote: "up", "down", "none", or "save" for the reading list."""
    return f"/vote/{quote(feed)}/{direction}/{sign_vote(secret, feed, paper, direction, revoked)}/{quote(paper)}"


def sign_stop(secret: str, delivery: str) -> str:
    """Returns the signature of the address that stops a delivery."""
    return hmac.new(secret.encode(), f"stop\n{delivery}".encode(), "sha256").hexdigest()[:SIGNATURE_LENGTH]


def is_one_of(sent: str, *secrets: str) -> bool:
    """Returns whether `sent` is one of the non-empty `secrets`, in constant time."""
    digest = hashlib.sha256(sent.encode("utf-8", "surrogateescape")).digest()
    known = [hmac.compare_digest(digest, hashlib.sha256(secret.encode()).digest()) for secret in secrets if secret]
    return any(known)


def _times(revoked: Revoked, feed: str) -> str:
    return f"\nrevoked {times}" if (times := revoked.get(feed, 0)) else ""


def _scope(url: str) -> tuple[str, str]:
    """Returns the scope of a signature: a feed with its page and digests, in all formats and with all filters; else the
    exact address. Also the feed that it belongs to, "" for none.
    """
    path, _, query = url.partition("?")
    folder, _, name = path.rpartition("/")
    if path.startswith(_DIGESTS):
        name = path.removeprefix(_DIGESTS).partition("/")[0].partition(".")[0]
        return f"feed {name}", name
    if folder in ("/api/feeds", "/feeds") and name:
        name = name.partition(".")[0]
        if name != "custom":
            return f"feed {name}", name
        # All pages of the result, but no other rules or filters
        tokens = [unquote_plus(token) for token in query.split("&") if token]
        rules = "&".join(token for token in tokens if token.partition("=")[0].strip() != "cursor")
        return f"custom {rules}", CUSTOM
    named = _OF_FEED.fullmatch(url)
    return f"{path}?{query}", named["badge"] or named["feed"] if named else ""
