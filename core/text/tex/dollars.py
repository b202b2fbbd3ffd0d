r"""Whether dollar signs hold mathematics or stand for money.

pandoc's rule (https://pandoc.org/MANUAL.html#math: no space inside of the dollar signs, no digit behind them) finds
most money, but refuses `$\sim$2 nm` and `$ O(n) $`, which are common in abstracts. The text between them decides.
"""

import re

# In formulas too, words of their own
_FUNCTION = r"(?:arg|cos|det|dim|exp|inf|lim|ln|log|max|min|mod|poly|polylog|sin|sup|tan)\b"
_WORD = rf"(?<![\w\0])(?!{_FUNCTION})[A-Za-z]"
_SENTENCE = re.compile(
    rf"{_WORD}[a-z]+[,.;:]?\s+{_WORD}[a-z]{{2,}}(?![\w\0])"
    rf"|{_WORD}[a-z]{{2,}}[,.;:]?\s+{_WORD}[a-z]+(?![\w\0])"
    r"|(?<![\w\0])(?:and|are|for|from|per|than|that|the|versus|vs|was|with)(?![\w\0])"
    r"|\n\s*\n"
)
_AMOUNT = re.compile(r"[-+]?\.?\d")
_DIGIT = re.compile(r"\.?\d")
_VARIABLE = re.compile(r"\{?[A-Za-z]{2}")
_LONE_SIGN = re.compile(r"[<>=+*/|~±×÷·≤≥≈≃∼→⇒°′″−-]")
_LOWER_CASE_WORD = re.compile(rf"(?!{_FUNCTION})[a-z]{{2}}")
_SIGN_OR_DIGIT = re.compile(r"[\d\0=<>+*/|()\[\]-]")


def is_display(content: str) -> bool:
    """Whether the `content` between two doubled dollar signs, as for `is_maths`, is mathematics."""
    return any(char.isalnum() or char == "\0" for char in content) and not _SENTENCE.search(content)


def is_maths(content: str, before: str, after: str, *, strong: bool) -> bool:
    r"""Whether the `content` between two dollar signs is mathematics.

    `content` has `\0` for each command and each group, `before` and `after` are the text outside of the dollar signs, a
    character or two, and `strong` says that there are commands, sub- or superscripts.

    Mathematics is no sentence, has no space at its end only, and is neither an amount before another number (`$5-$10`)
    nor behind a currency (`US$20/$x`). What is not strong also has balanced brackets, a letter, digit or lone sign
    (`$<$`), and is no shell's variable (`$HOME/$USER`).
    """
    bare = content.strip()
    if not bare or _SENTENCE.search(content) or (content[-1].isspace() and not content[0].isspace()):
        return False
    if _AMOUNT.match(bare) and (_DIGIT.match(after) or (before.isalpha() and content[0].isdigit())):
        return False
    return strong or _is_plain_maths(content, bare, after)


def _is_plain_maths(content: str, bare: str, after: str) -> bool:
    if not is_balanced(bare) or (content[0].isspace() and _is_prose(bare, closed=content[-1].isspace())):
        return False
    if bare[0].isdigit() and bare[-1] in "+-–—/=*,;:":  # $1/$x
        return False
    if not any(char.isalnum() or char == "\0" for char in bare):
        return _LONE_SIGN.fullmatch(bare) is not None
    return not (after[:1].isalnum() and _VARIABLE.match(bare))


def _is_prose(bare: str, *, closed: bool) -> bool:
    """Whether `bare`, behind a space, stands between two formulas rather than in one; `closed` says: before one too."""
    if not closed:
        return _AMOUNT.match(bare) is not None or len(bare.split()) > 1
    return _LOWER_CASE_WORD.match(bare) is not None or (len(bare) > 1 and not _SIGN_OR_DIGIT.search(bare))


def is_balanced(text: str) -> bool:
    """Whether every bracket that is closed was opened before, and none stays open; `[0, 1)` is balanced."""
    depth = 0
    for char in text:
        if char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
            if depth < 0:
                return False
    return depth == 0
