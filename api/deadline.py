"""How long a step may take that a request begins: until the platform ends the request, less a margin."""

from time import time

from starlette.types import Scope

from core.config.settings import Settings

MARGIN_SECONDS = 20.0  # to store what is done, and to have the next step called
_SECONDS = 240.0  # where no deadline is known: less than the 300 s that a free plan allows


def seconds_left(scope: Scope, settings: Settings) -> float | None:
    """Returns in how many seconds the platform ends this request, None if it does not say."""
    if context := scope.get("aws.context"):
        return float(context.get_remaining_time_in_millis()) / 1000
    if not settings.vercel:
        return None
    try:
        from vercel_runtime import get_deadline  # there on the platform only
    except ImportError:
        return None
    deadline = get_deadline()
    return deadline.timestamp() - time() if deadline else None


def step_seconds(scope: Scope, settings: Settings) -> float:
    """Returns how long a step may take: until the platform's deadline, at most `WORK_SECONDS` if that is set."""
    left = seconds_left(scope, settings)
    most = settings.work_seconds or (_SECONDS if left is None else float("inf"))
    return most if left is None else min(max(left - MARGIN_SECONDS, 1.0), most)


def refresh_seconds(scope: Scope, settings: Settings) -> float:
    """Returns how long a refresh goes on after the due batch: `CATCH_UP_SECONDS`, and as long as a step may take on a
    platform that names its deadline, unless the owner has set it.
    """
    left = seconds_left(scope, settings)
    if left is None:
        return settings.catch_up_seconds
    longest = step_seconds(scope, settings)
    return min(settings.catch_up_seconds, longest) if "catch_up_seconds" in settings.model_fields_set else longest
