"""What is checked of a model's answer before it is stored: figures, quotations, language and formulas.

All of this is looked up in the material that the model was given. A problem is put in words by which the model can mend
the part; what is wrong after that is marked, capped or mended here.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping
from typing import Any

from core.llm.reading import is_in
from core.model.fulltext import Figures
from core.model.template import LANGUAGES

Problems = dict[tuple[str, ...], str]  # by the place of a part in an answer; () is the whole

_NUMBER = re.compile(r"\d(?:[\d,]*\d)?(?:\.\d+)?")
_LEAST_DIGITS = 2  # of a figure that is looked up
_LIST_NUMBER = re.compile(r"^\s*\d{1,2}[.)]\s", re.MULTILINE)
UNQUOTED_POINTS = 1  # what a criterion gets at most without words of the material that show it
_LEAST_QUOTE = 12  # letters and digits
_GAPS = re.compile(r"…|\.\.\.|\[\.\.\.\]|\[…\]")
_WORDS = {
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "twenty": 20,
    "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100,
}  # fmt: skip
_IN_WORDS = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b", re.IGNORECASE)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_ADDRESS = re.compile(r"https?://[^\s)>\]]+|arXiv:\S+", re.IGNORECASE)
_FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$\n]*\$", re.DOTALL)
_DOLLAR = re.compile(r"(?<!\\)\$")
_MONEY = re.compile(r"(?<![\\$])\$(?=\d[\d,.]*(?:\s|[kKMB]\b|[,.;)]|$))")
_BROKEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]|\$[^$\n]*(?<![a-zA-Z\\])(?:imes|rac\{|heta|abla)")
MARK = " (?)"  # behind a figure that is not in the text
_MOST_NAMED = 8


def check_figures(text: str, material: str) -> Figures:
    """Returns how many of the figures in `text`, numbers of two digits or more, occur in the material."""
    known = _figures(material) | {str(_WORDS[word.lower()]) for word in _IN_WORDS.findall(material)}
    wanted = dict.fromkeys(_written(text), "")
    missing = tuple(figure for figure in wanted if _plain(figure) not in known)
    return Figures(len(wanted) - len(missing), len(wanted), missing[:20])


def mark_figures(text: str, missing: Collection[str]) -> str:
    """Returns `text` with a mark behind each of the figures that are `missing`, but in formulas and code."""
    if not missing:
        return text
    spans = [match.span() for pattern in (_CODE, _FORMULA, _ADDRESS) for match in pattern.finditer(text)]

    def marked(match: re.Match[str]) -> str:
        inside = any(start <= match.start() < end for start, end in spans)
        return match[0] if inside or match[0] not in missing else f"{match[0]}{MARK}"

    return _NUMBER.sub(marked, text)


def is_quoted(quote: str, material: str) -> bool:
    """Returns whether `quote` stands in the material; letter case, marks and spaces do not count."""
    pieces = [_letters(piece) for piece in _GAPS.split(quote)]
    pieces = [piece for piece in pieces if piece]
    whole = _letters(material)
    return sum(map(len, pieces)) >= _LEAST_QUOTE and all(piece in whole for piece in pieces)


def mend_formulas(text: str) -> str:
    """Returns `text` with the dollars of each paragraph escaped where they do not pair."""
    return "\n\n".join(_DOLLAR.sub(r"\\$", part) if _is_unbalanced(part) else part for part in _paragraphs(text))


def problems(
    answer: Any,
    material: str,
    language: str,
    invents: Collection[str] = (),
    quotes: Collection[str] = (),
    *,
    checked: bool = True,
) -> Problems:
    """Returns what is wrong with an answer: a text, or JSON values, by the places of its parts.

    If it is not `checked`, only the language counts.

    Parts with a key in `invents` may hold made-up figures; those with a key in `quotes` are copied from the material.
    """
    texts = dict(_texts(answer))
    whole = "\n".join(text for place, text in texts.items() if not set(place) & set(quotes))
    if not is_in(language, whole):
        return {(): f"It is not in {LANGUAGES[language]}"}
    if not checked:
        return {}
    found = _without_quote(answer)
    for place, text in texts.items():
        if place and place[-1] in quotes:
            if text.strip() and not is_quoted(text, material):
                found[place[:-1]] = "`quote` does not stand in the material: copy it exactly, or leave it empty"
        elif not set(place) & set(invents) and (missing := check_figures(text, material).missing):
            found[place] = f"the material does not have {', '.join(missing[:_MOST_NAMED])}"
        elif any(map(_is_unbalanced, _paragraphs(text))) or _BROKEN.search(text):
            found[place] = "a formula is broken; write it between dollar signs, its backslashes doubled in JSON"
    return found


def _without_quote(answer: Any, place: tuple[str, ...] = ()) -> Problems:
    """Returns the places of marks with points that need a quotation and have none."""
    if not isinstance(answer, Mapping):
        return {}
    if "points" in answer and not str(answer.get("quote", "?")).strip() and answer["points"] > UNQUOTED_POINTS:
        return {place: "`quote` is empty: copy the words of the material that these points rest on"}
    return {at: why for key, value in answer.items() for at, why in _without_quote(value, (*place, str(key))).items()}


def _texts(answer: Any, place: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], str]]:
    if isinstance(answer, Mapping):
        return [one for key, value in answer.items() for one in _texts(value, (*place, str(key)))]
    if isinstance(answer, list):
        return [(place, "\n".join(map(str, answer)))]
    return [(place, answer)] if isinstance(answer, str) else []


def _written(text: str) -> list[str]:
    """Returns the figures of a text as they are written, without numbers of lists and names such as GPT-4."""
    text = _LIST_NUMBER.sub("", _ADDRESS.sub(" ", unicodedata.normalize("NFKC", text)))
    return [one for one in _NUMBER.findall(text) if sum(map(str.isdigit, one)) >= _LEAST_DIGITS]


def _figures(text: str) -> set[str]:
    return {_plain(one) for one in _NUMBER.findall(unicodedata.normalize("NFKC", text))}


def _plain(figure: str) -> str:
    """Returns a figure without separators and final zeros of its fraction: "1,234.50" is 1234.5."""
    figure = figure.replace(",", "")
    return figure.rstrip("0").rstrip(".") if "." in figure else figure


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def _paragraphs(text: str) -> list[str]:
    return text.split("\n\n")


def _is_unbalanced(paragraph: str) -> bool:
    """Returns whether dollars do not pair, or braces inside of them; amounts of money do not count."""
    text = _MONEY.sub("", _CODE.sub("", paragraph))
    if len(_DOLLAR.findall(text)) % 2:
        return True
    return any(match[0].count("{") != match[0].count("}") for match in _FORMULA.finditer(text))
