"""Two styles of digests: `list`, the keyword bot's page with statistics, papers in order of their scores, and how it is
made; `daily`, the daily papers blog with each paper's summary under a numbered heading.
"""

from collections.abc import Iterable, Iterator

from core.model.digest import Digest
from core.model.feed import Entry
from core.model.sources import ARXIV, BIORXIV, HUGGINGFACE, MEDRXIV, NAMES, RSS
from core.render.blocks import Badge, Block, Bullets, Fold, Heading, Line, Link, Paragraph, Quote, Separator, Table
from core.render.digest.common import (
    Site,
    authors_line,
    beginning,
    fact,
    marked_title,
    notices,
    paper_link,
    summary_text,
    why_again,
)
from core.render.messages import Sentences
from core.text.sanitize import plain

_SHOWN_ABSTRACT = 300  # characters
_BUTTON = "https://vercel.com/button"
# When the papers of a source come; those that became notable later are arXiv's
_SCHEDULES = {
    HUGGINGFACE: "schedule huggingface",
    BIORXIV: "schedule preprints",
    MEDRXIV: "schedule preprints",
    RSS: "schedule rss",
}
_OVERVIEW = {
    "en": "https://www.alphaxiv.org/overview/{id}",
    "ko": "https://www.alphaxiv.org/ko/overview/{id}",
    "zh": "https://www.alphaxiv.org/zh/overview/{id}",
}


def list_title(digest: Digest, _: Sentences) -> str:
    """The feed's own."""
    return digest.feed.title


def list_blocks(digest: Digest, site: Site, words: Sentences) -> Iterator[Block]:
    """The document below its title."""
    if site.deployed:
        yield Badge(words["deployed"], _BUTTON, site.deployed)
    source = digest.feed.source
    intro = words["intro" if source == ARXIV else "intro elsewhere"]
    yield Paragraph((intro.format(date=digest.record.date, source=NAMES[source]),))
    yield Heading(2, (words["statistics"],))
    yield Bullets(tuple(fact(name, value, words) for name, value in _statistics(digest, words)))
    yield from notices(digest, words)
    yield Heading(2, (words["recent papers"],))
    for number, entry in enumerate(digest.listed(), 1):
        yield from _paper(number, entry, digest, words)
    yield Heading(2, (words["configuration"],))
    yield from _configuration(digest, words)
    yield Heading(2, (words["customise"],))
    yield Bullets(((words["customise keywords"],), (words["customise summaries"],), (words["customise check"],)))
    yield Heading(2, (words["schedule"],))
    yield Bullets(((words[_SCHEDULES.get(source, "schedule text")].format(source=NAMES[source]),),))
    yield Heading(2, (words["trigger"],))
    yield Bullets(tuple(_trigger(site, words)))
    yield Heading(2, (words["how to use"],))
    yield Bullets(tuple(_usage(digest, site, words)))


def _statistics(digest: Digest, words: Sentences) -> Iterator[tuple[str, str]]:
    fetched, numbers = digest.record.fetched, digest.statistics
    yield words["date"], digest.record.date.isoformat()
    if fetched:
        yield words["last updated"], f"{fetched[:10]} {fetched[11:16]} UTC"
    total = words["of collected"].format(count=numbers.prioritised, total=numbers.collected)
    yield words["total papers"], total
    if digest.feed.categories:
        yield words["categories monitored"], ", ".join(digest.feed.categories)


def _paper(number: int, entry: Entry, digest: Digest, words: Sentences) -> Iterator[Block]:
    paper = entry.paper
    announced = words["announced on"].format(date=entry.announced.isoformat())
    yield Heading(3, (f"{number}. ", paper_link(paper, marked_title(paper, words))))
    yield from why_again(paper, digest.language)
    facts = {
        "authors": authors_line(paper, words),
        "category": ", ".join(paper.categories),
        "published": paper.published[:10] or announced,
        "score": f"{entry.score:.1f}",
        "type": words.get(f"type {entry.type}", entry.type),
        **({"arxiv id": paper.versioned} if paper.is_arxiv else {"venue": paper.venue}),
    }
    yield Bullets(tuple(fact(words[key], value, words) for key, value in facts.items() if value))
    if abstract := " ".join(plain(paper.abstract).split()):
        yield Quote((beginning(abstract, _SHOWN_ABSTRACT),))
    summary = summary_text(entry, digest, words, 3) if entry.paper.versioned in digest.wanted else None
    if summary:
        ready = entry.summary if entry.summary and entry.summary.state == "ready" else None
        title = words["ai summary"].format(model=ready.model) if ready and ready.model else words["extracted"]
        yield Fold(title, (summary,)) if ready else summary
    yield Separator()


def _configuration(digest: Digest, words: Sentences) -> Iterable[Block]:
    feed = digest.feed
    if feed.keywords:
        ordered = sorted(feed.keywords, key=lambda keyword: -keyword.weight)
        rows = tuple(((keyword.label,), (f"{keyword.weight:g}",)) for keyword in ordered)
        yield Table((words["keyword"], words["weight"]), rows)
    else:
        yield Bullets(((words["no keywords" if feed.categories else "no keywords, no categories"],),))
    facts = {
        "categories monitored": ", ".join(feed.categories),
        "excluded": ", ".join(feed.exclude),
        "from score": f"{feed.min_score:g}",
        "a day": str(feed.max_entries or ""),
    }
    yield Bullets(tuple(fact(words[key], value, words) for key, value in facts.items() if value))


def _trigger(site: Site, words: Sentences) -> Iterator[Line]:
    yield fact(words["command"], "paperwire refresh", words)
    address = f"{site.deployed.rstrip('/')}/api/refresh" if site.deployed else "/api/refresh"
    yield fact(words["trigger address"], f"POST {address}", words)
    yield (words["trigger reader"],)


def _usage(digest: Digest, site: Site, words: Sentences) -> Iterator[Line]:
    for label, url in site.feeds:
        yield fact(f"{words['subscribe']} ({label})", Link(url, url), words)
    for key, url in (("one a day", site.digests), ("query", site.papers)):
        if url:
            yield fact(words[key], Link(url, url), words)
    yield fact(words["command"], f"paperwire digest {digest.feed.name} --date {digest.record.date}", words)


def daily_title(digest: Digest, _: Sentences) -> str:
    """The name of the series is the same in all languages."""
    return f"Daily Papers — {digest.record.date}"


def daily_blocks(digest: Digest, _: Site, words: Sentences) -> Iterator[Block]:
    """The document below its title."""
    yield from notices(digest, words)
    for number, entry in enumerate(digest.listed(), 1):
        paper = entry.paper
        yield Heading(2, (f"{number}. ", paper_link(paper, marked_title(paper, words))))
        overview = Link(paper.label, paper.url)
        if paper.is_arxiv:
            overview = Link(f"AlphaXiv: {paper.id}", _OVERVIEW[digest.language].format(id=paper.id))
        yield from why_again(paper, digest.language)
        upvotes = [] if entry.upvotes is None else [fact(words["upvotes"], str(entry.upvotes), words)]
        yield Bullets(((overview,), *upvotes))
        if summary := summary_text(entry, digest, words, 2):
            yield summary
