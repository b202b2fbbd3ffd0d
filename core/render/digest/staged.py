"""The style `staged`: the staged analyser's digest, from the statistics of its stages to what was skipped."""

from collections.abc import Iterator

from core.model.digest import Digest, points_of
from core.model.feed import Entry
from core.model.rubric import Scorecard
from core.render.blocks import Block, Bullets, Fixed, Heading, Line, Link, Paragraph, Separator, Strong, Table, Written
from core.render.digest.common import (
    Site,
    fact,
    gist,
    institutions_of,
    marked_title,
    model_text,
    notices,
    paper_link,
    summary_problem,
    summary_text,
    venue_of,
    why_again,
)
from core.render.evidence import evidence_in_words
from core.render.items import paper_title
from core.render.messages import Sentences

FOUR_POINTS = ("problem", "limits", "method", "effect")


def staged_title(digest: Digest, words: Sentences) -> str:
    """The feed's with the date."""
    return f"{digest.feed.title}: {words['digest']} — {digest.record.date}"


def staged_blocks(digest: Digest, _: Site, words: Sentences) -> Iterator[Block]:
    """The document below its title."""
    rubric = digest.rubric
    at = {"at": f"{rubric.must_read_at:g}"}
    between = {"at": f"{rubric.review_at:g}", "below": f"{rubric.must_read_at:g}"}
    yield from notices(digest, words)
    if digest.feed.judging is None:
        yield Paragraph((words["no rubric"],))
    yield Heading(2, (words["analysis statistics"],))
    yield Fixed(tuple(statistics_lines(digest, words)))
    yield Heading(2, (words["high"].format(**at),))
    for entry in digest.listed("must-read"):
        yield from _high(entry, digest, words)
    if not digest.listed("must-read"):
        yield Paragraph((words["nothing here"],))
    yield Heading(2, (words["to review"].format(**between),))
    yield _table_or_none(_to_review(digest, words), words)
    for group, name in (("awaiting", "waiting papers"), ("unscreened", "unscreened papers")):
        if digest.listed(group):
            yield Heading(2, (words[name],))
            yield _waiting(digest.listed(group), words)
    yield Heading(2, (words["skipped papers"],))
    yield _table_or_none(_skipped(digest, words), words)
    yield Separator()
    yield Paragraph((words["footer"].format(date=digest.record.date),))


def statistics_lines(digest: Digest, words: Sentences) -> Iterator[str]:
    """The fixed block: what became of the day's papers, stage by stage; counts that belong together add up."""
    numbers, rubric = digest.statistics, digest.rubric
    deep_at, review, must_read = (f"{n:g}" for n in (rubric.deep_at, rubric.review_at, rubric.must_read_at))
    yield words["stage 1"].format(collected=numbers.collected, prioritised=numbers.prioritised)
    yield "  " + words["screened"].format(count=numbers.screened)
    yield "    " + words["deep"].format(at=deep_at, count=numbers.deep)
    yield "    " + words["skipped"].format(at=deep_at, count=numbers.passed)
    if numbers.unscreened:
        yield "  " + words["not screened"].format(count=numbers.unscreened)
    yield words["stage 2"].format(count=numbers.analysed)
    limits = {
        "must-read": {"at": must_read},
        "review": {"at": review, "below": must_read},
        "skip": {"at": review},
    }
    for band, by_points in numbers.bands:
        yield "  " + words[f"count {band}"].format(count=numbers.count(band), **limits[band])
        for points, ids in by_points:
            yield "    " + words["of points"].format(points=f"{points:g}", ids=", ".join(ids))
    if numbers.awaiting:
        yield "  " + words["awaiting"].format(count=numbers.awaiting)


