"""The chart of the last days: well-formed, true to its numbers, without any style of its own."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from core.render.pictures import CHART_DAYS, ChartDay, day_label, render_chart

SVG = "{http://www.w3.org/2000/svg}"
MONDAY = date(2026, 3, 2)
DAYS = [
    ChartDay(MONDAY, "complete", 400, 40, 12.5),
    ChartDay(MONDAY + timedelta(days=1), "partial", 200, 0, None),
    ChartDay(MONDAY + timedelta(days=2), "failed"),
    ChartDay(MONDAY + timedelta(days=3), "quiet"),
    ChartDay(MONDAY + timedelta(days=4), "complete", 100, 50, 5),
]

days = st.builds(
    ChartDay,
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    st.sampled_from(["complete", "partial", "quiet", "failed", "waiting"]),
    st.integers(0, 5000),
    st.integers(0, 5000),
    st.none() | st.floats(-50, 1000),
).map(lambda day: replace(day, entries=min(day.entries, day.papers)))


def drawn(chart: str) -> etree._Element:
    """The chart as XML."""
    return etree.fromstring(str(chart).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def heights(chart: etree._Element, kind: str) -> list[float]:
    """The heights of the bars of that kind."""
    return [float(bar.get("height", "")) for bar in chart.iter(f"{SVG}rect") if bar.get("class") == kind]


def test_bars_are_true_to_the_numbers() -> None:
    """Bars are as high as what they stand for, the highest fills its place; there is none where there is nothing."""
    chart = drawn(render_chart(DAYS, "Main"))
    papers, entries = heights(chart, "papers"), heights(chart, "entries")
    assert [1, 0.5, 0.25] == [height / papers[0] for height in papers]
    assert [0.1, 0.125] == [height / papers[0] for height in entries]


def test_marks() -> None:
    """The best score has a mark, higher for more points, with its number."""
    chart = drawn(render_chart(DAYS, "Main"))
    high, low = [float(mark.get("cy", "")) for mark in chart.iter(f"{SVG}circle")]
    assert high < low
    assert ["12.5", "5"] == [t.text for t in chart.iter(f"{SVG}text") if "best-value" in t.get("class", "")]


def test_what_is_missing_is_shown() -> None:
    """Days without papers are marked, a failure otherwise than a holiday."""
    chart = drawn(render_chart(DAYS, "Main"))
    assert [("missing failed", "×"), ("missing quiet", "–")] == [
        (t.get("class"), t.text) for t in chart.iter(f"{SVG}text") if "missing" in t.get("class", "")
    ]


def test_it_can_be_heard() -> None:
    """Title and description say it in words, escaped."""
    text = render_chart(DAYS, "A <b> & more")
    chart = drawn(text)
    assert ("img", "chart-title chart-about") == (chart.get("role"), chart.get("aria-labelledby"))
    assert "Papers announced each day, and those of A <b> & more" == chart[0].text
    about = "5 days from 2 Mar to 6 Mar; at most 400 papers a day; the best score is 12.5; nothing on 4 Mar, 5 Mar."
    assert about == chart[1].text
    said = [title.text for title in chart.iter(f"{SVG}title")][1:]
    assert ["2 Mar: 400 papers, 40 in the feed, the best with 12.5 points", "4 Mar: failed"] == said[::2][:2]
    assert "<b>" not in text


@pytest.mark.parametrize(
    ("count", "labels"),
    [
        (1, ["2 Mar"]),
        (6, ["2 Mar", "3", "4", "5", "6", "9"]),
        (12, ["2 Mar", "9", "16"]),
        (40, ["25 Mar", "30", "6 Apr", "13", "20"]),
    ],
)
def test_labels(count: int, labels: list[str]) -> None:
    """Few days have a label each, of many those that begin a week; never more than a month of them."""
    working = [MONDAY + timedelta(days=7 * (n // 5) + n % 5) for n in range(count)]
    chart = drawn(render_chart([ChartDay(day, "complete", 10) for day in working], "Main"))
    assert labels == [t.text for t in chart.iter(f"{SVG}text") if "label" in t.get("class", "")]
    assert min(count, CHART_DAYS) == len(heights(chart, "papers"))


def test_no_days() -> None:
    """There is a chart of nothing, too."""
    assert "svg" in drawn(render_chart([], "Main")).tag


@given(st.lists(days, max_size=40), st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20))
def test_any_days(found: list[ChartDay], title: str) -> None:
    """Whatever the numbers are, it is well-formed, stays within its frame, and styles nothing by itself."""
    text = render_chart(found, title.replace("\ufffe", "").replace("\uffff", ""))
    chart = drawn(text)
    height = float(chart.get("height", ""))
    for element in chart.iter(f"{SVG}rect", f"{SVG}circle", f"{SVG}text"):
        y = float(element.get("y") or element.get("cy") or "")
        assert 0 <= y <= height
        assert 0 <= float(element.get("height") or 0) <= height - y
    assert not {"style", "fill", "stroke"} & {name for element in chart.iter() for name in element.attrib}


def test_day_label() -> None:
    """Dates in few letters, whatever the locale."""
    assert "31 Dec" == day_label(date(2025, 12, 31))
