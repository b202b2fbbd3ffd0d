"""A library as a seed of interests: completes its references from the stored papers and from arXiv's API.

The owner's collection at Zotero is such a library: the step *learn* reads it once a week.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from core.archive import Archive
from core.config.overrides import Rules
from core.config.settings import Settings
from core.jobs.learn import change_votes, stored_papers
from core.jobs.upstreams import Upstreams, open_upstreams
from core.model.errors import FetchError, InvalidInput, SourceError
from core.model.feed import Feed
from core.model.manifest import Manifest
from core.model.paper import Paper
from core.model.votes import MOST_LIBRARY, LibraryReport, Reference, Votes, make_reference
from core.sources.api import fetch_by_id, fetch_by_title
from core.sources.zotero import collection_name, fetch_collection

MOST_TITLES = 20  # of a library that are looked for at arXiv, in two requests
ZOTERO = "zotero"  # the source of its references
_WEEK, _LATER, _ATTEMPT = 7 * 86_400.0, 6 * 3600.0, 900.0  # until Zotero is asked again; after a failure; if killed


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
    missing = sorted(wanted - found.keys())
    titles = [one.title for one in newest if one.title and not (one.abstract or one.paper)][:MOST_TITLES]
    by_title: Mapping[str, Paper] = {}
    problem = ""
    if missing or titles:
        async with open_upstreams(settings, archive) as upstreams:
            if upstreams.api_url:
                fetched = await fetch_by_id(upstreams.get, upstreams.api_url, missing)
                found |= {paper.id: (paper.title, paper.abstract) for paper in fetched.papers.values()}
                problem = fetched.problem
            if upstreams.api_url and not problem:
                named = await fetch_by_title(upstreams.get, upstreams.api_url, titles)
                by_title, problem = named.papers, named.problem
    found |= {paper.id: (paper.title, paper.abstract) for paper in by_title.values()}
    newest = [
        one._replace(paper=by_title[one.title].id) if one.title in by_title and not one.paper else one for one in newest
    ]
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


async def read_zotero(
    archive: Archive, settings: Settings, upstreams: Upstreams, rules: Rules, manifest: Manifest
) -> tuple[bool, str]:
    """Give the main feed the owner's collection at Zotero as a library, once a week; nothing without
    `ZOTERO_COLLECTION`.

    What came from there before is replaced. Returns whether anything has changed, and the problem, "" without one.
    Raises `StoreError`.
    """
    user, key, collection = settings.zotero_user, settings.zotero_key, settings.zotero_collection
    if not collection:
        return False, ""
    if not (user and key):
        return False, f"ZOTERO_COLLECTION needs {'ZOTERO_KEY' if user else 'ZOTERO_USER'} too, which is not set"
    turn = await archive.learning.turn(collection_name(user, collection), _ATTEMPT)
    if turn is None:
        return False, ""
    feed = next(iter(rules.feeds.values()))
    try:
        found = await fetch_collection(upstreams.get_zotero, str(settings.zotero_api_url).rstrip("/"), user, collection)
    except (SourceError, InvalidInput) as error:
        wait = error.retry_after if isinstance(error, FetchError) else None
        await turn(max(_LATER, wait or 0.0))
        return False, f"Zotero: {error.reason if isinstance(error, FetchError) else error}"
    usable, report = await complete_library(archive, settings, manifest, feed, found)
    votes = await archive.learning.votes(rules.row(feed.name)[0])
    change = replacing(usable, ZOTERO)
    if change(votes).fingerprint != votes.fingerprint:
        await change_votes(archive, rules, feed, change, manifest)
    await turn(_LATER if report.problem else _WEEK)
    return change(votes) != votes, report.problem
