"""TeX's typography in prose: quotation marks, dashes and ties."""

import re

# A `code span` of Markdown does not end with an apostrophe
_DOUBLE = re.compile(r"``(?<!```)(?=[^\s`])([^`]*?)(?:''|(?<!\\)\")")
_SINGLE = re.compile(r"`(?<![\w`\\]`)(?=[^\s`])([^`']*)'(?![\w'])")


def quotes(text: str) -> str:
    """``so'' and `so', and ``so" as many write, with “ ” and ‘ ’; what is not closed stays."""
    return _SINGLE.sub(r"‘\1’", _DOUBLE.sub(r"“\1”", text))


def dash(token: str, before: str, after: str) -> str:
    """`--` and `---` between two characters: neither arrows (`-->`, `<!--`) nor the option `--verbose` are dashes."""
    if len(token) > 3 or before in ("<", "!") or after == ">":
        return token
    if len(token) == 3:
        return "—"
    return token if after.isalpha() and (before == "" or before in " \n([`'\"‘“") else "–"


def tie(before: str, after: str) -> str:
    """`~` between two characters: a space, but not in "~5 ms", "5~10" or a path."""
    if before == "" or after == "" or before.isspace() or after.isspace() or before in "([{/~=<>≈-–":
        return "~"
    return "~" if before.isdigit() and after.isdigit() else " "
