"""The owner's settings: the feeds, their history with undo, and a download of all of them.

The page is public, as the feeds are; every change requires the token, in its own form.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from api.access import check_form_token
from api.pages import Pages
from api.pages.forms import EXPECTED, FormFailure, failure_of, first, load, read_form, version_of
from api.pages.html import page
from api.resource import wire_of
from api.urls import page_url
from api.vote_links import has_vote_links
from core.app import Paperwire
from core.config.models import NO_MODEL, models_of
from core.config.overrides import (
    Changed,
    Rules,
    delete_feed,
    export_feeds,
    origin_of,
    restore_feed,
    revoke_addresses,
    rules_in_force,
)
from core.model.errors import ConfigError, InvalidInput, Refused, StoreError, UnknownName
from core.model.health import Trouble, of_model
from core.model.saved import Change, undone
from core.text.numbers import whole_number

router = Pages()
_SEE_OTHER = 303
_MOST_SHOWN = 60  # characters of what was sent
_ORIGINS = {"file": "from feeds.toml", "changed": "from feeds.toml, changed here", "saved": "made here"}
_NOTICES = {
    "saved": "Saved. Readers get it from now on; new categories are being fetched, and ready in about a minute.",
    "deleted": "Deleted. You can go back to before that below.",
    "restored": "It is again as feeds.toml has it.",
    "revoked": "Its former addresses are refused from now on. The pages show the new ones.",
    "tested": "A test message was sent.",
    "undone": "Everything is as it was before that change.",
}
History = tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Action:
    """A change of the feeds that needs a confirmation: its texts, and its effect on a target."""

    question: str
    about: str
    button: str
    notice: str
    apply: Callable[[Rules, History, str], Changed]


def _undo(rules: Rules, history: History, number: str) -> Changed:
    return undone(rules.saved, history, _number_of(number))


def _number_of(text: str) -> int:
    """Returns the number of a change. Raises `UnknownName`."""
    if (number := whole_number(text)) is None:
        raise UnknownName("change", text[:_MOST_SHOWN])
    return number


ACTIONS = {
    "delete": Action(
        "Delete {}?",
        "Its subscribers get the answer that it is gone. You can undo this on the settings page.",
        "Delete this feed",
        "deleted",
        lambda rules, _, name: delete_feed(rules, name),
    ),
    "restore": Action(
        "Put {} back as feeds.toml has it?",
        "What was saved of it here counts no more. You can undo this on the settings page.",
        "Put it back",
        "restored",
        lambda rules, _, name: restore_feed(rules, name),
    ),
    "revoke": Action(
        "Revoke the addresses of {}?",
        "Everyone who subscribed to it with a signed address, and every link to vote in what was delivered so far, is "
        "refused from now on, within a few seconds everywhere. Subscribe again with the addresses that its page shows "
        "then. This cannot be undone.",
        "Revoke them",
        "revoked",
        lambda rules, _, name: revoke_addresses(rules, name),
    ),
    "undo": Action(
        "Go back to before “{}”?",
        "All feeds will be as they were before that change, without it and without the later ones. "
        "That is a change too, which you can undo.",
        "Go back",
        "undone",
        _undo,
    ),
}


@router.get("/settings")
async def settings(request: Request) -> Response:
    """The feeds in force with their origin, the removed ones, and the changes."""
    wire = wire_of(request)
    rules, history = await load(wire)
    context = {
        "rules": rules,
        "origins": {name: origin_of(rules, name) for name in rules.feeds},
        "origin_labels": _ORIGINS,
        "removed": rules.saved.removed(rules.file.feeds),
        "changes": [
            (number, datetime.fromisoformat(change.time), change.what) for number, change in enumerate(history)
        ],
        "notice": _NOTICES.get(request.query_params.get("notice", ""), ""),
        "saved": rules.feeds.get(request.query_params.get("feed", "")),
        "has_token": bool(wire.settings.admin_token),
        "models": _models(wire),
        "unread": await _unread(wire),
        "signed": [
            name for name, feed in rules.feeds.items() if wire.settings.feed_key or has_vote_links(wire.settings, feed)
        ],
        "private": bool(wire.settings.feed_key),
        "deliveries": await _deliveries(wire),
    }
    return await page(request, "settings.html", context, cache="no-store")


async def _deliveries(wire: Paperwire) -> list[tuple[Any, Any]]:
    """Returns each delivery with its log, None where the store does not answer."""
    found: list[tuple[Any, Any]] = []
    for delivery in wire.settings.feeds.deliveries:
        try:
            found.append((delivery, await wire.archive.deliveries.log(delivery.name)))
        except StoreError:
            found.append((delivery, None))
    return found


async def _unread(wire: Paperwire) -> list[Trouble]:
    """Returns why the endpoint of models answers no question, as far as the last step found out."""
    try:
        return of_model((await wire.archive.work.chain()).model)
    except StoreError:
        return []


def _models(wire: Paperwire) -> str:
    """Returns which models write summaries, or how to configure one, without their URL."""
    try:
        names = dict.fromkeys(models_of(wire.settings).values())
    except ConfigError as error:
        return "; ".join(error.problems)
    return f"summaries and scorecards are made by {', '.join(names)}" if names else NO_MODEL


@router.get("/settings/feeds.toml")
async def download(request: Request) -> Response:
    """The feeds in force as a feeds.toml, for a backup or a deployment."""
    rules, _ = await load(wire_of(request))
    headers = {"Content-Disposition": 'attachment; filename="feeds.toml"', "Cache-Control": "no-store"}
    return Response(export_feeds(rules), headers=headers, media_type="application/toml; charset=utf-8")


@router.get("/settings/{action}")
async def ask(request: Request) -> Response:
    """The confirmation page of a change."""
    wire, action = wire_of(request), request.path_params["action"]
    target = _target(action, request.query_params.get("target", ""))
    rules, history = await load(wire)
    failure = None
    try:
        _named(action).apply(rules, history, target)
    except Refused as error:
        failure = failure_of(error)
    return await _question(request, action, target, rules, history, failure)


@router.post("/settings/{action}")
async def act(request: Request) -> Response:
    """Do the change, with the token."""
    action = request.path_params["action"]
    wire, form = wire_of(request), await read_form(request)
    doing, target, rules = _named(action), _target(action, first(form, "target")), wire.rules
    history: History = ()
    try:
        rules, history = await load(wire)
        doing.apply(rules, history, target)
        await check_form_token(request, first(form, "token"))
        await wire.change(
            version_of(form),
            lambda saved, history: doing.apply(rules_in_force(wire.settings.feeds, saved), history, target),
        )
    except EXPECTED as error:
        return await _question(request, action, target, rules, history, failure_of(error))
    return RedirectResponse(page_url(request, f"/settings?notice={doing.notice}"), _SEE_OTHER)


async def _question(
    request: Request, action: str, target: str, rules: Rules, history: History, failure: FormFailure | None
) -> Response:
    doing = _named(action)
    number = whole_number(target) if action == "undo" else None
    name = target if number is None or number >= len(history) else history[number].what
    context = {
        "question": doing.question.format(name),
        "doing": doing,
        "action": quote(action),
        "target": target,
        "version": rules.saved.version,
        "failure": failure,
        "has_token": bool(wire_of(request).settings.admin_token),
    }
    answer = await page(request, "confirm.html", context, status=failure.status if failure else 200, cache="no-store")
    answer.headers.update(failure.headers if failure else {})
    return answer


def _target(action: str, target: str) -> str:
    """Returns what an action is done to. Raises `InvalidInput` without the name of a feed."""
    if not target and action in ACTIONS and action != "undo":
        raise InvalidInput("The address names no feed: choose one on the settings page, which adds ?target= to it")
    return target


def _named(action: str) -> Action:
    if action not in ACTIONS:
        raise UnknownName("page of the settings", action, tuple(ACTIONS))
    return ACTIONS[action]
