"""A badge: a feed's name, and how many entries its newest day has, as an SVG that needs neither style nor font."""

from html import escape

from core.domain.manifest import BatchRecord

_COLOURS = {"complete": "#2e6b3a", "quiet": "#4a5058"}  # others tell of something missing
_MISSING = "#8a4b00"
_LONGEST = 40  # characters of a feed's name
_LETTER, _PADDING = 6.5, 14  # px; nobody knows how wide the reader's letters are, so their width is set
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="20" role="img" aria-label="{label}">
<title>{label}</title>
<rect width="{width:g}" height="20" rx="3" fill="{colour}"/>
<path d="M3 0h{left:g}v20H3a3 3 0 0 1-3-3V3a3 3 0 0 1 3-3z" fill="#1d3557"/>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" aria-hidden="true">
<text x="8" y="14" textLength="{name_length:g}">{name}</text>
<text x="{at:g}" y="14" textLength="{said_length:g}">{said}</text>
</g>
</svg>
"""


def render_badge(name: str, newest: BatchRecord, count: int, missing: str = "") -> bytes:
    """The badge of the feed `name`, which has `count` entries of its `newest` batch.

    `missing` is the state of the batch that is due, if that is another one.
    """
    day = f"{newest.date.day} {_MONTHS[newest.date.month - 1]}"
    state = missing or newest.state
    said = f"{count} on {day}" + ("" if state == "complete" else f", {state}")
    entries = "entry" if count == 1 else "entries"
    label = f"{name}: {count} {entries} on {day} {newest.date.year}, {state}"
    shown = name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
    name_length, said_length = (len(text) * _LETTER for text in (shown, said))
    left = name_length + _PADDING
    return _SVG.format(
        width=left + said_length + _PADDING,
        left=left - 3,
        at=left + 6,
        label=escape(label),
        colour=_COLOURS.get(state, _MISSING),
        name=escape(shown),
        said=escape(said),
        name_length=name_length,
        said_length=said_length,
    ).encode()
