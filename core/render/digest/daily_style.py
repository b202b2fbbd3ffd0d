"""The style `daily`: the daily papers blog, with each paper's summary under a numbered heading."""

from collections.abc import Iterator

from core.model.digest import Digest
from core.render.blocks import Block, Bullets, Heading, Link
from core.render.digest.common import Site, named, notices, paper_link, summary_text
from core.render.digest.words import Words

_OVERVIEW = "https://www.alphaxiv.org/overview/"


def daily_title(digest: Digest, _: Words) -> str:
    """The name of the series is the same in all languages."""
    return f"Daily Papers — {digest.record.date}"


def daily_blocks(digest: Digest, _: Site, words: Words) -> Iterator[Block]:
    """The document below its title."""
    yield from notices(digest, words)
    for number, entry in enumerate(digest.entries, 1):
        paper = entry.paper
        yield Heading(2, (f"{number}. ", paper_link(paper)))
        overview = Link(f"AlphaXiv: {paper.id}", f"{_OVERVIEW}{paper.id}")
        upvotes = [] if entry.upvotes is None else [named(words["upvotes"], str(entry.upvotes), words)]
        yield Bullets(((overview,), *upvotes))
        if summary := summary_text(entry, digest, words):
            yield summary
