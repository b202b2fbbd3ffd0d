"""A text with TeX in it, as its readers go over it: where groups and formulas end."""

import re

# They begin with a set of characters, to which the engine can skip: many times faster
_BRACE = re.compile(r"[\\{}](?:(?<=\\).)?", re.DOTALL)
_LIMIT = re.compile(r"[\\{$](?:(?<=\\)(?:[A-Za-z]+|.))?", re.DOTALL)
_BLANK = re.compile(r"\s*")
TOKEN = re.compile(r"[^\\{}^_$~\s]+|\s+|[{}^_$~]|\\(?:[A-Za-z]+|.)?", re.DOTALL)
DEEPEST = 20  # groups in groups


class Unreadable(Exception):
    """Not TeX that can be read as a line of text: nested too deeply, a matrix, half a group."""


class Source:
    """A text with its braces matched. `at` and `end` are places in it, everywhere."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._closes = _closes(text)

    def _before(self, at: int) -> str:
        return self._text[at - 1] if at else ""

    def _skip(self, at: int, end: int) -> int:
        """Where the white space at `at` ends."""
        blank = _BLANK.match(self._text, at, end)
        return blank.end() if blank else at

    def _limit(self, at: int, end: int, limit: str) -> tuple[int, str, bool]:
        r"""Where the formula that begins at `at` ends, or -1; its content, and whether it is strong, for `is_maths`.

        `limit` is the dollar sign, or what follows the backslash of `\)` and `\]`.
        """
        content, strong = [], False
        while found := _LIMIT.search(self._text, at, end):
            content.append(self._text[at : found.start()])
            token, at = found[0], found.end()
            if token == (limit if limit == "$" else "\\" + limit):
                flat = "".join(content)
                return found.start(), flat, strong or "^" in flat or "_" in flat
            if token[0] == "{":
                at = self._closes.get(found.start(), found.start()) + 1
            elif limit != "$" and token in (r"\(", r"\["):
                break
            strong = strong or token[1:].isalpha()
            content.append("\0")
        return -1, "", False


def _closes(text: str) -> dict[int, int]:
    """Where the group that each opening brace begins is closed; braces without a partner are missing."""
    closes: dict[int, int] = {}
    if "{" not in text:
        return closes
    waiting: list[int] = []
    for found in _BRACE.finditer(text):
        if found[0] == "{":
            waiting.append(found.start())
        elif found[0] == "}" and waiting:
            closes[waiting.pop()] = found.start()
    return closes
