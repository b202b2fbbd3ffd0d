"""The deep review of one paper: questions over its full text, each answer stored when it is there, then the post.

Whatever ends it, the next run goes on: what is answered is never asked again. One question's failure is recorded with
the review, and asked again in the next run; the post is made when nothing more is waited for.


What the owner commands for one paper as the instance is configured: its review, or its summary by a template.

Only the command line and requests with the owner's token lead here: arXiv and the model are asked.


One paper's summary by a template, on the owner's command: what is stored of it, and how it is made."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from core.app import Paperwire
from core.archive.reviews import read_review, read_rows, save
from core.config.models import NO_MODEL, models_of
from core.jobs.run import open_upstreams
from core.jobs.session import open_model, prices_of
from core.llm.answers import read_post, read_question, read_summary
from core.llm.base import STATES, Ask, Model, Usage, tokens_of, wrong
from core.llm.extractive import extract
from core.llm.prompts import ask_post, ask_question, ask_summary, review_fingerprint, summary_fingerprint
from core.llm.templates import EXTRACT, get_template
from core.model.errors import ConfigError, FetchError, ModelError, NoText, UnknownName
from core.model.manifest import rfc3339
from core.model.paper import Paper, PaperId, is_withdrawn
from core.model.query import Condition, Query
from core.model.review import POST, Listed, Review, find_row
from core.model.rubric import INPUTS
from core.model.summary import Summary
from core.model.template import Template
from core.sources.api import fetch_by_id
from core.sources.fulltext import FullText, fetch_text
from core.sources.rss import Progress
from core.store import keys
from core.store.base import LOCK_SECONDS, Store, holding
from core.store.codec import decode_as, encode

Keep = Callable[[Callable[[Review], Review]], Awaitable[Review]]

STEP = "review"
TEMPLATE = "review"
LEAST_SECONDS = 20.0  # no question is begun with less time left: what is cut off was paid for
_POST_TOKENS = 1_500  # what ask and title of the post take beside the answers


@dataclass(frozen=True, slots=True)
class Outcome:
    """The review as far as it is made, what this run took, and what ended it early: an `error` of the model that would
    hit the next question as well, or the time.
    """

    review: Review
    usage: Usage = field(default_factory=Usage)
    error: ModelError | None = None
    out_of_time: bool = False

    @property
    def stopped(self) -> str:
        """Why it did not come to its end, in words, or ""."""
        if self.error:
            return str(self.error)
        return "The time for this run was over" if self.out_of_time else ""


def begin(paper: Paper, language: str, model: str, text: FullText, now: datetime) -> Review:
    """A review of which nothing is asked yet."""
    template, time = get_template(TEMPLATE, STEP), rfc3339(now)
    return Review(
        paper=paper,
        language=language,
        model=model,
        fingerprint=review_fingerprint(template, language, model, text.input),
        keys=tuple(part.key for part in template.parts),
        begun=time,
        updated=time,
        input=text.input,
        note=text.note,
    )


async def stored_review(store: Store, paper: PaperId, language: str, model: str) -> Review | None:
    """What is there of the review by this very model and these questions: the one that is furthest."""
    template = get_template(TEMPLATE, STEP)
    own = {review_fingerprint(template, language, model, kind) for kind in INPUTS}
    rows = [
        row
        for row in await read_rows(store)
        if (row.paper, row.language) == (paper, language) and row.fingerprint in own
    ]
    best = max(rows, key=_progress, default=None)
    return await read_review(store, best) if best else None


def _progress(row: Listed) -> tuple[bool, int, str]:
    return row.has_post, row.answered, row.updated


def estimate(review: Review, text: str) -> Usage:
    """What is still to be asked: the tokens that will be read, at most written, and the calls, if none fails."""
    template = get_template(TEMPLATE, STEP)
    asks = [_question(review, key, text) for key in review.missing]
    told = sum(tokens_of(answer) for answer in review.answers.values())
    if not asks and not review.wants_post:
        return Usage()
    post = ask_post(template, review.language, review.paper, ())
    asked = sum(ask.most_tokens for ask in asks)
    # The post reads the answers; few are as long as they may be, but this is the most
    read = sum(_tokens(ask) for ask in asks) + _tokens(post) + told + asked + _POST_TOKENS
    return Usage(read, asked + post.most_tokens, len(asks) + 1)


async def go_on(
    store: Store,
    model: Model,
    begun: Review,
    text: str,
    *,
    clock: Callable[[], datetime],
    deadline: float,
    concurrency: int,
    progress: Progress,
) -> Outcome | None:
    """Ask what is not answered of the review that has `begun`, then have the post written; until `deadline` (the event
    loop's time).

    `text` is not needed where all is answered. None: another process is at it. Raises `StoreError`; what models do
    wrong is told in the review, or by the outcome where it ends the run.
    """
    async with holding(store, keys.review_lock(begun.paper.versioned, begun.language)) as lock:
        if lock is None:
            return None

        async def keep(change: Callable[[Review], Review]) -> Review:
            return await save(store, begun, change, lock)

        known = await stored_review(store, PaperId(begun.paper.id, begun.paper.version), begun.language, begun.model)
        review = known if known and known.fingerprint == begun.fingerprint else begun
        run = _Run(model, text, keep, clock, deadline, progress, review)
        await run.ask_all(concurrency)
        if run.stop is None and run.review.wants_post and run.has_time:
            await run.write_post()
    return run.outcome


def _question(review: Review, key: str, text: str) -> Ask:
    template = get_template(TEMPLATE, STEP)
    return ask_question(template, key, review.language, review.paper, text, review.input)


def _tokens(ask: Ask) -> int:
    return tokens_of(ask.system) + tokens_of(ask.user)


@dataclass(slots=True)
class _Run:
    """One run: the review as it is known here, what was spent, and the error that ended it, if any."""

    model: Model
    text: str
    keep: Keep
    clock: Callable[[], datetime]
    deadline: float
    progress: Progress
    review: Review
    usage: Usage = field(default_factory=Usage)
    stop: ModelError | None = None
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def has_time(self) -> bool:
        """Whether another question may be begun."""
        return self.deadline - asyncio.get_running_loop().time() >= LEAST_SECONDS

    @property
    def outcome(self) -> Outcome:
        """What came of it."""
        unasked = any(key not in self.review.failures for key in self.review.missing)
        waits = unasked or (self.review.wants_post and POST not in self.review.failures)
        return Outcome(self.review, self.usage, self.stop, out_of_time=waits and self.stop is None)

    async def ask_all(self, concurrency: int) -> None:
        """Ask all questions without an answer, so many at the same time."""
        waiting = deque(self.review.missing)
        self._tell(f"asking {len(waiting)} questions")

        async def work() -> None:
            while waiting and self.stop is None and self.has_time:
                await self._ask(waiting.popleft())

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(concurrency, len(waiting))):
                    group.create_task(work())
        except ExceptionGroup as failed:  # the store's, of which one says enough
            raise failed.exceptions[0] from failed

    async def _ask(self, key: str) -> None:
        template = get_template(TEMPLATE, STEP)
        heading = template.section(key).heading["en"]
        try:
            answer = await self.model.ask(_question(self.review, key, self.text), deadline=self.deadline)
            text = read_question(answer.value, self.review.paper, self.text)
            if not text:
                raise wrong("empty", "nothing harmless is in it", usage=answer.usage)
        except ModelError as error:
            await self._fail(key, error)
            self._tell(f"{heading}: {error}")
        else:
            self.usage += answer.usage
            await self._keep(answer.usage, lambda review: review.answered(key, text))
            self._tell(heading)

    async def write_post(self) -> None:
        """Have the post written of the answers that there are."""
        template, review = get_template(TEMPLATE, STEP), self.review
        answers = [(key, review.answers[key]) for key in review.keys if key in review.answers]
        self._tell("writing the post")
        ask = ask_post(template, review.language, review.paper, answers)
        try:
            answer = await self.model.ask(ask, deadline=self.deadline)
        except ModelError as error:
            await self._fail(POST, error)
            return
        self.usage += answer.usage
        # The answers name no address that the paper does not
        known = "\n".join(text for _, text in answers)
        post, tags = read_post(answer.value, template, review.language, review.paper, known, review.input, answer.model)
        await self._keep(answer.usage, lambda review: review.posted(post, tags, dict(answers)))
        self._tell("the post is written")

    async def _fail(self, key: str, error: ModelError) -> None:
        """Note what went wrong, and end the run where the next question would fare no better."""
        spent = error.usage or Usage()
        self.usage += spent
        out_of_time = error.state == "timeout" and asyncio.get_running_loop().time() >= self.deadline - 1
        if STATES[error.state].for_all or out_of_time:
            self.stop = self.stop or error
            if spent != Usage():
                await self._keep(spent, lambda review: review)
            return
        await self._keep(spent, lambda review: review.failed(key, error.state, str(error), again=error.again))

    async def _keep(self, usage: Usage, change: Callable[[Review], Review]) -> None:
        now = rfc3339(self.clock())
        async with self._writing:
            self.review = await self.keep(
                lambda review: change(review).spent(usage.prompt, usage.completion, usage.calls, now)
            )

    def _tell(self, what: str) -> None:
        done = len(self.review.answers) + (self.review.state != "running")
        self.progress(what, done, len(self.review.keys) + 1)


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
async def the_model(wire: Paperwire) -> AsyncIterator[Model]:
    """The configured model, closed afterwards. Raises `ConfigError` if there is none."""
    model = open_model(wire.settings, wire.store)
    if model is None:
        raise ConfigError([f"This needs a language model. There is {NO_MODEL}"])
    try:
        yield model
    finally:
        await model.close()


def cost_of(wire: Paperwire, usage: Usage) -> float:
    """What tokens cost in the currency of the configured prices; 0 where these are not known."""
    return prices_of(wire.settings).cost(usage)


async def plan_review(wire: Paperwire, wanted: PaperId, language: str, progress: Progress) -> Plan:
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


async def carry_out(wire: Paperwire, plan: Plan, *, seconds: float, progress: Progress) -> Outcome | None:
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


async def find_paper(wire: Paperwire, wanted: PaperId, language: str = "") -> Paper:
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


async def stored_paper(wire: Paperwire, wanted: PaperId) -> Paper | None:
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


async def read_text(wire: Paperwire, paper: Paper, *, full: bool = True) -> FullText:
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


async def _fetch_paper(wire: Paperwire, wanted: PaperId) -> Paper:
    settings = wire.settings
    async with open_upstreams(settings, wire.store) as upstreams:
        found = await fetch_by_id(upstreams.get, upstreams.api_url, [str(wanted)])
    with suppress(KeyError):
        return found.papers[str(wanted)]
    if found.problem:
        raise FetchError(upstreams.api_url, found.problem)
    raise UnknownName("paper", str(wanted))


_STEP = "summarise"


async def stored_summary(wire: Paperwire, paper: Paper, name: str, language: str) -> Summary | None:
    """What is stored of a paper's summary, read from its full text if there is one of that; None if there is none.

    An extract is made at once: no model is asked for it. Raises `UnknownName` for a template that there is not.
    """
    template = get_template(name)
    if name == EXTRACT:
        return extract(paper, language)
    found = await wire.store.get_many(list(_keys(wire, paper, template, language)))
    return next((decode_as(Summary.from_plain, data) for data in found if data), None)


async def make_summary(wire: Paperwire, paper: Paper, name: str, language: str, *, seconds: float) -> Summary | None:
    """The stored summary, or else what the model makes of the paper's text, stored. None: another process is at it.

    Raises `ConfigError` without a model, `ModelError`, `StoreError` and `UnknownName`.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    if known := await stored_summary(wire, paper, name, language):
        return known
    template = get_template(name)
    async with (
        the_model(wire) as model,
        holding(wire.store, keys.summary_lock(paper.versioned, name, language)) as lock,
    ):
        if lock is None:
            return None
        text = await read_text(wire, paper, full=False)
        full = "" if text.input == "abstract" else text.text
        ask = ask_summary(template, language, paper, full, text.input)
        answer = await model.ask(ask, deadline=deadline)
        summary = read_summary(answer.value, template, language, paper, full, text.input, answer.model)
        fingerprint = summary_fingerprint(template, language, model.name(_STEP), text.input)
        key = keys.summary(paper.versioned, name, language, fingerprint)
        await lock.commit({key: (encode(summary.to_plain()), keys.WRITTEN_SECONDS)}, release=True)
        return summary


def _keys(wire: Paperwire, paper: Paper, template: Template, language: str) -> Iterator[str]:
    """Where summaries by the configured model may be stored, the best ones first."""
    model = models_of(wire.settings).get(_STEP, "")
    for kind in reversed(INPUTS):
        yield keys.summary(
            paper.versioned, template.name, language, summary_fingerprint(template, language, model, kind)
        )
