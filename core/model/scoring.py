"""Scoring: from the places where keywords were found to points with reasons.

How places are found is a matter of speed and lives in `core.ranking.matching`; what they are worth is decided here.
"""

from collections.abc import Iterable
from typing import NamedTuple

from core.model.feed import UPVOTES, Feed, Keyword, Reason
from core.model.paper import Paper
from core.text.fold import fold


class Hit(NamedTuple):
    """Keyword number `rule` of a feed was found at `start:end` of `field`."""

    rule: int
    field: str
    start: int
    end: int


class Score(NamedTuple):
    """The sum of the reasons' points, and the reasons in the order of the feed's keywords."""

    total: float
    reasons: tuple[Reason, ...]
    matched: tuple[str, ...]


def field_text(paper: Paper, field: str) -> str:
    """The text that offsets in `field` refer to."""
    if field == "authors":
        return ", ".join(author.name for author in paper.authors)
    if field == "categories":
        return " ".join(paper.categories)
    if field == "upvotes":
        return "" if paper.upvotes is None else str(paper.upvotes)
    return paper.title if field == "title" else paper.abstract


def tally(feed: Feed, paper: Paper, hits: Iterable[Hit]) -> Score:
    """Points for `hits`, which come in any order and any number.

    A keyword counts once, however often it is found; it earns `title_bonus` of its weight on top when it may match
    anywhere and is found in the title. The reason points to its first place, the title before the abstract. In a feed
    of Hugging Face's papers each upvote is a point.
    """
    first: dict[int, Hit] = {}
    for hit in hits:
        known = first.get(hit.rule)
        if known is None or (hit.field != "title", hit.start) < (known.field != "title", known.start):
            first[hit.rule] = hit
    reasons: list[Reason] = []
    if feed.source == "huggingface" and paper.upvotes:
        text = field_text(paper, UPVOTES)
        reasons.append(Reason(UPVOTES, float(paper.upvotes), UPVOTES, 0, len(text), text))
    for rule in sorted(first):
        _, field, start, end = first[rule]
        keyword, label = feed.keywords[rule], feed.labels[rule]
        text = field_text(paper, field)[start:end]
        reasons.append(Reason(label, keyword.weight, field, start, end, text))
        if field == "title" and feed.title_bonus and not keyword.field:
            points = round(keyword.weight * feed.title_bonus, 4)
            reasons.append(Reason(label, points, field, start, end, text, bonus=True))
    return make_score(tuple(reasons))


def make_score(reasons: tuple[Reason, ...]) -> Score:
    """The score that `reasons` make."""
    total = round(sum([reason.points for reason in reasons]), 4)
    matched = [reason.rule for reason in reasons if not reason.bonus and not reason.of_upvotes]
    return Score(total, reasons, tuple(matched))


def spellings(keyword: str) -> list[str]:
    """The folded spellings of a keyword that whole-word matching accepts: itself, its plural, its singular.

    Folding has already made "fine-tuning" and "fine tuning" one.
    """
    base = " ".join(fold(keyword).split())
    out = [base]
    if base and base[-1].isalpha():
        if base.endswith(("s", "x", "z", "ch", "sh")):
            out.append(base + "es")
        elif base.endswith("y") and base[-2:-1] not in "aeiou":
            out += [base[:-1] + "ies", base + "s"]
        else:
            out.append(base + "s")
        out += _singular(base)
    return out


def _singular(word: str) -> list[str]:
    last = word.rpartition(" ")[2]
    if len(last) <= 3 or not last.endswith("s") or last.endswith(("ss", "us", "is")):  # "gas", "loss", "corpus", "bias"
        return []
    if last.endswith("ies"):
        return [word[:-3] + "y"]
    # "losses" and "boxes" have "es" behind the singular, "caches" and "bases" only "s": both are tried
    return [word[:-1], word[:-2]] if last.endswith(("ses", "xes", "zes", "ches", "shes")) else [word[:-1]]


def same_keyword(keyword: Keyword) -> tuple[str, str]:
    """What makes two keywords of one feed the same rule: "Framework" and "framework", "KV-cache" and "KV cache"."""
    return keyword.field, " ".join(fold(keyword.text).split())
