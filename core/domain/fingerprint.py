"""Stable fingerprints: everything derived is stored under the fingerprint of what it was derived from."""

import hashlib
import json
from typing import Any


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces, so that equal values give equal bytes in every process."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode(
        "utf-8", "surrogatepass"
    )


def fingerprint(*parts: Any) -> str:
    """16 hexadecimal digits of SHA-256 over the canonical JSON of `parts`."""
    return hashlib.sha256(canonical(parts)).hexdigest()[:16]
