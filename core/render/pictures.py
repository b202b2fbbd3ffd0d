"""Two pictures in SVG: a badge with a feed's name and the number of its newest entries, and a chart of the last days.

The badge needs neither style nor font. The chart shows the papers announced, those of a feed among them, and the best
score. Its positions are percentages across and pixels down, so that it fits any screen with letters of one size; its
colours are the style sheet's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

from markupsafe import Markup

from core.model.manifest import BatchRecord

_COLOURS = {"complete": "#2e6b3a", "unconfirmed": "#2e6b3a", "quiet": "#4a5058"}  # other states mean missing papers
_MISSING = "#8a4b00"
_LONGEST = 40  # characters of a feed's name
_LETTER, _PADDING = 6.5, 14  # px; the width of the reader's letters is not known, so it is set
_BADGE_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

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
    day = f"{newest.date.day} {_BADGE_MONTHS[newest.date.month - 1]}"
    state = missing or newest.state
    said = f"{count} on {day}" + ("" if state in ("complete", "unconfirmed") else f", {state}")
    entries = "entry" if count == 1 else "entries"
    label = f"{name}: {count} {entries} on {day} {newest.date.year}, {state}"
    short_name = name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
    name_length, said_length = (len(text) * _LETTER for text in (short_name, said))
    left = name_length + _PADDING
    return _SVG.format(
        width=left + said_length + _PADDING,
        left=left - 3,
        at=left + 6,
        label=escape(label),
        colour=_COLOURS.get(state, _MISSING),
        name=escape(short_name),
        said=escape(said),
        name_length=name_length,
        said_length=said_length,
    ).encode()


CHART_DAYS = 23  # a month of announcements
_HEIGHT = 190
_SCORES = (22, 62)  # where the best scores are, from top to bottom
_BARS = (84, 164)  # and the papers
_LABELS = 182
_WIDEST = 9.0  # per cent, of a bar
_FEW = 8  # days, of which each has its label
_EDGE = 3.0  # per cent; text so near to it goes inwards
_BETWEEN = 3  # days from one label to the next, of many
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class ChartDay:
    """A date: its state, how many papers arXiv announced, how many of them a feed has, and the best one's score."""

    date: date
    state: str
    papers: int = 0
    entries: int = 0
    best: float | None = None

    @property
    def in_words(self) -> str:
        """The text alternative and the tooltip."""
        if not self.papers:
            return f"{day_label(self.date)}: {self.state}"
        best = "" if self.best is None else f", the best with {self.best:g} points"
        return f"{day_label(self.date)}: {self.papers:,} papers, {self.entries:,} in the feed{best}"


def day_label(day: date) -> str:
    """ "6 Mar"."""
    return f"{day.day} {_MONTHS[day.month - 1]}"


