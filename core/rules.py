"""The rules in force: the feeds of feeds.toml, with those over them that the owner saved."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from core.config import FeedsFile, explain_feed
from core.domain.categories import merged
from core.domain.feed import Feed
from core.domain.fingerprint import fingerprint
from core.domain.saved import Saved
from core.feed_model import FeedModel

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
