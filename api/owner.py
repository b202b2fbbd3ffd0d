"""What only the owner may command over HTTP, and how they show that they are it."""

import hmac

from fastapi import HTTPException, Request

from api.publishing import wire_of


def check_token(request: Request, what: str) -> None:
    """Raise a 401 unless the request has `Authorization: Bearer …` with `CRON_SECRET` or `ADMIN_TOKEN`.

    `what` is off where neither is set; it begins the sentence that says so.
    """
    settings = wire_of(request).settings
    secrets = [secret for secret in (settings.cron_secret, settings.admin_token) if secret]
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    matches = [hmac.compare_digest(sent.strip().encode(), secret.encode()) for secret in secrets]
    if scheme.lower() != "bearer" or not any(matches):
        hint = (
            "" if secrets else f"{what} over HTTP is off: set ADMIN_TOKEN (or CRON_SECRET for a cron) to turn it on. "
        )
        raise HTTPException(
            401,
            f"{hint}Send the header `Authorization: Bearer …` with the value of CRON_SECRET or ADMIN_TOKEN.",
            {"WWW-Authenticate": "Bearer"},
        )
