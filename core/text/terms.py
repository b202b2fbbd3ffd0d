"""The terms of a text: its words without inflection and stop words, and pairs of neighbouring words.

Learning counts them, so that "KV caches", "KV-cache" and "kv cache" are one term.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

_WORD = re.compile(r"[^\W_]+")
_SPACES = {code: " " for code in range(128) if not chr(code).isalnum()}
_LONGEST = 40  # characters of a word; longer ones are codes or damage
_STOP_WORDS = """
    a about above across after again against all almost also although always among an and another any are as at be
    because been before being below between both but by can cannot could did do does doing done down due during each
    either et etc even every few first for from further furthermore get give given gives had has have having he hence
    her here hers him his how however i if in into is it its itself just known last least less let like made make makes
    many may me might more moreover most much must my namely need new no nor not now of off often on once one only onto
    or other others our out over own per perhaps rather same second see several shall she should show showed shown
    shows since so some still such than that the their them then there thereby therefore these they third this those
    though three through throughout thus to together too toward towards two under until up upon us use used uses using
    various very via was we well were what when where whereas whether which while who whose why will with within
    without would yet you your al e g ie eg we're it's don t s paper propose proposed present presents presented
    introduce introduces study studies
    https http www com github available publicly release released
"""  # the last line: words about releases, which many liked papers have and which mean nothing
_STOP = frozenset(_STOP_WORDS.split())


class TermPlace(NamedTuple):
    """A term and where it stands in a text."""

    term: str
    start: int
    end: int


def terms_of(text: str) -> list[str]:
    """Returns all terms of `text`, in no particular order, each as often as it occurs."""
    lowered = text.lower()
    # The same words; half of a scorer's time is spent here
    found = lowered.translate(_SPACES).split() if lowered.isascii() else _WORD.findall(lowered)
    words = list(map(_stem, found))
    pairs = [f"{one} {two}" for one, two in pairwise(words) if one and two]
    return [*filter(None, words), *pairs]


def places_of_terms(text: str, wanted: Iterable[str]) -> Iterator[TermPlace]:
    """Yields where any of the `wanted` terms stands in `text`."""
    names = frozenset(wanted)
    before: tuple[str, int] = ("", 0)
    for match in _WORD.finditer(text):
        word = _stem(match[0].lower())
        if word and word in names:
            yield TermPlace(word, match.start(), match.end())
        if word and before[0] and (pair := f"{before[0]} {word}") in names:
            yield TermPlace(pair, before[1], match.end())
        before = (word, match.start())


def first_place(text: str, term: str) -> TermPlace | None:
    """Returns the first place of a term in `text`, None if it has none: without a look at all other words."""
    first, _, second = term.partition(" ")
    # An inflected form begins with the word itself, but for "ies"
    for start in re.finditer(rf"(?<![^\W_]){re.escape(first.removesuffix('y'))}", text, re.IGNORECASE):
        match = _WORD.match(text, start.start())
        if match is None or _stem(match[0].lower()) != first:
            continue
        if not second:
            return TermPlace(term, match.start(), match.end())
        after = _WORD.search(text, match.end())
        if after and _stem(after[0].lower()) == second:
            return TermPlace(term, match.start(), after.end())
    return None


@lru_cache(maxsize=60_000)
def _stem(word: str) -> str:
    """Returns a word in lower case without its plural, "" for a stop word."""
    if word in _STOP or len(word) > _LONGEST or (len(word) == 1 and not word.isalpha()) or word.isdecimal():
        return ""
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and word[-2] not in "suia":
        return word[:-1]
    return word
