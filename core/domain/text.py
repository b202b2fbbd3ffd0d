"""Text made comparable: case, accents and dashes folded, character by character, so that offsets stay true."""

import unicodedata

_DASHES = "-‐‑‒–—−"


class _Fold(dict[int, str]):
    """A table for `str.translate` that is filled as characters are met; every value has length one."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if char in _DASHES or char.isspace():
            folded = " "
        else:
            base = unicodedata.normalize("NFKD", char)
            folded = base[0].lower() if len(base) == 1 or all(map(unicodedata.combining, base[1:])) else char.lower()
            folded = folded if len(folded) == 1 else char
        self[code] = folded
        return folded


_FOLD = _Fold()
_ASCII = str.maketrans(dict.fromkeys("\t\n\v\f\r\x1c\x1d\x1e\x1f", " "))


def fold(text: str) -> str:
    """`text` in lower case, without accents, dashes and white space as single spaces; as long as `text` itself."""
    if not text.isascii():
        return text.translate(_FOLD)
    text = text.replace("-", " ").lower()
    return text if text.isprintable() else text.translate(_ASCII)


def has_text(text: str) -> bool:
    """Whether there is anything in `text` that a person could see."""
    return any(char.isprintable() and char != " " for char in text)


def is_word(char: str) -> bool:
    """Whether `char` is part of a word: a letter, a digit or an underscore."""
    return char.isalnum() or char == "_"


def is_whole(text: str, start: int, end: int) -> bool:
    """Whether `text[start:end]` neither begins nor ends inside a word."""
    return not (
        (start > 0 and is_word(text[start - 1]) and is_word(text[start]))
        or (end < len(text) and is_word(text[end]) and is_word(text[end - 1]))
    )
