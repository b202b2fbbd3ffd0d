"""A library as a seed of interests: completes its references from the stored papers and from arXiv's API."""

from collections.abc import Callable, Iterable, Sequence

from core.archive import Archive
from core.config.settings import Settings
from core.jobs.learn import stored_papers
from core.jobs.upstreams import open_upstreams
from core.model.feed import Feed
from core.model.manifest import Manifest
from core.model.votes import MOST_LIBRARY, LibraryReport, Reference, Votes, make_reference
from core.sources.api import fetch_by_id


async def complete_library(
    archive: Archive, settings: Settings, manifest: Manifest, feed: Feed, references: Sequence[Reference]
) -> tuple[list[Reference], LibraryReport]:
    """Returns the newest of the `references` that have a title, with abstracts where the store or arXiv has them.

    Failures of arXiv are in the report: what it does not deliver is used as far as the file says it. Raises
    `StoreError`.
    """
    newest = list(references[:MOST_LIBRARY])
    wanted = {one.paper for one in newest if one.paper and not (one.title and one.abstract)}
    found = {
        paper.id: (paper.title, paper.abstract)
        for paper in (await stored_papers(archive, manifest, feed, wanted)).values()
    }
    problem = ""
    if missing := sorted(wanted - found.keys()):
        async with open_upstreams(settings, archive) as upstreams:
            if upstreams.api_url:
                fetched = await fetch_by_id(upstreams.get, upstreams.api_url, missing)
                found |= {paper.id: (paper.title, paper.abstract) for paper in fetched.papers.values()}
                problem = fetched.problem
    completed = [_completed(one, *found.get(one.paper, ("", ""))) for one in newest]
    usable = [one for one in completed if one.title]
    abstracts = sum(1 for one in usable if one.abstract)
    left_out = len(references) - len(newest)
    return usable, LibraryReport(len(usable), abstracts, len(completed) - len(usable), left_out, problem)


def _completed(reference: Reference, title: str, abstract: str) -> Reference:
    return make_reference(reference.title or title, reference.abstract or abstract, reference.paper, reference.source)


def replacing(references: Iterable[Reference], source: str = "") -> Callable[[Votes], Votes]:
    """Returns the change that adds these references; with a `source` they replace what came from it before."""
    rows = list(references)
    return lambda votes: votes.with_library(rows, source=source)
