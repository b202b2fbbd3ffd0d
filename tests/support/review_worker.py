"""Goes on with a review in processes that can be killed, which start quickly: children of one that has all modules."""

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from core.archive import Archive
from core.archive.spending import Spending
from core.jobs.review import begin, go_on
from core.jobs.session import Session
from core.llm.base import STEPS
from core.llm.client import CompatibleModel
from core.llm.endpoint import Endpoint
from core.model.fulltext import FullText
from core.store.sqlite import SqliteStore
from tests.support.invented import make_paper


async def main(path: str, url: str) -> None:
    """Go on until the review is complete."""
    store, now = SqliteStore(Path(path)), datetime(2026, 3, 6, 17, tzinfo=UTC)
    model = CompatibleModel(Endpoint(url, ""), dict.fromkeys(STEPS, "stand-in-1"), Spending(store), lambda: now)
    text = FullText("The method is a cache: 0.1 ms and 0.9 ms in 10, 11 or 12 runs.", "pdf")
    session = Session(model, asyncio.get_running_loop().time() + 60, at_once=1)
    outcome = await go_on(
        Archive(store),
        session,
        begin(make_paper(abstract="Reads become 3.5x faster."), "en", "stand-in-1", text, now),
        text,
        clock=lambda: now,
        progress=lambda *_: None,
    )
    await model.close()
    await store.close()
    assert outcome is not None
    assert outcome.review.state == "ready"


def serve(path: str, url: str) -> None:
    """For each line that comes in, do that in a child, whose number is printed, and its status when it has ended."""
    for _ in sys.stdin:
        if (child := os.fork()) == 0:
            asyncio.run(main(path, url))
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve(*sys.argv[1:])
