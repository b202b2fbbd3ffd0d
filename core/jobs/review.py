"""The deep review of one paper: questions on its full text, each answer stored at once, then the post.

A run may end at any moment, and the next one continues: answered questions are not sent again. A failed question is
recorded with the review, and sent again in the next run; the post is written when no question is open.

Reviews are made only at the owner's command, because they send requests to arXiv and to the model.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic

from core.archive import Archive
from core.archive.reviews import LOCK_PATIENCE_SECONDS, ReviewChange, Save
from core.config.models import NO_MODEL, models_of, text_characters
from core.config.settings import Settings
from core.jobs.session import Session, open_session, prices_of
from core.jobs.upstreams import open_upstreams
from core.llm.answers import read_post, read_question
from core.llm.base import Ask, Usage, tokens_of, wrong
from core.llm.material import MOST_CHARS
from core.llm.prompts import ask_post, ask_question, review_fingerprint
from core.llm.templates import get_template
from core.model.errors import ConfigError, FetchError, ModelError, NoText, UnknownName
from core.model.fulltext import FullText
from core.model.manifest import rfc3339
from core.model.paper import Paper, PaperId, is_withdrawn
from core.model.review import POST, Listed, Review, find_row
from core.model.rubric import INPUTS
from core.sources.api import fetch_by_id
from core.sources.fulltext import fetch_text
from core.util.log import Progress

STEP = "review"
TEMPLATE = "review"
LEAST_QUESTION_SECONDS = 20.0  # no question is sent with less time left: an answer that is cut off costs money
TEXT_SECONDS = 150.0  # for HTML and PDF together, with the pauses that arXiv asks for
_POLL_SECONDS = 0.5
_UNREAD = FullText("", "abstract")
_POST_TOKENS = 1_500  # of instructions and title of the post, beside the answers

StoredPaper = Callable[[PaperId], Awaitable[Paper | None]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The review so far, the usage of this run, and what ended it early: an `error` that concerns all questions, or the
    time.
    """

    review: Review
    usage: Usage = field(default_factory=Usage)
    error: ModelError | None = None
    out_of_time: bool = False

    @property
    def stopped(self) -> str:
        """Why the run ended early, in words, or ""."""
        if self.error:
            return str(self.error)
        return "The time for this run was over" if self.out_of_time else ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A review with the text for its open questions, and the maximal usage: tokens, calls, and the cost in the currency
    of the prices, 0 if they are unknown. A complete review sends no questions.
    """

    review: Review
    text: FullText
    usage: Usage
    cost: float

    @property
    def complete(self) -> bool:
        """Returns whether no question is open."""
        return not self.usage.calls


async def plan_review(
    archive: Archive, settings: Settings, stored: StoredPaper, wanted: PaperId, language: str, progress: Progress
) -> Plan:
    """Returns the plan of a paper's review: what is stored, and what is open. `stored` finds papers of the feeds.

    Raises `UnknownName` for a paper that arXiv does not have, `NoText` for one without a text, `FetchError` if arXiv
    fails, `ConfigError` without a model, and `StoreError`.
    """
    model = models_of(settings).get(STEP)
    if not model:
        raise ConfigError([f"A review needs a language model. There is {NO_MODEL}"])
    progress("looking for the paper", 0, 1)
    paper = await find_paper(archive, settings, stored, wanted, language)
    review = await stored_review(archive, PaperId(paper.id, paper.version), language, model)
    text = _UNREAD
    if review is None or review.missing:
        progress("reading the paper", 0, 1)
        text = await read_text(archive, settings, paper)
        review = _continued(review, text) or begin(paper, language, model, text, settings.clock())
    usage = await asyncio.to_thread(estimate, review, text, text_characters(settings))
    return Plan(review, text, usage, prices_of(settings).cost(usage))


async def carry_out(
    archive: Archive, settings: Settings, plan: Plan, *, seconds: float, progress: Progress
) -> Outcome | None:
    """Continue a planned review for at most `seconds`. Returns None if another process is writing it."""
    if plan.complete:
        return Outcome(plan.review)
    end = monotonic() + LOCK_PATIENCE_SECONDS
    async with open_session(settings, archive, seconds=seconds, reserve=LEAST_QUESTION_SECONDS) as session:
        while True:
            outcome = await go_on(archive, session, plan.review, plan.text, clock=settings.clock, progress=progress)
            if outcome is not None or monotonic() > end:
                return outcome
            progress("waiting for another process that writes this review", 0, 1)
            await asyncio.sleep(_POLL_SECONDS)


async def go_on(
    archive: Archive,
    session: Session,
    begun: Review,
    text: FullText,
    *,
    clock: Callable[[], datetime],
    progress: Progress,
) -> Outcome | None:
    """Send the open questions of the review `begun`, then request the post.

    `text` is unused if all questions are answered. Returns None if another process is writing the review. Raises
    `StoreError`; failures of models are in the review, or in the outcome if they end the run.
    """
    async with archive.reviews.writing(begun) as save:
        if save is None:
            return None
        known = await stored_review(archive, PaperId(begun.paper.id, begun.paper.version), begun.language, begun.model)
        review = known if known and known.fingerprint == begun.fingerprint else begun
        run = _Run(session, text, save, clock, progress, review)
        await run.ask_all()
        if run.review.wants_post and session.may_ask:
            await run.write_post()
    return run.outcome


def begin(paper: Paper, language: str, model: str, text: FullText, now: datetime) -> Review:
    """Returns a new review without answers."""
    template, time = get_template(TEMPLATE, STEP), rfc3339(now)
    return Review(
        paper=paper,
        language=language,
        model=model,
        fingerprint=review_fingerprint(template, language, model, text.input),
        keys=tuple(part.key for part in template.parts),
        prompts={part.key: part.ask for part in template.parts},
        begun=time,
        updated=time,
        input=text.input,
        note=text.note,
    )


async def stored_review(archive: Archive, paper: PaperId, language: str, model: str) -> Review | None:
    """Returns the stored review by this model and these questions that has most answers, None if there is none."""
    template = get_template(TEMPLATE, STEP)
    own = {review_fingerprint(template, language, model, kind) for kind in INPUTS}
    rows = [
        row
        for row in await archive.reviews.rows()
        if (row.paper, row.language) == (paper, language) and row.fingerprint in own
    ]
    best = max(rows, key=_progress, default=None)
    return await archive.reviews.get(best) if best else None


def _progress(row: Listed) -> tuple[bool, int, str]:
    return row.has_post, row.answered, row.updated


def estimate(review: Review, text: FullText, characters: int = 0) -> Usage:
    """Returns the maximal usage of the open questions: tokens read, tokens written, and calls, without retries.

    `characters` of the text are read at most, 0: any number.
    """
    template = get_template(TEMPLATE, STEP)
    asks = [_question(review, key, text).within(characters) for key in review.missing]
    answered = sum(tokens_of(answer) for answer in review.answers.values())
    if not asks and not review.wants_post:
        return Usage()
    post = ask_post(template, review.language, review.paper, ())
    asked = sum(ask.most_tokens for ask in asks)
    # The post reads the answers: an upper bound, because few answers have the maximal length
    read = sum(_tokens(ask) for ask in asks) + _tokens(post) + answered + asked + _POST_TOKENS
    return Usage(read, asked + post.most_tokens, len(asks) + 1)


def review_usage(language: str, characters: int) -> Usage:
    """Returns the usage of a whole review in a language, of a text that fills `characters`."""
    paper = Paper("0000.00000", 1, "", "", (), ())
    text = longest_text(characters)
    begun = begin(paper, language, "", text, datetime(1970, 1, 1, tzinfo=UTC))
    return estimate(begun, text, characters)


def longest_text(characters: int) -> FullText:
    """Returns a text of so many characters, for estimates."""
    return FullText("word " * (min(characters, MOST_CHARS) // 5), "html")


def _question(review: Review, key: str, text: FullText) -> Ask:
    return ask_question(get_template(TEMPLATE, STEP), key, review.language, review.paper, text)


def _tokens(ask: Ask) -> int:
    return tokens_of(ask.system) + tokens_of(ask.user)


@dataclass(slots=True)
class _Run:
    """One run: its session, and the stored review."""

    session: Session
    text: FullText
    save: Save
    clock: Callable[[], datetime]
    progress: Progress
    review: Review
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def outcome(self) -> Outcome:
        """Returns the outcome of the run."""
        unasked = any(key not in self.review.failures for key in self.review.missing)
        waits = unasked or (self.review.wants_post and POST not in self.review.failures)
        stopped = self.session.stopped
        return Outcome(self.review, self.session.usage, stopped, out_of_time=waits and stopped is None)

    async def ask_all(self) -> None:
        """Send all questions without an answer."""
        missing = self.review.missing
        self._show(f"asking {len(missing)} questions")
        # The first one alone: the provider then has the text in its cache, and the others read it there
        await self.session.each(missing[:1], self._ask)
        await self.session.each(missing[1:], self._ask)

    async def _ask(self, key: str) -> None:
        template = get_template(TEMPLATE, STEP)
        heading = template.section(key).heading["en"]
        try:
            answer = await self.session.ask(_question(self.review, key, self.text))
            text, read = read_question(answer, self.review.language, self.review.paper, self.text)
            if not text:
                raise wrong("empty", "nothing is left of it after sanitising", usage=answer.usage)
        except ModelError as error:
            await self._fail(key, error)
            self._show(f"{heading}: {error}")
        else:
            await self._keep(answer.usage, lambda review: review.answered(key, text).on(read))
            self._show(heading)

    async def write_post(self) -> None:
        """Request the post, which is made from the answers."""
        template, review = get_template(TEMPLATE, STEP), self.review
        answers = [(key, review.answers[key]) for key in review.keys if key in review.answers]
        self._show("writing the post")
        ask = ask_post(template, review.language, review.paper, answers)
        try:
            answer = await self.session.ask(ask)
        except ModelError as error:
            await self._fail(POST, error)
            return
        # The answers contain no URL that the paper does not contain
        known = "\n".join(text for _, text in answers)
        post, tags = read_post(answer, template, review.language, review.paper, FullText(known, review.input))
        await self._keep(answer.usage, lambda review: review.posted(post, tags, dict(answers)))
        self._show("the post is written")

    async def _fail(self, key: str, error: ModelError) -> None:
        """Record the usage, and the error if it concerns this question alone."""
        spent = error.usage or Usage()
        if not self.session.concerns_all(error):
            await self._keep(spent, lambda review: review.failed(key, error.state, str(error), again=error.again))
        elif spent != Usage():
            await self._keep(spent, lambda review: review)

    async def _keep(self, usage: Usage, change: ReviewChange) -> None:
        now = rfc3339(self.clock())
        async with self._writing:
            self.review = await self.save(
                lambda review: change(review).spent(usage.prompt, usage.completion, usage.calls, now)
            )

    def _show(self, what: str) -> None:
        done = len(self.review.answers) + (self.review.state != "running")
        self.progress(what, done, len(self.review.keys) + 1)


async def find_paper(
    archive: Archive, settings: Settings, stored: StoredPaper, wanted: PaperId, language: str = ""
) -> Paper:
    """Returns the paper of an incomplete review, else the stored paper, else that of arXiv's API.

    Without a version it is the newest one. If arXiv does not answer, the paper of a complete review is returned.
    """
    row = find_row(await archive.reviews.rows(), wanted, language)
    reviewed = await archive.reviews.get(row) if row else None
    if reviewed and (wanted.version or reviewed.state != "ready"):
        return reviewed.paper
    if paper := await stored(wanted):
        return paper
    try:
        return await _fetch_paper(archive, settings, wanted)
    except FetchError:
        if reviewed:
            return reviewed.paper
        raise


async def read_text(archive: Archive, settings: Settings, paper: Paper, *, full: bool = True) -> FullText:
    """Returns the text of a paper. If only the abstract is available, `full` raises `FetchError` or `NoText`."""
    async with open_upstreams(settings, archive) as upstreams:
        deadline = asyncio.get_running_loop().time() + TEXT_SECONDS
        text = await fetch_text(upstreams.get_site, paper, pdf_url=settings.pdf_url, deadline=deadline)
    if not full or text.input != "abstract":
        return text
    if text.again:
        raise FetchError(f"{settings.pdf_url}/pdf/{paper.versioned}", f"{text.note}; try again later")
    if is_withdrawn(paper):
        earlier = f"; the version before is {paper.id}v{paper.version - 1}" if paper.version > 1 else ""
        raise NoText(f"{paper.versioned} has been withdrawn, and has no text{earlier}")
    raise NoText(f"{paper.versioned} has no full text to read: {text.note.partition('; the abstract was read')[0]}")


def _continued(review: Review | None, text: FullText) -> Review | None:
    """Returns the stored review if `text` has the same input (HTML or PDF) as its answers, else None.

    Raises `FetchError` if `text` is worse: the review is then continued later, not restarted.
    """
    if review is None or review.input == text.input:
        return review
    if text.again:
        raise FetchError(review.paper.url, f"{text.note}; what is answered was read as {review.input}")
    return None


async def _fetch_paper(archive: Archive, settings: Settings, wanted: PaperId) -> Paper:
    async with open_upstreams(settings, archive) as upstreams:
        found = await fetch_by_id(upstreams.get, upstreams.api_url, [str(wanted)])
    with suppress(KeyError):
        return found.papers[str(wanted)]
    if found.problem:
        raise FetchError(upstreams.api_url, found.problem)
    raise UnknownName("paper", str(wanted))
