"""What was learned in words: the terms that earn or cost points, and keywords that the likes suggest."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from core.model.feed import Feed
from core.model.paper import Paper
from core.model.votes import Votes
from core.ranking.learned import Learned
from core.ranking.matching import make_scorer
from core.ranking.words import word_table

MOST_WORDS_SHOWN = 60
MOST_SUGGESTED = 8
_TYPICAL_LENGTH = 55.0  # of a paper's vector of terms before it is brought to length 1
_LEAST_LIKES, _LEAST_SHARE = 3, 0.25  # of the likes have a suggested keyword
_MOST_DISLIKES = 0.2  # of the dislikes
_LEAST_IDF = 2.5  # a suggested keyword is in one of twelve papers at most


class Word(NamedTuple):
    """A term that was learned: in how many liked and disliked papers it is, and what it is worth in a usual paper."""

    term: str
    likes: int
    dislikes: int
    points: float


class Suggestion(NamedTuple):
    """A keyword that many liked papers have and that no rule of the feed finds: with `likes` of `of` papers."""

    keyword: str
    weight: float
    likes: int
    of: int


def learned_words(model: Learned) -> list[Word]:
    """Returns the terms of several liked or disliked papers, with the largest points first, whatever their sign."""
    table = word_table()
    names = {*model.liked, *model.disliked}
    words = []
    for term in names:
        number, idf = table.numbers.get(term, table.rows), table.idf.get(term, table.unknown)
        weight = model.linear.get(term, 0.0) + (model.folded[number] if number < table.rows else 0.0)
        points = round(weight * idf / _TYPICAL_LENGTH, 2)
        words.append(Word(term, model.liked.get(term, 0), model.disliked.get(term, 0), points))
    words.sort(key=lambda word: (-abs(word.points), word.term))
    return words[:MOST_WORDS_SHOWN]


def suggested_keywords(feed: Feed, votes: Votes, words: list[Word]) -> list[Suggestion]:
    """Returns the keywords that the likes suggest, without those that the feed has or that were dismissed."""
    likes, dislikes = len(votes.likes), len(votes.dislikes)
    known = make_scorer(feed)
    table = word_table()
    out: list[Suggestion] = []
    for word in words:
        has_share = word.likes >= max(_LEAST_LIKES, _LEAST_SHARE * likes)
        is_rare = table.idf.get(word.term, table.unknown) >= _LEAST_IDF
        apart = word.dislikes <= _MOST_DISLIKES * dislikes and word.points > 0 and word.term not in votes.dismissed
        chosen = {part for one in out for part in one.keyword.split()}
        if has_share and is_rare and apart and chosen.isdisjoint(word.term.split()) and not _is_found(known, word.term):
            weight = 2.0 if word.likes >= likes / 2 else 1.0
            out.append(Suggestion(word.term, weight, word.likes, likes))
    return sorted(out, key=lambda one: -one.likes)[:MOST_SUGGESTED]


def lessons_to_plain(feed: Feed, votes: Votes, model: Learned | None) -> Mapping[str, Any]:
    """Returns what was learned for a feed as JSON values."""
    words = learned_words(model) if model else []
    return {
        "feed": feed.name,
        "from": {"likes": len(votes.likes), "dislikes": len(votes.dislikes), "library": len(votes.library)},
        "words": [word._asdict() for word in words],
        "removed": list(votes.removed),
        "suggestions": [one._asdict() for one in suggested_keywords(feed, votes, words)] if votes.votes else [],
    }


def _is_found(score: Any, term: str) -> bool:
    found = score(Paper("0000.00000", 1, term, "", (), ()))
    return found is None or bool(found.matched)
