"""Which sentence of an abstract says what: the problem, the limits of what exists, the method, the effect.

What a sentence is about shows in which kinds of words follow each other in it, and in its place: an abstract goes from
the problem over what is wrong with other work to what was done, and to what came of it.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from operator import or_

from core.domain.cues import BITS, kinds_of_words

ROLES = ("problem", "limits", "method", "effect")
_NUMBER = re.compile(r"\d\s?(?:%|\\%|x\b|×|percent|times|-?fold|points?\b|pp\b)|\\times|\b\d+\.\d")
_DENIAL = re.compile(r"\b(?:do|does|did|is|are|has|have|may|can) not\b(?! only)")
_ANY = -100.0
_EITHER = 4.0  # points for limits from which a sentence on the problem may tell them as well
_TO_THIS = re.compile(r"to (?:\w+ ){0,2}(?:this|these|that|such)\b")  # "to address these issues", "to this end"
_MOST = 40  # sentences; what has more is no abstract
_LEAST = {"problem": 2.0, "limits": 4.0, "method": 3.0, "effect": 3.5}  # points; with fewer a sentence does not fit


class _Sentence:
    """What is seen in a sentence."""

    __slots__ = ("all", "bits", "link", "number", "to_this")

    def __init__(self, text: str) -> None:
        low = _DENIAL.sub("cannot", text.lower()).replace("state of the art", "state-of-the-art")
        self.bits = kinds_of_words(low)
        self.all = reduce(or_, self.bits, 0)
        self.number = bool(_NUMBER.search(low))
        self.link = "http" in low
        self.to_this = bool(_TO_THIS.match(low))

    def has(self, *kinds: str) -> bool:
        """Whether there is a word of each of these kinds."""
        return all(self.all & BITS[kind] for kind in kinds)

    def begins(self, kind: str, within: int = 1) -> bool:
        """Whether one of the first words is of the kind."""
        return any(bits & BITS[kind] for bits in self.bits[:within])

    def follow(self, first: str, *steps: tuple[int, str]) -> bool:
        """Whether words of these kinds follow each other, each at most so many words after the one before."""
        places: Iterable[int] = [at for at, bits in enumerate(self.bits) if bits & BITS[first]]
        for most, kind in steps:
            bit = BITS[kind]
            places = {
                at for place in places for at in range(place + 1, min(place + 1 + most, len(self.bits)))
                if self.bits[at] & bit
            }  # fmt: skip
        return bool(places)


def _of_others(s: _Sentence) -> bool:
    return s.follow("others", (4, "works"), (60, "lacks"))


def _by_us(s: _Sentence, verb: str) -> bool:
    return s.follow("we", (7, verb)) or s.follow("our", (2, "paper"), (7, verb))


def _is_result(s: _Sentence) -> bool:
    return (s.begins("tried", 8) and s.follow("tried", (25, "found"))) or s.follow("our", (2, "tried"), (6, "found"))


def _is_contrast(s: _Sentence) -> bool:
    """How it differs from other work."""
    return s.begins("unlike") and (s.has("lacks") or s.follow("others", (4, "works")))


def _is_drawback(s: _Sentence) -> bool:
    """What is wrong, without a word on whose work it is."""
    return s.has("lacks") and not s.has("gain") and not s.begins("our", 3)


def _is_notice(s: _Sentence) -> bool:
    """Where code and data can be had."""
    return s.link or s.follow("goods", (12, "shared")) or s.follow("shared", (4, "goods"))


# What speaks for a role, and against it, in points
_SIGNS: dict[str, tuple[tuple[float, Callable[[_Sentence], bool]], ...]] = {
    "problem": (
        (2.0, lambda s: s.has("trouble")),
        (1.5, lambda s: s.has("hard")),
        (1.0, lambda s: s.begins("but")),
        (0.5, lambda s: s.has("but")),
        (1.5, lambda s: s.follow("goal", (3, "be"))),
        (-2.5, lambda s: s.has("bright") and not (s.has("but") or s.has("despite"))),
        (-2.5, lambda s: s.follow("solve", (3, "hard"))),  # it tells of a way out already
        (-2.0, lambda s: s.has("we", "tried")),
        (-3.0, lambda s: s.begins("next") or s.follow("key", (2, "idea"))),
        (-6.0, _is_notice),
    ),
    "limits": (
        (4.0, _of_others),
        (3.0, lambda s: s.follow("works", (12, "strong"))),
        (1.0, lambda s: s.follow("others", (4, "works"))),
        (1.0, lambda s: s.begins("others", 3)),
        (1.0, lambda s: s.has("lacks")),
        (1.5, lambda s: s.has("strong")),
        (1.0, lambda s: s.has("but")),
        (0.5, lambda s: s.begins("despite")),
        (-3.0, lambda s: s.begins("we", 3) or _by_us(s, "study")),
        (-6.0, _is_notice),
    ),
    "method": (
        (1.5, lambda s: s.has("propose")),
        (3.5, lambda s: _by_us(s, "propose") or (_by_us(s, "study") and not s.has("propose"))),
        (2.0, lambda s: _by_us(s, "study") and not _by_us(s, "propose") and s.has("propose")),
        (2.5, lambda s: s.follow("be", (4, "thing"), (8, "propose"))),
        (2.0, lambda s: s.follow("key", (2, "idea"))),
        (1.5, lambda s: s.to_this),
        (1.0, lambda s: s.follow("new", (8, "thing"))),
        (1.0, lambda s: s.has("thing")),
        (-2.0, lambda s: s.begins("next")),
        (-2.0, lambda s: s.has("outlook") and not s.begins("we", 3)),
        (-4.0, lambda s: _is_result(s) and not s.begins("we", 3)),
        (-6.0, _is_notice),
    ),
    "effect": (
        (4.0, _is_result),
        (4.0, lambda s: s.number),
        (1.0, lambda s: s.number and s.has("versus")),
        (2.0, lambda s: s.has("gain")),
        (1.5, lambda s: s.follow("found", (5, "gain"))),
        (1.5, lambda s: s.has("beat")),
        (1.5, lambda s: _by_us(s, "found")),
        (1.0, lambda s: s.has("tried")),
        (-4.0, lambda s: s.has("outlook")),
        (-4.0, lambda s: s.begins("others", 4) and _of_others(s)),
        (-6.0, _is_notice),
    ),
}


def _weigh(role: str, s: _Sentence) -> float:
    return sum(points for points, holds in _SIGNS[role] if holds(s))


def by_role(sentences: Sequence[str]) -> dict[str, int]:
    """For each role the number of the sentence that fits it best; a role that none fits is absent.

    A sentence serves one role.
    """
    seen = [_Sentence(text) for text in sentences[:_MOST]]
    chosen: dict[str, int] = {}

    def choose(
        role: str, places: Iterable[int], prefer: float = 0.0, like: str = "", least: float | None = None
    ) -> None:
        points = {at: _weigh(like or role, seen[at]) for at in places if at not in chosen.values()}
        best = max(points, key=lambda at: (points[at] + prefer * at, -at), default=-1)
        if role not in chosen and best >= 0 and points[best] >= (_LEAST[like or role] if least is None else least):
            chosen[role] = best

    everywhere = range(len(seen))
    choose("method", everywhere, prefer=-0.3)
    turn = chosen.get("method", 0)
    choose("effect", everywhere[turn:], prefer=0.1)
    choose("limits", everywhere[:turn], prefer=0.2)
    choose("limits", [at for at in everywhere if _is_contrast(seen[at])], least=_ANY)
    choose("problem", everywhere[:turn])
    choose("problem", everywhere[:turn], like="limits")  # two on the limits: one of them tells the problem
    choose("limits", [at for at in everywhere[:turn] if _is_drawback(seen[at])], like="problem")
    if not turn and "method" in chosen:  # it begins with what was done
        choose(
            "problem",
            [at for at in everywhere[: chosen.get("effect")] if _is_drawback(seen[at]) and seen[at].has("hard")],
        )
    return _in_order(seen, chosen, turn)


def _in_order(seen: Sequence[_Sentence], chosen: dict[str, int], turn: int) -> dict[str, int]:
    """The choice with the problem before the limits, where both could be either."""
    problem, limits = chosen.get("problem"), chosen.get("limits", turn)
    if limits >= turn:
        return chosen
    if problem is None and not _of_others(seen[limits]):  # it says what is wrong, but not with others' work
        return {role: at for role, at in chosen.items() if role != "limits"} | {"problem": limits}
    if problem is not None and limits < problem < turn and _weigh("limits", seen[problem]) >= _EITHER:
        return chosen | {"problem": limits, "limits": problem}
    return chosen
