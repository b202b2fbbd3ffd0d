"""Deliveries: the button in the settings that sends a test message, and the link in mails that stops them."""

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from api.access import check_form_token
from api.body import read_body
from api.pages import Pages
from api.pages.forms import EXPECTED, FormFailure, failure_of, first, read_form
from api.pages.html import page
from api.resource import opened, wire_of
from api.urls import page_url
from core.app import Paperwire
from core.model.errors import ConfigError, DeliveryError, UnknownName
from core.model.manifest import rfc3339
from core.util.signing import is_one_of, sign_stop

router = Pages()
_SEE_OTHER = 303
_NOT_SENT = 502


@router.get("/settings/deliver/{name}")
async def ask_test(request: Request) -> Response:
    """The page with the button."""
    return await _question(request, request.path_params["name"], None)


@router.post("/settings/deliver/{name}")
async def test(request: Request) -> Response:
    """Send a test message, with the token."""
    from core.jobs.deliver import find_delivery, send_test  # not at a cold start

    name = request.path_params["name"]
    wire, form = wire_of(request), await read_form(request)
    try:
        await check_form_token(request, first(form, "token"))
    except EXPECTED as error:
        return await _question(request, name, failure_of(error))
    try:
        await send_test(await wire.post(), find_delivery(wire.settings, name))
    except (ConfigError, DeliveryError) as error:
        return await _question(request, name, FormFailure(_NOT_SENT, "", str(error), {}))
    return RedirectResponse(page_url(request, "/settings?notice=tested"), _SEE_OTHER)


@router.get("/unsubscribe/{name}/{signature}")
async def ask_stop(request: Request) -> Response:
    """The button. Nothing changes before it is pressed: mail scanners follow links."""
    _, name = await _signed(request)
    return await _stop_page(request, {"name": name, "is_done": False})


@router.post("/unsubscribe/{name}/{signature}")
async def stop(request: Request) -> Response:
    """Stop the delivery; also for mail programs' own button (RFC 8058)."""
    from core.jobs.deliver import change_log

    wire, name = await _signed(request)
    await read_body(request)  # List-Unsubscribe=One-Click, or nothing
    now = rfc3339(wire.clock())
    await change_log(wire.archive, name, lambda log: log if log.stopped else log.as_stopped(now))
    return await _stop_page(request, {"name": name, "is_done": True})


async def _signed(request: Request) -> tuple[Paperwire, str]:
    """Returns the delivery of a signed address. Raises `UnknownName` for any other."""
    await opened(request)
    wire, values = wire_of(request), request.path_params
    name, secret = values["name"], wire.settings.link_secret
    if name not in wire.settings.feeds.deliver or not secret:
        raise UnknownName("address", "to unsubscribe")
    if not is_one_of(values["signature"], sign_stop(secret, name)):
        raise UnknownName("address", "to unsubscribe")
    return wire, name


async def _stop_page(request: Request, context: dict[str, object]) -> Response:
    answer = await page(request, "unsubscribe.html", context, cache="no-store")
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer


async def _question(request: Request, name: str, failure: FormFailure | None) -> Response:
    wire = wire_of(request)
    if name not in wire.settings.feeds.deliver:
        raise UnknownName("delivery", name, tuple(wire.settings.feeds.deliver))
    context = {"name": name, "failure": failure, "has_token": bool(wire.settings.admin_token)}
    status = failure.status if failure else 200
    answer = await page(request, "deliver.html", context, status=status, cache="no-store")
    answer.headers.update(failure.headers if failure else {})
    return answer
