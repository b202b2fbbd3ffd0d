"""Scoring: from the places where rules were found to points with reasons.

`core.ranking.matching` finds the places; this module computes their points.
"""

from collections.abc import Iterable
from typing import NamedTuple

from core.model.feed import UPVOTES, Feed, Keyword, Reason
from core.model.paper import Paper
from core.model.rules import identity, parse_rule


class Hit(NamedTuple):
    """Keyword number `rule` of a feed was found at `start:end` of `field`.

    `anywhere`: it was looked for in title and abstract, and so earns the bonus where it is in the title.
    """

    rule: int
    field: str
    start: int
    end: int
    anywhere: bool = True


class Score(NamedTuple):
    """The sum of the reasons' points, and the reasons in the order of the feed's keywords.

    `mentions` is how often the paper speaks of the feed's keywords: the places of all that give points. `learned` is
    the part of the total that comes from votes, and `vote` the owner's own.
    """

    total: float
    reasons: tuple[Reason, ...]
    matched: tuple[str, ...]
    mentions: int = 0
    learned: float = 0.0
    vote: int = 0


def field_text(paper: Paper, field: str) -> str:
    """Returns the text that offsets in `field` refer to."""
    if field == "authors":
        return ", ".join(author.name for author in paper.authors)
    if field == "categories":
        return " ".join(paper.categories)
    if field == "upvotes":
        return "" if paper.upvotes is None else str(paper.upvotes)
    return paper.title if field == "title" else paper.abstract


def tally(feed: Feed, paper: Paper, hits: Iterable[Hit], mentions: int = 0) -> Score:
    """Points for `hits`, which come in any order and any number.

    A keyword counts once, however often it is found; it earns `title_bonus` of its weight on top when it may match
    anywhere and is found in the title. The reason points to its first place, the title before the abstract; of places
    that begin there to the longest. In a feed of Hugging Face's papers each upvote is a point.
    """
    first: dict[int, Hit] = {}
    for hit in hits:
        known = first.get(hit.rule)
        if known is None or _place(hit) < _place(known):
            first[hit.rule] = hit
    reasons: list[Reason] = []
    if feed.source == "huggingface" and paper.upvotes:
        text = field_text(paper, UPVOTES)
        reasons.append(Reason(UPVOTES, float(paper.upvotes), UPVOTES, 0, len(text), text))
    for rule in sorted(first):
        _, field, start, end, anywhere = first[rule]
        keyword, label = feed.keywords[rule], feed.labels[rule]
        text = field_text(paper, field)[start:end]
        reasons.append(Reason(label, keyword.weight, field, start, end, text))
        if field == "title" and feed.title_bonus and anywhere and not keyword.field:
            points = round(keyword.weight * feed.title_bonus, 4)
            reasons.append(Reason(label, points, field, start, end, text, bonus=True))
    return make_score(tuple(reasons), mentions)


def _place(hit: Hit) -> tuple[bool, int, int]:
    return hit.field != "title", hit.start, -hit.end


def make_score(reasons: tuple[Reason, ...], mentions: int = 0, vote: int = 0) -> Score:
    """Returns the score of `reasons`."""
    total = round(sum([reason.points for reason in reasons]), 4)
    learned = round(sum([reason.points for reason in reasons if reason.learned]), 4)
    matched = [r.rule for r in reasons if not r.bonus and not r.learned and not r.of_upvotes]
    return Score(total, reasons, tuple(matched), mentions, learned, vote)


def same_keyword(keyword: Keyword) -> object:
    """What makes two keywords of one feed the same rule: "Framework" and "framework", "KV-cache" and "KV cache"."""
    return identity(parse_rule(keyword.label))
