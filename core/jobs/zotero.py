"""Sends saved papers to the owner's library at Zotero, each with its PDF and note, and none twice."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import httpx

from core import __version__
from core.config.settings import Settings
from core.model.errors import FetchError
from core.model.marks import SavedPaper
from core.render.zotero import ZoteroObject, zotero_objects
from core.sources.zotero_write import MOST_OBJECTS, write_objects


@dataclass(slots=True)
class SentPapers:
    """How many papers are new at Zotero, how many it had already, and why the others are not there.

    `later`: a later try may succeed; what was sent so far is not sent twice.
    """

    new: int = 0
    known: int = 0
    problems: list[str] = field(default_factory=list)
    later: bool = False


async def send_to_zotero(settings: Settings, papers: Sequence[SavedPaper]) -> SentPapers:
    """Send papers. Never raises for what Zotero does: the result says it."""
    sent = SentPapers()
    base_url = str(settings.zotero_api_url).rstrip("/")
    # In a thread, because reading the certificates takes 50 ms
    async with await asyncio.to_thread(httpx.AsyncClient, timeout=httpx.Timeout(20, connect=5)) as client:
        client.headers["User-Agent"] = f"Paperwire/{__version__}"
        for batch in _batches([zotero_objects(one.paper, one.note) for one in papers]):
            objects = [one for shapes in batch for one in shapes]
            try:
                written = await write_objects(client, base_url, settings.zotero_user, settings.zotero_key, objects)
            except FetchError as error:
                sent.problems.append(error.reason)
                sent.later = error.again
                return sent
            for shape, result in zip(objects, written, strict=True):
                if "parentItem" in shape:
                    continue  # a PDF or note without its paper says nothing more
                sent.new += result.state == "new"
                sent.known += result.state == "known"
                if result.reason:
                    sent.problems.append(f"{shape['archiveID']}: {result.reason}")
    return sent


def _batches(papers: Sequence[list[ZoteroObject]]) -> Iterator[list[list[ZoteroObject]]]:
    """Yields the objects of as many papers as a request may have, a paper's own together."""
    batch: list[list[ZoteroObject]] = []
    for shapes in papers:
        if sum(map(len, batch)) + len(shapes) > MOST_OBJECTS:
            yield batch
            batch = []
        batch.append(shapes)
    if batch:
        yield batch
