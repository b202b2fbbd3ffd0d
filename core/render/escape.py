r"""Text as Markdown that every renderer reads as that text: GitHub, kramdown in Jekyll, goldmark in Hugo, CommonMark.

Only what kramdown knows has a backslash (https://kramdown.gettalong.org/syntax.html#automatic-and-manual-escaping);
the rest are references. Jekyll reads `{{` and `{%` before Markdown is read, Hugo `{{<`: there are none of them.
"""

import re

_JOINER = "\u2060"  # has no width: nobody sees it
_WITH_BACKSLASH = "\\`*_[]|$"
TABLE = str.maketrans(
    {char: f"\\{char}" for char in _WITH_BACKSLASH}
    | {"&": "&amp;", "<": "&lt;", ">": "&gt;", "~": "&#126;", "{": "&#123;"}
)
# What GitHub and Hugo make a link without being asked to; a model may name no address that can be clicked
_ADDRESS = re.compile(r"(?<=[A-Za-z]):(?=//)|(?<=\bwww)\.", re.IGNORECASE)
_ADDRESSES = {":": "&#58;", ".": "&#46;"}
_AT_START = re.compile(r"(?P<sign>[-+=#:])|(?P<number>\d{1,9})(?P<end>[.)])")
_LIQUID = re.compile(r"\{(?=[{%#])")
_BACKTICKS = re.compile(r"`+")

# A formula that is the same as text: no character in it means anything to Markdown where it stands
_HARMLESS = re.compile(r"\$(?:[A-Za-z0-9 +\-=/,.:;()^}]|\{(?![{%:#])|(?<=[A-Za-z0-9])_|\\(?=[A-Za-z]))+\$", re.ASCII)


def escape_text(text: str) -> str:
    """`text` within a line, whose white space is single spaces."""
    escaped = " ".join(text.split()) if text.strip() else text and " "
    if text[:1].isspace() and text.strip():
        escaped = f" {escaped}"
    if text[-1:].isspace() and text.strip():
        escaped = f"{escaped} "
    return _ADDRESS.sub(lambda match: _ADDRESSES[match[0]], escaped.translate(TABLE))


def escape_start(line: str) -> str:
    """A line of Markdown that begins no list, heading or line across, whatever its first characters are."""
    line = line.lstrip()
    match = _AT_START.match(line)
    if not match:
        return line
    if match["sign"]:
        return f"\\{line}"
    return f"{match['number']}\\{line[match.start('end') :]}"


def formula(text: str) -> str:
    """A formula with its dollar signs: as it is where all renderers leave it alone, else as text."""
    return text if _HARMLESS.fullmatch(text) else escape_text(text)


def code(text: str, *, in_table: bool = False) -> str:
    """Code within a line. In tables, bars are escaped even here (https://github.github.com/gfm/#example-200)."""
    text = _without_liquid(" ".join(text.split("\n")))
    ticks = "`" * (_longest(text) + 1)
    pad = " " if text[:1] in "` " or text[-1:] in "` " else ""
    return f"{ticks}{pad}{text.replace('|', chr(92) + '|') if in_table else text}{pad}{ticks}"


def fenced(text: str, language: str = "") -> list[str]:
    """The lines of a block of code."""
    text = _without_liquid(text)
    fence = "`" * max(_longest(text) + 1, 3)
    return [f"{fence}{language}", *text.rstrip("\n").split("\n"), fence]


def link(written: str, url: str) -> str:
    """A link whose text is Markdown already. `url` has no space and no angle."""
    return f"[{written}](<{url}>)"


def _without_liquid(text: str) -> str:
    return _LIQUID.sub(f"{{{_JOINER}", text)


def _longest(text: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0)
