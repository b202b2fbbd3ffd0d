"""Numbers as headers, feeds and forms write them. Python reads more: digits of all scripts, signs, underscores."""

from email.utils import parsedate_to_datetime

_MOST_DIGITS = 18
LONGEST_WAIT = 7 * 86_400.0  # seconds; nothing waits longer because an upstream says so


def whole_number(text: str) -> int | None:
    """Returns the number that ASCII digits write, None for anything else, and for more than 18 digits."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def retry_seconds(value: str, now: float) -> float | None:
    """Returns the value of a Retry-After in seconds from `now` (Unix time), a week at most; None if it has none.

    Seconds may have a fraction, or it is a date (RFC 9110, 10.2.3).
    """
    seconds, _, fraction = value.strip().partition(".")
    if seconds.isascii() and seconds.isdigit() and (not fraction or (fraction.isascii() and fraction.isdigit())):
        return min(float(value), LONGEST_WAIT)
    try:
        return min(max(parsedate_to_datetime(value).timestamp() - now, 0.0), LONGEST_WAIT)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
