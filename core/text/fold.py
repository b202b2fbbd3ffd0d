"""Text made comparable: case, accents and dashes folded, character by character, so that offsets stay true."""

import re
import unicodedata

DASHES = "‐‑‒–—−-"
# Letters that Unicode does not take apart, and the apostrophes of printers
_LIKE = str.maketrans("łŁøØđĐħĦŧŦıɨƀðÐ’‘ʼʹ´′＇", "lLoOdDhHtTiibdD'''''''")


class _Fold(dict[int, str]):
    """A table that is filled as characters are met; every value has length one."""

    def __missing__(self, code: int) -> str:
        char = chr(code).translate(_LIKE)
        if char in DASHES or char.isspace():
            folded = " "
        else:
            base = unicodedata.normalize("NFKD", char)
            folded = base[0].lower() if len(base) == 1 or all(map(unicodedata.combining, base[1:])) else char.lower()
            folded = folded if len(folded) == 1 else char
        self[code] = folded
        return folded


_FOLD = _Fold()
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_BLANKS = "\t\n\v\f\r\x1c\x1d\x1e\x1f-"
# Of ASCII, in one pass over the bytes: a third of the time of replacing one character after the other
_ASCII = bytes(range(256)).lower().translate(bytes.maketrans(_BLANKS.encode(), b" " * len(_BLANKS)))


def fold(text: str) -> str:
    """`text` in lower case, without accents and strokes, dashes and white space as single spaces; as long as `text`."""
    return fold_bytes(text).decode("utf-8", "surrogatepass")


def fold_bytes(text: str) -> bytes:
    """The same in UTF-8."""
    if not text.isascii():
        text = _BEYOND_ASCII.sub(lambda match: _FOLD[ord(match[0])], text)
    return text.encode("utf-8", "surrogatepass").translate(_ASCII)


def has_text(text: str) -> bool:
    """Whether there is anything in `text` that a person could see."""
    text = text.strip()
    return bool(text) and (text.isprintable() or any(char.isprintable() and char != " " for char in text))


def is_whole(text: str, start: int, end: int) -> bool:
    """Whether `text[start:end]` neither begins nor ends inside a word: letters, digits and underscores make words."""
    if start:
        before = text[start - 1]
        if (before.isalnum() or before == "_") and ((first := text[start]).isalnum() or first == "_"):
            return False
    if end < len(text):
        after = text[end]
        if (after.isalnum() or after == "_") and ((last := text[end - 1]).isalnum() or last == "_"):
            return False
    return True
