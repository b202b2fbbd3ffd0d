"""Sentences of an abstract: where one ends and the next begins."""

import re

# A stop, then a blank, then what may begin a sentence: a capital, a digit, a formula, or a name such as "vLLM".
_END = re.compile(
    r"""[.!?]["”’')\]]*\s+(?=["“‘'(\[]*(?:[A-Z0-9$\\Α-ΩÀ-Þ]|[a-z]{1,4}[A-Z]))"""
    r"|(?<=[a-z]{3})\.(?=(?:However|In this|In the|It|Our|The|These|This|To|We)\b)"  # the blank was forgotten
)
# What ends with a stop, but no sentence with it
_SHORT = re.compile(
    r"(?:\b(?:e\.g|i\.e|vs|v|cf|al|approx|resp|w\.r\.t|a\.k\.a|ca|no|nos|figs?|eqs?|secs?|sects?|refs?|tabs?|chap|vol|pp|"
    r"dr|prof|mr|mrs|ms|st|inc|ltd|jr|dept|univ|u\.s|ph\.d)|(?:^|[\s(])[a-z](?:\.[a-z])*)\.$",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"^[(\[]?(?:\d{1,2}|[ivx]{1,4}|[a-z])[)\].]\s*\S{0,30}$"
)  # "(1) Detect.": the head of a sentence
_SHORTEST = 12  # characters; less is a part of something
_OPENED = re.compile(r"\([^()]*$")


def sentences(text: str) -> list[str]:
    """The sentences of `text` as they stand, white space made single."""
    text = " ".join(text.split())
    found: list[str] = []
    start = 0
    for match in _END.finditer(text):
        piece = text[start : match.end()].strip()
        if _goes_on(piece, text[match.end() :]):
            continue
        found.append(piece)
        start = match.end()
    return [*found, last] if (last := text[start:].strip()) else found


def _goes_on(piece: str, rest: str) -> bool:
    """Whether the stop at the end of `piece` is none that ends a sentence."""
    if (len(piece) < _SHORTEST and piece[-1] == ".") or _NUMBERED.match(piece):
        return True
    if _OPENED.search(piece[-200:]) and ")" in rest[:200] and "(" not in rest[: rest.find(")")]:
        return True
    return bool(_SHORT.search(piece[-12:]))
