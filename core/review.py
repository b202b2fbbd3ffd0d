"""The deep review of one paper: questions over its full text, each answer stored when it is there, then the post.

Whatever ends it, the next run goes on: what is answered is never asked again. One question's failure is recorded with
the review, and asked again in the next run; the post is made when nothing more is waited for.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from core.domain.errors import ModelError
from core.domain.manifest import rfc3339
from core.domain.paper import Paper, PaperId
from core.domain.review import POST, Listed, Review
from core.domain.rubric import INPUTS
from core.models.answers import read_post, read_question
from core.models.ask import Ask, Model, Usage
from core.models.prompts import ask_post, ask_question, review_fingerprint
from core.models.states import STATES, wrong
from core.models.templates import get_template
from core.models.tokens import tokens_of
from core.reviews import read_review, read_rows, save
from core.sources.announcements import Progress
from core.sources.fulltext import FullText
from core.store import keys
from core.store.lock import holding
from core.store.protocol import Store

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
