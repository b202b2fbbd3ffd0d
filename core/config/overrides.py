"""The feeds in force: those of feeds.toml, overridden by what the owner saved; and the owner's actions on them.

Each action returns the new overrides, and a line for the history.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from core.config.feed_table import read_feed
from core.config.feeds_file import FeedsFile, check_name, write_feeds_file
from core.model.categories import merged
from core.model.entries import ALL
from core.model.errors import FeedError, Refused
from core.model.feed import Feed
from core.model.saved import Saved
from core.model.sources import ELSEWHERE
from core.model.votes import LearnedIndex, LearnedRow
from core.util.signing import CUSTOM, fingerprint

log = logging.getLogger("paperwire")

MOST_FEEDS = 50
Changed = tuple[Saved, str]
NOTHING_LEARNED = LearnedIndex()


@dataclass(frozen=True)
class Rules:
    """The feeds in force by name, with the `file` and what is `saved` over it; the first feed is the main one."""

    file: FeedsFile
    saved: Saved
    feeds: Mapping[str, Feed]
    learned: LearnedIndex = field(default_factory=LearnedIndex)

    def row(self, name: str) -> tuple[str, LearnedRow]:
        """Returns the name under which a feed's votes are stored, and what is known of them.

        A renamed feed takes its votes along: they are those of its former name until it has some under its own.
        """
        return learned_row(self.saved, self.learned, name)

    def under(self, learned: LearnedIndex) -> "Rules":
        """Returns the same feeds with what is `learned` now."""
        feeds = {
            name: replace(feed, learned=learned_row(self.saved, learned, name)[1].model, lessons=None)
            for name, feed in self.feeds.items()
        }
        return replace(self, feeds=feeds, learned=learned)

    def of(self, source: str) -> list[Feed]:
        """The feeds of a source."""
        return [feed for feed in self.feeds.values() if feed.source == source]

    @cached_property
    def sources(self) -> frozenset[str]:
        """The sources that the feeds use."""
        return frozenset(feed.source for feed in self.feeds.values())

    @property
    def wants_picks(self) -> bool:
        """Whether a feed needs data from Hugging Face."""
        return any(feed.source == "huggingface" or feed.uses_upvotes for feed in self.feeds.values())

    @property
    def wants_others(self) -> bool:
        """Whether a feed needs data from any source beside arXiv."""
        return self.wants_picks or not self.sources.isdisjoint(ELSEWHERE)

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """The categories to fetch for the feeds."""
        return merged(name for feed in self.of("arxiv") for name in feed.categories)

    @cached_property
    def fingerprint(self) -> str:
        """The fingerprint of everything that the owner can configure."""
        feeds = {n: feed.to_plain() | {"summary": feed.template(has_model=False)} for n, feed in self.feeds.items()}
        for plain in feeds.values():  # keys that are not set leave the fingerprint as it was before there were any
            for name in ("expand", "vote_links"):
                if plain[name] is None:
                    del plain[name]
            if not plain["urls"]:
                del plain["urls"]
        learned = {name: feed.learned for name, feed in self.feeds.items() if feed.learned}
        signed = {"revoked": self.saved.revoked} if self.saved.revoked else {}  # documents have signed addresses
        more = [part for part in (learned, signed) if part]
        return fingerprint("rules", self.file.instance.model_dump(mode="json"), feeds, *more)


def learned_row(saved: Saved, learned: LearnedIndex, name: str) -> tuple[str, LearnedRow]:
    """Returns the name under which the votes of the feed `name` are stored, and what is known of them."""
    former = [old for old in saved.moved if saved.name_now(old) == name]
    key = next((one for one in (name, *reversed(former)) if one in learned.rows), name)
    return key, learned.rows.get(key, LearnedRow())


def rules_in_force(file: FeedsFile, saved: Saved, learned: LearnedIndex = NOTHING_LEARNED) -> Rules:
    """The rules that `file` and `saved` make, with what was `learned` from votes.

    A saved feed that is not valid (another version saved it) does not count, and is logged. If no feed is left, the
    file alone counts.
    """
    usable = {name: feed for name, plain in saved.feeds.items() if plain is not None and (feed := _usable(name, plain))}
    feeds = saved.over(file.feeds, usable)
    named = {name: replace(feed, name=name) for name, feed in feeds.items()} or file.feeds
    rules = Rules(file, saved, named, learned)
    return rules.under(learned) if learned.rows else rules


def _usable(name: str, plain: Mapping[str, Any]) -> Feed | None:
    try:
        return read_feed(name, plain)
    except FeedError as error:
        log.warning("the saved feed %s cannot be used: %s", name, "; ".join(error.problems))
        return None


def save_feed(rules: Rules, feed: Feed, *, was: str = "") -> Changed:
    """Save `feed` under its name; `was` is its name so far, "" for a new one. Raises `Refused`."""
    name = feed.name
    _check_name(rules, name, was)
    if not was and len(rules.feeds) >= MOST_FEEDS:
        raise Refused("called", f"there are {len(rules.feeds)} feeds already; up to {MOST_FEEDS} are possible")
    changed = rules.saved.with_feed(name, feed.to_plain(defaults=False), was=was).tidied(rules.file.feeds)
    if not was:
        return changed, f"made {name}"
    return changed, f"changed {name}" if was == name else f"changed {was}, which is {name} now"


def with_keyword(file: FeedsFile, saved: Saved, name: str, keyword: str, weight: float | None) -> Changed:
    """Add a keyword to the feed `name`, or remove it if `weight` is None.

    Raises `Refused` without that feed, `FeedError` if it cannot be a rule.
    """
    rules = rules_in_force(file, saved)
    _check_known(rules, name)
    before = rules.feeds[name]
    plain = before.to_plain(defaults=False)
    keywords = {label: points for label, points in plain.get("keywords", {}).items() if label != keyword}
    if weight is not None:
        keywords[keyword] = weight
    # A feed of all papers stays one: with keywords, the usual least score is above 0
    kept = {} if before.keywords else {"min_score": before.min_score}
    feed = read_feed(name, plain | kept | {"keywords": keywords})
    changed, _ = save_feed(rules, feed, was=name)
    return changed, f"removed {keyword} from {name}" if weight is None else f"added {keyword} to {name}"


def delete_feed(rules: Rules, name: str) -> Changed:
    """Delete the feed `name`. Raises `Refused` for the last feed."""
    _check_known(rules, name)
    if len(rules.feeds) == 1:
        raise Refused("feed", f"{name} is the only feed, and a wire needs one. Change it, or make another one first.")
    return rules.saved.without(name).tidied(rules.file.feeds), f"deleted {name}"


def restore_feed(rules: Rules, name: str) -> Changed:
    """Restore the feed `name` from feeds.toml. Raises `Refused` if the file has no such feed."""
    place = rules.saved.places.get(name, name)
    if place not in rules.file.feeds or (name not in rules.saved.feeds and place == name):
        raise Refused("feed", f"of {name} there is nothing in feeds.toml that could be gone back to")
    changed = rules.saved.as_in_file(name)
    if changed.feeds.get(place) is not None:
        raise Refused("feed", f"{place}, which is its name in feeds.toml, is that of another feed now")
    return changed, f"{place} as in feeds.toml again"


def revoke_addresses(rules: Rules, name: str) -> Changed:
    """Revoke the signed addresses of a feed: those to subscribe to, and those to vote. Raises `Refused`.

    "custom" stands for all feeds with rules in the address, "all" for the merged feed.
    """
    if name not in (CUSTOM, ALL):
        _check_known(rules, name)
    return rules.saved.revoking(name), f"revoked the addresses of {name}"


def origin_of(rules: Rules, name: str) -> str:
    """Returns the origin of a feed in force: "file", "changed" (in feeds.toml, with an override) or "saved"."""
    if rules.saved.feeds.get(name) is None:
        return "file"
    return "changed" if rules.saved.places.get(name, name) in rules.file.feeds else "saved"


def export_feeds(rules: Rules) -> str:
    """Returns the feeds in force as the text of an equivalent feeds.toml."""
    feeds = {name: feed.to_plain(defaults=False) for name, feed in rules.feeds.items()}
    return write_feeds_file(rules.file.instance.model_dump(mode="json"), feeds, rules.file.deliver)


def _check_known(rules: Rules, name: str) -> None:
    if name not in rules.feeds:
        raise Refused("feed", f"there is no feed {name} any more. The feeds are {', '.join(rules.feeds)}.")


def _check_name(rules: Rules, name: str, was: str) -> None:
    if was:
        _check_known(rules, was)
    try:
        check_name(name)
    except ValueError as error:
        raise Refused("called", str(error)) from None
    if name != was and name in rules.feeds:
        raise Refused("called", f"there is a feed {name} already")
    now = rules.saved.name_now(name)
    if now not in (name, was) and now in rules.feeds:
        raise Refused("called", f"who subscribed to {name} is led to {now}, as that feed is called now")
