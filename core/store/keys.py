"""The names of everything that is stored. The version goes up when values change their shape."""

from datetime import date

_V = "pw1"

MANIFEST = f"{_V}:manifest"
REFRESH_LOCK = f"{_V}:lock:refresh"
ARXIV_GATE = f"{_V}:gate:arxiv"
SCORES_SECONDS = 31 * 86_400  # scores made on demand; those of a refresh live as long as their batch
BACKOFF = f"{_V}:backoff:arxiv"


def batch(day: date, batch_hash: str) -> str:
    """The announcements of a date; immutable."""
    return f"{_V}:batch:{day.isoformat()}:{batch_hash}"


def scores(feed_fingerprint: str, batch_hash: str) -> str:
    """A feed's scores and reasons over a batch; immutable."""
    return f"{_V}:scores:{feed_fingerprint}:{batch_hash}"
