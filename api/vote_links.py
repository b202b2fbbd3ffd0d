"""Signed links at the end of entries, with which the owner votes in any feed reader.

The address carries the feed, the paper, the vote and their signature, which opens nothing else. A GET shows one button,
and only a POST votes: readers prefetch links, and mail scanners follow them.
"""

from collections.abc import Callable
from html import escape

from fastapi import Request

from api.urls import base_url
from core.app import Paperwire
from core.config.settings import Settings
from core.model.feed import Entry, Feed
from core.util.signing import is_one_of, sign_vote, vote_path

DIRECTIONS = {
    "up": ("Like", "More like this"),
    "down": ("Dislike", "Less like this"),
    "none": ("Take back", ""),
    "save": ("Save", ""),
}


def has_vote_links(settings: Settings, feed: Feed) -> bool:
    """Returns whether a feed's entries end with links to vote: by default those of a private copy do."""
    wanted = bool(settings.feed_key) if feed.vote_links is None else feed.vote_links
    return wanted and bool(settings.link_secret)


def is_vote_signed(wire: Paperwire, feed: str, paper: str, direction: str, signature: str) -> bool:
    """Returns whether a signature is that of this vote, and was not revoked."""
    secret, revoked = wire.settings.link_secret, wire.rules.saved.revoked
    return bool(secret) and is_one_of(signature, sign_vote(secret, feed, paper, direction, revoked))


def own_vote_path(wire: Paperwire, feed: str, paper: str, direction: str) -> str:
    """Returns the path of a vote, with its signature."""
    return vote_path(wire.settings.link_secret, feed, paper, direction, wire.rules.saved.revoked)


def linked(request: Request, feed: Feed) -> Callable[[Entry], str] | None:
    """Returns what adds the links of an entry as HTML; None for a feed without them."""
    wire: Paperwire = request.app.state.wire
    if not has_vote_links(wire.settings, feed):
        return None
    base = base_url(request)

    def links(entry: Entry) -> str:
        found = [
            f'<a href="{escape(base + own_vote_path(wire, feed.name, entry.id, direction))}">{text}</a>'
            for direction, (_, text) in DIRECTIONS.items()
            if text
        ]
        return f"<p>{' · '.join(found)}</p>"

    return links
