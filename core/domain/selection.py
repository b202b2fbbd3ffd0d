"""From a batch and its scores to entries, and the thresholds that a feed sets where a request does not."""

from collections.abc import Mapping
from dataclasses import replace

from core.domain.batch import Batch, announce_type
from core.domain.conditions import Condition
from core.domain.feed import Entry, Feed
from core.domain.query import Query
from core.domain.scoring import Score


def make_entries(feed: Feed, batch: Batch, scores: Mapping[str, Score | None]) -> tuple[Entry, ...]:
    """The batch as the feed shows it, in batch order: papers that have a score, which excluded ones have not."""
    return tuple(
        Entry(
            feed.name,
            item.paper,
            batch.date,
            announce_type(item, feed.categories),
            score.total,
            score.reasons,
            score.matched,
        )
        for item in batch.announcements
        if (score := scores.get(item.paper.versioned)) is not None
    )


def with_defaults(feed: Feed, query: Query, *, capped: bool) -> Query:
    """The query with the feed's own thresholds where the request does not name that field itself.

    So `main.rss` shows `min_score` and more, and `main.rss?score>=1` shows more papers than that. `capped`: also the
    feed's number of entries a day, unless the request says `per_day`.
    """
    defaults = []
    if feed.min_score and not query.names("score"):
        defaults.append(Condition("score", ">=", (feed.min_score,)))
    if not query.names("type"):
        defaults.append(Condition("type", "=", feed.announce_types))
    per_day = query.per_day or (feed.max_entries if capped else 0) or None
    return replace(query, conditions=(*query.conditions, *defaults), per_day=per_day)
