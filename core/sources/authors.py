"""arXiv's author strings: one line of names, with affiliations in parentheses that hold commas themselves.

Kun-Woo Shin (Seoul National University, Korea), Jay H. Park (Samsung Electronics, Korea)
A. Author (1), B. Writer (1 and 2) ((1) One Institute, (2) Another)
"""

import re
from collections.abc import Iterator

from core.domain.paper import Author
from core.domain.text import has_text
from core.sources.tex import decode_name

_SUFFIX = re.compile(r"(?:Jr|Sr)\.?|I{2,3}|IV|VI{0,3}", re.ASCII)
_SPECIAL = re.compile(r"[\\(){}~]|,\s*(?:Jr|Sr|I[IV]|VI)")  # what needs more than cutting at commas
_SEPARATOR = re.compile(r"[,;:]|\s(?:and|&)\s")
_FOOTNOTE = re.compile(r"\(([\d*†‡a-z]{1,3})\)\s*([^()]*(?:\([^()]*\)[^()]*)*?)\s*(?=[,;]?\s*\([\d*†‡a-z]{1,3}\)|$)")
_KEYS = re.compile(r"[\d*†‡](?:[\s,;&\d*†‡]|and)*")


def split_authors(text: str) -> tuple[Author, ...]:
    """The authors of an author string, in order; affiliations given as footnote numbers are resolved where listed."""
    if not _SPECIAL.search(text):  # nearly all, and ten times faster
        return tuple([Author(" ".join(part.split())) for part in _SEPARATOR.split(text) if has_text(part)])
    names: list[tuple[str, list[str]]] = []
    footnotes: dict[str, str] = {}
    for part in _parts(" ".join(text.split())):
        name, groups = _name_and_groups(part)
        if not name and not groups:
            continue
        if not name:
            footnotes |= _footnotes(groups[-1])
        elif names and _SUFFIX.fullmatch(name):
            names[-1] = (f"{names[-1][0]}, {name}", names[-1][1] + groups)
        else:
            if groups and len(groups) > 1 and groups[-1].startswith("("):
                footnotes |= _footnotes(groups.pop())
            names.append((name, groups))
    return tuple(
        Author(decoded, _affiliation(groups, footnotes))
        for name, groups in names
        if has_text(decoded := decode_name(name))
    )


def _parts(text: str) -> Iterator[str]:
    """The string cut at separators outside of parentheses; a parenthesis that is never closed cuts nothing."""
    depth = start = at = 0
    while at < len(text):
        if text[at] == "(" and text.find(")", at) > 0:
            depth += 1
        elif text[at] == ")":
            depth = max(depth - 1, 0)
        elif depth == 0 and (match := _SEPARATOR.match(text, at)):
            yield text[start:at]
            start = at = match.end()
            continue
        at += 1
    yield text[start:]


def _name_and_groups(part: str) -> tuple[str, list[str]]:
    """What stands outside of parentheses, and what stands inside of each outermost pair."""
    name, depth = "", 0
    groups: list[str] = []
    for char in part:
        if char == ")":
            depth = max(depth - 1, 0)
        if depth == 0 and char not in "()":
            name += char
        elif depth > 0:
            groups[-1] += char
        if char == "(":
            depth += 1
            if depth == 1:
                groups.append("")
    return " ".join(name.split()), [" ".join(group.split()) for group in groups if group.strip()]


def _footnotes(group: str) -> dict[str, str]:
    return {key: text.strip(" ,;") for key, text in _FOOTNOTE.findall(group)}


def _affiliation(groups: list[str], footnotes: dict[str, str]) -> str:
    out = []
    for group in groups:
        keys = re.findall(r"\d+|[*†‡]", group) if _KEYS.fullmatch(group) else []
        out += [footnotes[key] for key in keys if key in footnotes] if keys else [group]
    return decode_name("; ".join(out))
