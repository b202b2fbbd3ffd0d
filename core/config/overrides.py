"""The rules in force: the feeds of feeds.toml, with those over them that the owner saved.

What the owner can do to the feeds: each as a change of what is saved, and a word for the history."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from core.config.feeds_file import FeedModel, FeedsFile, check_name, explain_feed, to_toml
from core.model.categories import merged
from core.model.errors import PaperwireError
from core.model.feed import Feed
from core.model.saved import Saved
from core.util.signing import fingerprint

log = logging.getLogger("paperwire")


@dataclass(frozen=True)
class Rules:
    """The feeds in force, as they are configured, with what the owner `saved` of them; the first is the main one."""

    file: FeedsFile
    saved: Saved
    models: Mapping[str, FeedModel]

    @cached_property
    def feeds(self) -> dict[str, Feed]:
        """The feeds by name."""
        return {name: model.to_feed(name) for name, model in self.models.items()}

    def of(self, source: str) -> list[Feed]:
        """The feeds of a source."""
        return [feed for feed in self.feeds.values() if feed.source == source]

    @property
    def wants_picks(self) -> bool:
        """Whether a feed needs what Hugging Face has."""
        return any(feed.source == "huggingface" or feed.uses_upvotes for feed in self.feeds.values())

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """What has to be fetched for the feeds."""
        return all_categories(self.of("arxiv"))

    @cached_property
    def fingerprint(self) -> str:
        """Changes with everything that the owner can configure."""
        models = {name: model.model_dump(mode="json") for name, model in self.models.items()}
        return fingerprint("rules", self.file.instance.model_dump(mode="json"), models)


def rules_in_force(file: FeedsFile, saved: Saved) -> Rules:
    """The rules that `file` and `saved` make. A saved feed that is no longer valid (another version saved it) does not
    count, and is logged; if no feed were left, the file alone counts.
    """
    models = {name: model for name, feed in saved.feeds.items() if feed is not None and (model := _model(name, feed))}
    return Rules(file, saved, saved.over(file.feeds, models) or dict(file.feeds))


def all_categories(feeds: Iterable[Feed]) -> tuple[str, ...]:
    """The categories that have to be fetched for `feeds`."""
    return merged(tuple(name for feed in feeds for name in feed.categories))


def _model(name: str, feed: Mapping[str, Any]) -> FeedModel | None:
    try:
        return FeedModel.model_validate(feed)
    except ValidationError as error:
        log.warning("the saved feed %s cannot be used: %s", name, "; ".join(explain_feed(error).values()))
        return None


MOST_FEEDS = 50
Changed = tuple[Saved, str]


class Refused(PaperwireError):
    """What the owner wants is not possible; `field` is the one of the form that has to be changed."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def save_feed(rules: Rules, name: str, model: FeedModel, *, was: str = "") -> Changed:
    """The feed `name` is `model`; `was` is its name so far, "" for a new one. Raises `Refused`."""
    _check_name(rules, name, was)
    if not was and len(rules.models) >= MOST_FEEDS:
        raise Refused("called", f"there are {len(rules.models)} feeds already; up to {MOST_FEEDS} are possible")
    plain = model.model_dump(mode="json", exclude_defaults=True)
    changed = rules.saved.with_feed(name, plain, was=was).tidied(rules.file.feeds)
    if not was:
        return changed, f"made {name}"
    return changed, f"changed {name}" if was == name else f"changed {was}, which is {name} now"


def delete_feed(rules: Rules, name: str) -> Changed:
    """The feed `name` is gone. Raises `Refused` for the last one."""
    _check_known(rules, name)
    if len(rules.models) == 1:
        raise Refused("feed", f"{name} is the only feed, and a wire needs one. Change it, or make another one first.")
    return rules.saved.without(name).tidied(rules.file.feeds), f"deleted {name}"


def restore_feed(rules: Rules, name: str) -> Changed:
    """The feed `name` is as feeds.toml has it. Raises `Refused` if that has none of that name."""
    place = rules.saved.places.get(name, name)
    if place not in rules.file.feeds or (name not in rules.saved.feeds and place == name):
        raise Refused("feed", f"of {name} there is nothing in feeds.toml that could be gone back to")
    changed = rules.saved.as_in_file(name)
    if changed.feeds.get(place) is not None:
        raise Refused("feed", f"{place}, which is its name in feeds.toml, is that of another feed now")
    return changed, f"{place} as in feeds.toml again"


def origin_of(rules: Rules, name: str) -> str:
    """Where a feed that is in force comes from: "file", "changed" (in feeds.toml, and saved over it) or "saved"."""
    if rules.saved.feeds.get(name) is None:
        return "file"
    return "changed" if rules.saved.places.get(name, name) in rules.file.feeds else "saved"


def export_feeds(rules: Rules) -> str:
    """The feeds in force as the text of a feeds.toml that means the same."""
    tables: dict[str, dict[str, Any]] = {"instance": rules.file.instance.model_dump(mode="json")}
    for name, model in rules.models.items():
        plain = model.model_dump(mode="json", exclude_defaults=True)
        inner = {key: value for key, value in plain.items() if isinstance(value, dict)}
        tables[f"feeds.{name}"] = {key: value for key, value in plain.items() if key not in inner}
        tables |= {f"feeds.{name}.{key}": value for key, value in inner.items()}
    return to_toml(tables)


def _check_known(rules: Rules, name: str) -> None:
    if name not in rules.models:
        raise Refused("feed", f"there is no feed {name} any more")


def _check_name(rules: Rules, name: str, was: str) -> None:
    if was:
        _check_known(rules, was)
    try:
        check_name(name)
    except ValueError as error:
        raise Refused("called", str(error)) from None
    if name != was and name in rules.models:
        raise Refused("called", f"there is a feed {name} already")
    now = rules.saved.name_now(name)
    if now not in (name, was) and now in rules.models:
        raise Refused("called", f"who subscribed to {name} is led to {now}, as that feed is called now")
