"""Whether the queue whose token is set can be used."""

from core.config.settings import Settings


def queue_problem(settings: Settings) -> str:
    """Returns why the queue whose token is set cannot be used, "" if it can or if none is set."""
    if not settings.qstash_token:
        return ""
    if not settings.qstash_current_signing_key:
        return "QSTASH_TOKEN is set, but QSTASH_CURRENT_SIGNING_KEY is not, by which its calls are recognised"
    if not settings.public_url:
        return "QSTASH_TOKEN is set, but this deployment does not know its public address: set BASE_URL"
    return ""