def _high(entry: Entry, digest: Digest, words: Sentences) -> Iterator[Block]:
    paper = entry.paper
    yield Heading(3, (f"[{words['points'].format(points=f'{points_of(entry):g}')}] {marked_title(paper, words)}",))
    yield from why_again(paper, digest.language)
    facts: dict[str, str | Link] = {
        "title": paper_title(paper),
        "institutions": institutions_of(entry) or words["not named"],
        "venue": venue_of(entry) or words["preprint"],
        "link": paper_link(paper, paper.url),
    }
    if code := paper.links.get("code"):
        facts["code"] = Link(code, code)
    facts["predicted → final"] = _course(entry)
    if entry.scorecard and (note := _note(entry.scorecard, digest.language, words)):
        facts["note"] = note
    if entry.scorecard and (read := evidence_in_words(entry.scorecard.evidence, digest.language)):
        facts["read"] = read
    yield Bullets(tuple(fact(words[key], value, words) for key, value in facts.items()))
    yield Heading(4, (words["four-point summary"],))
    yield _four_points(entry, digest, words)
    if entry.scorecard and entry.scorecard.marks:
        most = sum(mark.max for mark in entry.scorecard.marks)
        yield Heading(4, (f"{words['rubric']}{words['colon']}{entry.scorecard.points:g}/{most}",))
        yield _rubric(entry, digest, words)


def _four_points(entry: Entry, digest: Digest, words: Sentences) -> Block:
    """The four points as a table; a summary by another template as it is, or in words why there is none."""
    summary = entry.summary
    if summary is None or summary.state != "ready":
        return Paragraph((summary_problem(summary, digest.language, words),))
    if not any(summary.part(key).strip() for key in FOUR_POINTS):
        return summary_text(entry, digest, words, 4) or Paragraph((words["no summary"],))
    rows: list[tuple[Line, ...]] = []
    for key in FOUR_POINTS:
        text = summary.part(key)
        said: str | Written = model_text(text, entry, digest) if text.strip() else words["not in summary"]
        rows.append(((Strong(words[key]),), (said,)))
    return Table((words["point"], words["summary"]), tuple(rows))


def _rubric(entry: Entry, digest: Digest, words: Sentences) -> Block:
    marks = entry.scorecard.marks if entry.scorecard else ()
    rows = tuple(
        ((mark.criterion,), (f"{mark.points}/{mark.max}",), (model_text(mark.grounds, entry, digest),))
        for mark in marks
    )
    return Table((words["criterion"], words["points/max"], words["grounds"]), rows)


def _to_review(digest: Digest, words: Sentences) -> Table:
    rows = tuple(
        ((str(number),), (marked_title(entry.paper, words),), (_course(entry),), (gist(entry),), (_id_link(entry),))
        for number, entry in enumerate(digest.listed("review"), 1)
    )
    return Table(("#", words["title"], words["predicted → final"], words["gist"], words["link"]), rows)


def _waiting(entries: tuple[Entry, ...], words: Sentences) -> Table:
    rows: list[tuple[Line, ...]] = []
    for entry in entries:
        card = entry.scorecard
        predicted = f"{card.predicted:g}" if card else "–"
        rows.append(((marked_title(entry.paper, words),), (_id_link(entry),), (predicted,), (f"{entry.score:g}",)))
    return Table((words["title"], words["arxiv id"], words["predicted"], words["score"]), tuple(rows))


def _skipped(digest: Digest, words: Sentences) -> Table:
    rows: list[tuple[Line, ...]] = []
    for entry in (*digest.listed("skip"), *digest.listed("passed")):
        card = entry.scorecard
        if card is None:
            continue
        final = words["final points"].format(points=f"{card.points:g}", max=sum(mark.max for mark in card.marks))
        note = _note(card, digest.language, words)
        reason = "; ".join(filter(None, (final if card.marks else "", card.reason, note)))
        rows.append(((marked_title(entry.paper, words),), (_id_link(entry),), (f"{card.predicted:g}",), (reason,)))
    return Table((words["title"], words["arxiv id"], words["predicted"], words["reason"]), tuple(rows))


def _note(card: Scorecard, language: str, words: Sentences) -> str:
    """Why the judgement is not as good as it could be: in full in English, as notes are recorded, else in short."""
    if language == "en" or not card.note:
        return card.note
    return words["abstract alone"] if card.input == "abstract" else ""


def _table_or_none(table: Table, words: Sentences) -> Block:
    return table if table.rows else Paragraph((words["nothing here"],))


def _course(entry: Entry) -> str:
    card = entry.scorecard
    return f"{card.predicted:g} → {card.points:g}" if card else "–"


def _id_link(entry: Entry) -> Link:
    return paper_link(entry.paper, entry.paper.versioned)
