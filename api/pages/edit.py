"""The form to make or change a feed of this wire: its rules, their preview, and saving with the token."""

from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from api.access import check_form_token
from api.pages import Pages
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
from core.config.feed_table import MOST_ENTRIES, MOST_INTEREST, read_feed
from core.config.overrides import Rules, rules_in_force, save_feed
from core.config.url_rules import RULES, split_rules
from core.model.errors import FeedError, PaperwireError, StoreError, UnknownName
from core.model.feed import Feed
from core.model.sources import ARXIV, NAMES, RSS

router = Pages()
_SEE_OTHER = 303


@dataclass(frozen=True, slots=True)
class Edit:
    """The content of the form: the rules, their feed (None if they are invalid), and the other fields."""

    form: RuleForm
    feed: Feed | None
    was: str = ""
    called: str = ""
    description: str = ""
    interest: str = ""
    screen: str = "0"
    source: str = ARXIV
    urls: tuple[str, ...] = ()


@router.get("/settings/edit")
async def edit(request: Request) -> Response:
    """The form for the feed that `feed=…` names, or for a new one, with the rules of the query, if it has any."""
    rules, _ = await load(wire_of(request))
    sent, rest = split_rules(raw_query(request))
    was = dict(parse_qsl(rest)).get("feed", "")
    if was and was not in rules.feeds:
        raise UnknownName("feed", was, tuple(rules.feeds))
    feed = rules.feeds.get(was)
    known = feed or Feed(was, "")
    interest = dict(parse_qsl(rest)).get("interest", known.interest)[:MOST_INTEREST]
    if sent:
        feed, form = read_sent(sent, most_keywords=OWNER_KEYWORDS)
    else:
        form = form_of_feed(feed) if feed else empty_form(rules.categories)
    source = (feed.source, feed.urls) if feed and not sent else (ARXIV, ())
    edited = Edit(form, feed, was, was, known.description, interest, str(known.screen), *source)
    return await _page(request, edited, rules)


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
    known = before or Feed(was, "")
    interest = first(sent, "interest") if "interest" in sent else known.interest
    screen = first(sent, "screen") if "screen" in sent else str(known.screen)
    source = first(sent, "source") or known.source
    named = tuple(first(sent, "urls").split()) if "urls" in sent else known.urls
    urls = named if source == RSS else ()
    feed, form = read_sent(rules_sent(sent), most_keywords=OWNER_KEYWORDS, source=source, urls=urls)
    problems = dict(form.problems)
    if not first(sent, "name"):
        problems["name"] = "a feed needs a title"
    if len(screen) > 9 or not (screen or "0").isdecimal():
        problems["screen"] = f"a whole number from 0 to {MOST_ENTRIES}"
    if feed:
        changed = {rule.field: getattr(feed, rule.field) for rule in RULES.values()}
        asked = {"interest": interest, "screen": int(screen or 0) if "screen" not in problems else 0}
        feed = replace(before or feed, description=description, source=source, urls=urls, **changed)
        try:
            feed = read_feed(called, feed.to_plain() | asked)
        except FeedError as error:
            problems |= error.by_key
            feed = None
    return Edit(replace(form, problems=problems), feed, was, called, description, interest, screen, source, named)


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
        "sources": NAMES,
        "version": rules.saved.version,
        "failure": failure,
        "has_token": bool(wire.settings.admin_token),
    }
    status = failure.status if failure else 422 if form.problems else 200
    answer = await page(request, "edit.html", context, status=status, cache="no-store")
    answer.headers.update(failure.headers if failure else {})
    return answer
