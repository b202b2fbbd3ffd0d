"""What the owner commands for one paper as the instance is configured: its review, or its summary by a template.

Only the command line and requests with the owner's token lead here: arXiv and the model are asked.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic

from core.domain.conditions import Condition
from core.domain.errors import ConfigError, FetchError, NoText, UnknownName
from core.domain.paper import Paper, PaperId
from core.domain.query import Query
from core.domain.review import Review, find_row
from core.domain.withdrawn import is_withdrawn
from core.llm import NO_MODEL, models_of, open_model
from core.models.ask import Model, Usage
from core.models.usage import Prices
from core.refreshing import open_upstreams
from core.review import STEP, Outcome, begin, estimate, go_on, stored_review
from core.reviews import read_review, read_rows
from core.sources.announcements import Progress
from core.sources.api import fetch_by_id
from core.sources.fulltext import FullText, fetch_text
from core.store.lock import LOCK_SECONDS
from core.wire import Wire

TEXT_SECONDS = 150.0  # for HTML and PDF together, with the pauses that arXiv asks for
LOCK_PATIENCE_SECONDS = LOCK_SECONDS + 2  # longer than what a process that was killed leaves behind
_POLL_SECONDS = 0.5
_EVERYTHING = Query((Condition("score", ">=", (float("-inf"),)),))


@dataclass(frozen=True, slots=True)
class Plan:
    """A review with the text that is needed to go on, and what that will take at most: tokens, calls, and money in the
    currency of the prices, 0 where they are not known. Nothing is asked for one that is complete.
    """

    review: Review
    text: str
    usage: Usage
    cost: float

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to ask."""
        return not self.usage.calls


@asynccontextmanager
async def the_model(wire: Wire) -> AsyncIterator[Model]:
    """The configured model, closed afterwards. Raises `ConfigError` if there is none."""
    model = open_model(wire.settings, wire.store, wire.clock)
    if model is None:
        raise ConfigError([f"This needs a language model. There is {NO_MODEL}"])
    try:
        yield model
    finally:
        await model.close()


def cost_of(wire: Wire, usage: Usage) -> float:
    """What tokens cost in the currency of the configured prices; 0 where these are not known."""
    settings = wire.settings
    return Prices(settings.llm_price_prompt, settings.llm_price_completion).millionths(usage) / 1_000_000


async def plan_review(wire: Wire, wanted: PaperId, language: str, progress: Progress) -> Plan:
    """What there is of a paper's review, and what is still to be done for it.

    Raises `UnknownName` for a paper that arXiv does not know, `NoText` where there is nothing to read, `FetchError`
    where that cannot be told now, `ConfigError` without a model, and `StoreError`.
    """
    model = models_of(wire.settings).get(STEP)
    if not model:
        raise ConfigError([f"A review needs a language model. There is {NO_MODEL}"])
    progress("looking for the paper", 0, 1)
    paper = await find_paper(wire, wanted, language)
    review = await stored_review(wire.store, PaperId(paper.id, paper.version), language, model)
    text = ""
    if review is None or review.missing:
        progress("reading the paper", 0, 1)
        full = await read_text(wire, paper)
        review = _continued(review, full) or begin(paper, language, model, full, wire.clock())
        text = full.text
    usage = await asyncio.to_thread(estimate, review, text)
    return Plan(review, text, usage, cost_of(wire, usage))


async def carry_out(wire: Wire, plan: Plan, *, seconds: float, progress: Progress) -> Outcome | None:
    """Go on with a planned review for so many seconds at most. None: another process is at it."""
    if plan.complete:
        return Outcome(plan.review)
    end = monotonic() + LOCK_PATIENCE_SECONDS
    async with the_model(wire) as model:
        while True:
            outcome = await go_on(
                wire.store,
                model,
                plan.review,
                plan.text,
                clock=wire.clock,
                deadline=asyncio.get_running_loop().time() + seconds,
                concurrency=wire.settings.llm_concurrency,
                progress=progress,
            )
            if outcome is not None or monotonic() > end:
                return outcome
            progress("waiting for another process that writes this review", 0, 1)
            await asyncio.sleep(_POLL_SECONDS)


async def find_paper(wire: Wire, wanted: PaperId, language: str = "") -> Paper:
    """The paper: of a review that is not complete, else as stored, else as arXiv's API has it.

    Without a version the newest one. Where arXiv does not answer, a complete review will do.
    """
    row = find_row(await read_rows(wire.store), wanted, language)
    reviewed = await read_review(wire.store, row) if row else None
    if reviewed and (wanted.version or reviewed.state != "ready"):
        return reviewed.paper
    if paper := await stored_paper(wire, wanted):
        return paper
    try:
        return await _fetch_paper(wire, wanted)
    except FetchError:
        if reviewed:
            return reviewed.paper
        raise


async def stored_paper(wire: Wire, wanted: PaperId) -> Paper | None:
    """The paper as one of the feeds has it, None if no stored batch has it. Nothing is fetched."""
    manifest = await wire.manifest()
    if not manifest.has_batches:
        return None
    found = [
        entry.paper
        for feed in wire.feeds.values()
        for entry in await wire.entries(manifest, feed, _EVERYTHING)
        if entry.id == wanted.id and wanted.version in (None, entry.paper.version)
    ]
    return max(found, key=lambda paper: paper.version, default=None)


async def read_text(wire: Wire, paper: Paper, *, full: bool = True) -> FullText:
    """The text of a paper. With `full`, raises `NoText` where there is only the abstract, for now or for good."""
    settings = wire.settings
    async with open_upstreams(settings, wire.store) as upstreams:
        deadline = asyncio.get_running_loop().time() + TEXT_SECONDS
        text = await fetch_text(upstreams.get, paper, pdf_url=settings.pdf_url, deadline=deadline)
    if not full or text.input != "abstract":
        return text
    if text.again:
        raise FetchError(f"{settings.pdf_url}/pdf/{paper.versioned}", f"{text.note}; try again later")
    if is_withdrawn(paper):
        earlier = f"; the version before is {paper.id}v{paper.version - 1}" if paper.version > 1 else ""
        raise NoText(f"{paper.versioned} has been withdrawn, and has no text{earlier}")
    raise NoText(f"{paper.versioned} has no full text to read: {text.note.partition('; the abstract was read')[0]}")


def _continued(review: Review | None, text: FullText) -> Review | None:
    """The stored review, if `text` is of the kind that its answers come from.

    What is worse than that is no reason to begin anew: raises `FetchError`.
    """
    if review is None or review.input == text.input:
        return review
    if text.again:
        raise FetchError(review.paper.links["abs"], f"{text.note}; what is answered was read as {review.input}")
    return None


async def _fetch_paper(wire: Wire, wanted: PaperId) -> Paper:
    settings = wire.settings
    async with open_upstreams(settings, wire.store) as upstreams:
        found = await fetch_by_id(upstreams.get, upstreams.api_url, [str(wanted)])
    with suppress(KeyError):
        return found.papers[str(wanted)]
    if found.problem:
        raise FetchError(upstreams.api_url, found.problem)
    raise UnknownName("paper", str(wanted))
