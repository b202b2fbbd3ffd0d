"""The form to make or change a feed of this wire: its rules, their preview, and saving with the token."""

from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.access import check_form_token
from api.pages.build import (
    MATCH_CHOICES,
    OWNER_KEYWORDS,
    TYPE_CHOICES,
    RuleForm,
    empty_form,
    form_of_feed,
    preview_context,
    read_sent,
    rules_sent,
    select_preview,
)
from api.pages.forms import EXPECTED, Form, FormFailure, failure_of, first, load, read_form, version_of
from api.pages.html import page
from api.resource import wire_of
from api.urls import page_url, raw_query
from core.app import Paperwire
from core.config.feed_table import read_feed
from core.config.overrides import Rules, rules_in_force, save_feed
from core.config.url_rules import RULES, split_rules
from core.model.errors import FeedError, PaperwireError, StoreError, UnknownName
from core.model.feed import Feed

router = APIRouter(include_in_schema=False)
_SEE_OTHER = 303


@dataclass(frozen=True, slots=True)
class Edit:
    """The content of the form: the rules, their feed (None if they are invalid), and the other fields."""

    form: RuleForm
    feed: Feed | None
    was: str = ""
    called: str = ""
    description: str = ""


@router.get("/settings/edit")
async def edit(request: Request) -> Response:
    """The form for the feed that `feed=…` names, or for a new one, with the rules of the query, if it has any."""
    rules, _ = await load(wire_of(request))
    sent, rest = split_rules(raw_query(request))
    was = dict(parse_qsl(rest)).get("feed", "")
    if was and was not in rules.feeds:
        raise UnknownName("feed", was, tuple(rules.feeds))
    feed = rules.feeds.get(was)
    description = feed.description if feed else ""
    if sent:
        feed, form = read_sent(sent, most_keywords=OWNER_KEYWORDS)
    else:
        form = form_of_feed(feed) if feed else empty_form(rules.categories)
    return await _page(request, Edit(form, feed, was, was, description), rules)


@router.post("/settings/edit")
async def save(request: Request) -> Response:
    """Save the feed, or only preview its rules. If it cannot be saved, the form keeps the input."""
    wire, sent = wire_of(request), await read_form(request)
    rules, failure = wire.rules, None
    try:
        rules, _ = await load(wire)
        edited = read_edit(sent, rules)
        if first(sent, "do") == "save" and not edited.form.problems:
            name = await _save(request, wire, sent, edited, rules)
            return RedirectResponse(
                f"{page_url(request, f'/settings?notice=saved&feed={name}')}#feed-{name}", _SEE_OTHER
            )
    except EXPECTED as error:
        failure = failure_of(error)
        rules = await _newest(wire, rules)
        edited = read_edit(sent, rules)
    return await _page(request, edited, rules, failure)


async def _save(request: Request, wire: Paperwire, sent: Form, edited: Edit, rules: Rules) -> str:
    """Save the edited feed, and return its name. Raises the errors in `EXPECTED`."""
    feed = edited.feed
    assert feed is not None  # noqa: S101 - without problems there is one
    save_feed(rules, feed, was=edited.was)  # raises before the token is checked
    await check_form_token(request, first(sent, "token"))
    await wire.change(
        version_of(sent),
        lambda saved, _: save_feed(rules_in_force(wire.settings.feeds, saved), feed, was=edited.was),
    )
    with suppress(PaperwireError):  # nothing may be stored yet
        await wire.ready()  # starts to fetch new categories
    return edited.called


def read_edit(sent: Form, rules: Rules) -> Edit:
    """Parse the form. Keys of the feed that the form does not show stay unchanged."""
    was, called, description = (first(sent, name) for name in ("was", "called", "description"))
    before = rules.feeds.get(was)
    source = before.source if before else Feed.source
    feed, form = read_sent(rules_sent(sent), most_keywords=OWNER_KEYWORDS, source=source)
    problems = dict(form.problems)
    if not first(sent, "name"):
        problems["name"] = "a feed needs a title"
    if feed:
        changed = {rule.field: getattr(feed, rule.field) for rule in RULES.values()}
        feed = replace(before or feed, description=description, **changed)
        try:
            feed = read_feed(called, feed.to_plain())
        except FeedError as error:
            problems |= error.by_key
            feed = None
    return Edit(replace(form, problems=problems), feed, was, called, description)


async def _newest(wire: Paperwire, rules: Rules) -> Rules:
    """Returns the current rules, which another process may have changed, so that nothing was saved."""
    try:
        return (await load(wire))[0]
    except StoreError:
        return rules


async def _page(request: Request, edited: Edit, rules: Rules, failure: FormFailure | None = None) -> Response:
    wire, form = wire_of(request), edited.form
    if failure and failure.field:
        form = replace(form, problems={**form.problems, failure.field: failure.text})
    shown = None
    if edited.feed:
        try:
            shown = await select_preview(request, edited.feed)
        except PaperwireError:  # the form is shown without a preview
            shown = None
    where = f"/settings/edit?feed={edited.was}&" if edited.was else "/settings/edit?"
    rules_only = replace(form, problems={name: text for name, text in form.problems.items() if name in RULES})
    context = {
        **preview_context(request, edited.feed, rules_only, shown, where=where, own=True),
        "form": form,
        "rules_form": rules_only,
        "groups": form.groups(rules.categories),
        "types": TYPE_CHOICES,
        "matches": MATCH_CHOICES,
        "edited": edited,
        "version": rules.saved.version,
        "failure": failure,
        "has_token": bool(wire.settings.admin_token),
    }
    status = failure.status if failure else 422 if form.problems else 200
    answer = await page(request, "edit.html", context, status=status, cache="no-store")
    answer.headers.update(failure.headers if failure else {})
    return answer