def render_chart(days: Sequence[ChartDay], feed_title: str) -> Markup:
    """The chart of `days`, oldest first; the last of them if they are many."""
    days = days[-CHART_DAYS:]
    slot = 100 / max(len(days), 1)
    scale = _scale(days)
    body = Markup("").join(_day(day, (at + 0.5) * slot, slot, scale) for at, day in enumerate(days))
    labels = Markup("").join(
        _text("label", (at + 0.5) * slot, _LABELS, text) for at, text in enumerate(_labels(days)) if text
    )
    return Markup(
        '<svg class="chart" role="img" aria-labelledby="chart-title chart-about" width="100%" height="{}">'
        '<title id="chart-title">{}</title><desc id="chart-about">{}</desc>'
        '<line class="axis" x1="0" x2="100%" y1="{}" y2="{}"/>{}{}</svg>'
    ).format(
        _HEIGHT,
        f"Papers announced each day, and those of {feed_title}",
        _about(days, scale),
        _BARS[1],
        _BARS[1],
        body,
        labels,
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    """The highest values, and the days that have their numbers beside their bars and marks."""

    most: int
    best: float
    counted: Sequence[ChartDay]
    rated: Sequence[ChartDay]


def _scale(days: Sequence[ChartDay]) -> _Scale:
    """All days have their numbers if they are few; of many those that are the highest, the last of equals."""
    busiest = max(reversed(days), key=lambda day: day.papers, default=None)
    rated = max((day for day in reversed(days) if day.best is not None), key=lambda day: day.best or 0.0, default=None)
    few = len(days) <= _FEW
    return _Scale(
        most=busiest.papers if busiest else 0,
        best=(rated.best or 0.0) if rated else 0.0,
        counted=days if few else [day for day in (busiest,) if day],
        rated=days if few else [day for day in (rated,) if day],
    )


def _about(days: Sequence[ChartDay], scale: _Scale) -> str:
    """Returns the summary of the chart for screen readers; a table beside it has the details."""
    missing = [day for day in days if not day.papers]
    parts = [
        f"{len(days)} days from {day_label(days[0].date)} to {day_label(days[-1].date)}" if days else "no days",
        f"at most {scale.most:,} papers a day" if scale.most else "",
        f"the best score is {scale.best:g}" if scale.rated else "",
        f"nothing on {', '.join(day_label(day.date) for day in missing)}" if missing else "",
    ]
    return "; ".join(filter(None, parts)) + "."


def _day(day: ChartDay, x: float, slot: float, scale: _Scale) -> Markup:
    inside = Markup("<title>{}</title>").format(day.in_words)
    if day.papers:
        inside += _bar("papers", x, slot, day.papers, scale.most) + _bar("entries", x, slot, day.entries, scale.most)
        if day in scale.counted:
            inside += _text("value", x, _top(day.papers, scale.most) - 5, f"{day.papers:,}")
    else:
        inside += _text(f"missing {day.state}", x, _BARS[1] - 6, "–" if day.state == "quiet" else "×")
    if day.best is not None:
        inside += _mark(day.best, x, scale.best, named=day in scale.rated)
    return Markup("<g>{}</g>").format(inside)


def _bar(kind: str, x: float, slot: float, value: int, most: int) -> Markup:
    """Returns a bar; a value above 0 has a visible height."""
    if not value:
        return Markup()
    width, top = min(slot * 0.62, _WIDEST), min(_top(value, most), _BARS[1] - 2)
    return Markup('<rect class="{}" x="{}%" y="{}" width="{}%" height="{}"/>').format(
        kind, _number(x - width / 2), _number(top), _number(width), _number(_BARS[1] - top)
    )


def _mark(value: float, x: float, best: float, *, named: bool) -> Markup:
    top, bottom = _SCORES
    y = bottom - (bottom - top) * max(value, 0) / best if best > 0 else float(bottom)
    mark = Markup('<circle class="best" cx="{}%" cy="{}" r="3.5"/>').format(_number(x), _number(y))
    return mark + (_text("value best-value", x, y - 8, f"{value:g}") if named else Markup())


def _top(value: int, most: int) -> float:
    top, bottom = _BARS
    return bottom - (bottom - top) * value / max(most, 1)


def _text(kind: str, x: float, y: float, text: str) -> Markup:
    side = " first" if x < _EDGE else " last" if x > 100 - _EDGE else ""
    return Markup('<text class="{}" x="{}%" y="{}">{}</text>').format(kind + side, _number(x), _number(y), text)


def _labels(days: Sequence[ChartDay]) -> list[str]:
    """The days' dates, or of many only those that begin a week; the month where it is a new one."""
    out: list[str] = []
    month = 0
    for at, day in enumerate(days):
        if len(days) > _FEW and not _begins_week(days, at):
            out.append("")
            continue
        out.append(day_label(day.date) if day.date.month != month else str(day.date.day))
        month = day.date.month
    return out


def _begins_week(days: Sequence[ChartDay], at: int) -> bool:
    """Whether another week begins with that day; the first one's has to be long enough for its label."""
    weeks = [day.date.isocalendar().week for day in days[max(at - 1, 0) : at + _BETWEEN]]
    return len(set(weeks)) == 1 if at == 0 else weeks[0] != weeks[1]


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
