"""The write path: every caller runs these steps, in this order, and no other code changes stored papers.

today → learn → backfill → enrich → analyze → deliver. Each step has its own failures: a source that is down does not
prevent other steps. A hub is notified of today's batch before the slow steps. These process the newest dates first,
then older ones.

Each unit of work is stored when it is done: a run may be killed at any moment, and the next one continues from there.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from time import monotonic
from typing import Any, NamedTuple

from core.archive import Archive, Draft, State
from core.config.overrides import Rules, rules_in_force
from core.config.settings import Settings
from core.jobs.again import look_again
from core.jobs.analyze import analyze
from core.jobs.backfill import (
    LEAST_SECONDS,
    Backfilled,
    backfill,
    pending_windows,
    read_pages,
    still_pending_pages,
)
from core.jobs.deliver import Delivered, Post, Read, notify, send_due
from core.jobs.elsewhere import fetch_elsewhere
from core.jobs.enrich import Enriched, complete_shown, fetch_picks
from core.jobs.feed_date import Analysed
from core.jobs.learn import learn_all, taught
from core.jobs.library import read_zotero
from core.jobs.refresh import REFRESH_SECONDS, Today, fetch_today, is_due
from core.jobs.step import Call, Remainder, Step, is_quiet, refused_by_chain, settled_under
from core.jobs.upstreams import Upstreams, open_upstreams
from core.model.calendar import due_date
from core.model.errors import StoreError, StoreRefused
from core.model.freshness import due_of, due_record, is_settled
from core.model.ledger import Window
from core.model.manifest import rfc3339
from core.model.pages import PageKey
from core.model.repair import Lost, without_future, without_lost
from core.model.sources import ARXIV, ELSEWHERE
from core.model.work import OWNER, QUEUE, READER, Chain
from core.queue.base import Queue
from core.util.log import NO_PROGRESS, Progress
from core.util.tasks import is_cancelled

log = logging.getLogger("paperwire")
_POLL_SECONDS = 0.5


class Scope(NamedTuple):
    """What a run does: the due batches (`due`) and the `rest`, `by` whom; if `forced`, also during the backoff or when
    nothing seems to be pending.
    """

    due: bool
    forced: bool
    rest: bool
    by: str = OWNER


SCOPES = {
    "all": Scope(due=True, forced=True, rest=True),  # the owner's command, and crons
    "pending": Scope(due=True, forced=False, rest=True),  # the scheduler of a server, and frequent crons
    "step": Scope(due=True, forced=False, rest=True, by=QUEUE),  # a queue
    "due": Scope(due=True, forced=False, rest=False),  # a reader's request, while it waits
    "piece": Scope(due=False, forced=False, rest=True, by=READER),  # a reader's request, after its answer
    "rest": Scope(due=False, forced=True, rest=True),
}


@dataclass(slots=True)
class Report:
    """What a run did, by step. A step that did not run has an empty part; `today` is then None.

    `failures` are the problems by step, in words. `busy` are the steps that another process is doing. `state` is the
    stored state after the run, None if it was not read. `refused` says why the rest was not done, and `chain` are its
    steps; all of them took `seconds`.
    """

    today: Today | None = None
    backfill: Backfilled = field(default_factory=Backfilled)
    enrich: Enriched = field(default_factory=Enriched)
    analyze: Analysed = field(default_factory=Analysed)
    deliver: Delivered = field(default_factory=Delivered)
    errors: dict[str, list[str]] = field(default_factory=dict)
    busy: list[str] = field(default_factory=list)
    rested: bool = False  # whether the steps after today ran
    asked_picks: bool = False
    lost: int = 0  # stored values that the store has lost, and that are pending again
    refused: str = ""
    chain: Chain = field(default_factory=Chain)
    seconds: float = 0.0
    state: State | None = None

    @property
    def failures(self) -> dict[str, list[str]]:
        """The problems, by step, in words."""
        parts = {
            "today": [self.today.error] if self.today and self.today.error else [],
            "backfill": self.backfill.problems,
            "enrich": [*self.enrich.problems, *self.enrich.elsewhere.problems],
            "analyze": self.analyze.problems,
            "deliver": self.deliver.problems,
        }
        steps = dict.fromkeys((*parts, *self.errors))
        found = {name: [*parts.get(name, ()), *self.errors.get(name, ())] for name in steps}
        return {name: list(dict.fromkeys(problems)) for name, problems in found.items() if problems}

    @property
    def failed(self) -> str:
        """Why the due batch is unusable, "" if it is usable."""
        if self.today:
            return self.today.record.reason if self.today.record.state == "failed" else ""
        answered = self.enrich.picks or self.enrich.elsewhere.asked
        return "; ".join(self.failures.get("enrich", ())) if self.asked_picks and not answered else ""

    @property
    def _pending(self) -> list[Window | PageKey]:
        return [*self.backfill.pending, *self.backfill.pending_pages]

    @property
    def did_something(self) -> bool:
        """Whether a source was asked, successfully or not."""
        return self.today is not None or self.asked_picks or self.rested

    def to_plain(self) -> dict[str, Any]:
        """Returns this as JSON values."""
        plain = self.today.to_plain() if self.today else {}
        if self.rested:
            numbers = {"pages": self.backfill.pages, "windows": self.backfill.windows, "late": self.backfill.late}
            numbers |= {"completed": self.enrich.completed, "picks": self.enrich.picks}
            numbers |= {"elsewhere": self.enrich.elsewhere.found} if self.enrich.elsewhere.asked else {}
            problems = [text for name, texts in self.failures.items() if name in _REST for text in texts]
            more = {
                "owed": len({one.date for one in self._pending}),
                "problems": problems,
                "analysis": self.analyze.to_plain(),
            }
            plain["caught"] = numbers | more
        elif self.asked_picks:
            plain["picks"] = self.enrich.picks
        dates = {one.date.isoformat() for one in self._pending}
        pending = {"dates": sorted(dates, reverse=True)}
        plain["pending"] = pending | {"papers": self.analyze.pending}
        plain |= {"lost": self.lost} if self.lost else {}
        plain |= {"delivered": self.deliver.sent} if self.deliver.sent else {}
        return plain | {"work": self._work(), "failures": self.failures, "busy": list(self.busy)}

    def _work(self) -> dict[str, Any]:
        chain = self.chain
        plain: dict[str, Any] = {"steps": chain.steps, "seconds": round(self.seconds, 1), "pending": chain.pending}
        plain |= {"scheduled": bool(chain.scheduled), "reading": {k: list(n) for k, n in chain.reading.items()}}
        after = {"next": rfc3339(datetime.fromtimestamp(chain.at, UTC))} if chain.pending and chain.at else {}
        return plain | after | ({"refused": self.refused} if self.refused else {})


_REST = ("backfill", "enrich", "rest")


async def run(
    archive: Archive,
    settings: Settings,
    scope: Scope,
    *,
    seconds: float,
    key: str = "",
    queue: Queue | None = None,
    patience: float = 0.0,
    progress: Progress = NO_PROGRESS,
    read: Read | None = None,
) -> Report:
    """Run the steps of `scope`. The rest after the due batches takes at most `seconds`; 0 skips it.

    `key` is what a queue delivers. If anything is still pending, the `queue` is to call the next step. `read` reads the
    entries of a feed for the digests that are delivered at the end; without it none are.
    While another process does the same, this one waits for up to `patience` seconds, and then skips it. Returns the
    report, with all failures but `StoreError`, which is raised.
    """
    async with open_upstreams(settings, archive) as upstreams:
        begun, call = monotonic(), Call(scope.by, key, queue)
        work = _Run(archive, settings, upstreams, settings.clock(), scope, call, patience, progress)
        try:
            if scope.due:
                await work.due(forced=scope.forced)
            if scope.rest:
                await work.learn()
            if scope.rest and seconds > 0:
                await work.rest(seconds)
            if scope.rest and read and settings.feeds.deliver:
                await work.deliver(read)
        except StoreRefused as error:
            await archive.note_refusal(error, settings.clock())
            raise
    if work.report.state and work.report.state.failure:
        await archive.clear_refusal()
        work.report.state = replace(work.report.state, failure={})
    work.report.seconds = monotonic() - begun
    if work.report.did_something:
        log.info("refresh %s", _for_log(work.report))
    return work.report


def _for_log(report: Report) -> Mapping[str, Any]:
    plain = report.to_plain()
    return plain | ({"rejected": len(plain["rejected"])} if "rejected" in plain else {})


@dataclass(slots=True)
class _Run:
    """One run: its inputs, and its report."""

    archive: Archive
    settings: Settings
    upstreams: Upstreams
    now: datetime
    scope: Scope
    call: Call
    patience: float
    progress: Progress
    report: Report = field(default_factory=Report)

    async def due(self, *, forced: bool) -> None:
        """Fetch the due batch of the feeds' source, and deliver it."""
        rules = await self._patiently("today", lambda: self._today(forced=forced))
        if rules is None:
            return
        if self.report.today and self.report.today.changed:
            await self._step("deliver", self._notify(rules))
        if ARXIV not in rules.sources:  # else the picks belong to the rest
            record = due_record((await self.archive.state()).manifest, due_of(self.now, rules.sources), rules.sources)
            if forced or not is_settled(record, ()):
                await self._others(rules, monotonic() + REFRESH_SECONDS)
                self.report.state = await self.archive.state()

    async def rest(self, seconds: float) -> None:
        """Do the steps after the due batches, for at most `seconds`."""
        end = monotonic() + seconds
        done = await self._patiently("rest", lambda: self._rest(end))
        if done:
            self.report.rested = True

    async def _today(self, *, forced: bool) -> Rules | None:
        """Fetch the due batch of arXiv, if necessary. Returns the rules in force, None if another process does it."""
        async with self.archive.try_drafting() as draft:
            if draft is None:
                return None
            rules = await self._rules(draft.state)
            await self._step("store", self._repair(draft, rules))
            if rules.categories and (forced or is_due(draft, rules, self.now)):
                await self._step("today", self._fetch_today(draft, rules))
            elif draft.is_changed:
                self.report.state = await draft.commit()
            return rules

    async def learn(self) -> None:
        """Learn what is not up to date for all feeds."""
        await self._step("learn", self._learn())

    async def _learn(self) -> None:
        state = self.report.state or await self.archive.state()
        rules = rules_in_force(self.settings.feeds, state.saved, state.learned)
        changed, problem = await read_zotero(self.archive, self.settings, self.upstreams, rules, state.manifest)
        if problem:
            self.report.errors.setdefault("library", []).append(problem)
        if changed:
            state = self.report.state = await self.archive.state()
            rules = rules_in_force(self.settings.feeds, state.saved, state.learned)
        if await learn_all(self.archive, rules, state.manifest):
            self.report.state = await self.archive.state()

    async def _rules(self, state: State) -> Rules:
        """Returns the rules in force, with what was learned for their feeds."""
        return await taught(self.archive, rules_in_force(self.settings.feeds, state.saved, state.learned))

    async def _repair(self, draft: Draft, rules: Rules) -> None:
        """Restore what the store has lost or damaged; what cannot be restored is pending again in the draft."""
        lost: tuple[Lost, ...] = ()
        manifest = draft.manifest
        try:
            found = await self.archive.inventory.restore(draft.state)
            lost = found.lost
            if found.unsound:  # readers may have missed something
                manifest = manifest.under(manifest.rules, self.now)
        except StoreError as error:  # the announcements are more important
            self.report.errors.setdefault("store", []).append(f"its values could not be checked: {error}")
        manifest = without_future(manifest, self.now)
        draft.manifest = without_lost(manifest, lost, self.now, self.archive.retention, rules.sources)
        self.report.lost = len(lost)

    async def _fetch_today(self, draft: Draft, rules: Rules) -> None:
        today = await fetch_today(self.archive, draft, self.upstreams, rules, self.now, self.progress)
        self.report.state = await draft.commit()
        self.report.today = today
        self.progress("stored", len(rules.categories), len(rules.categories))

    async def _notify(self, rules: Rules) -> None:
        if problem := await notify(self.settings, rules):
            self.report.errors.setdefault("deliver", []).append(problem)

    async def deliver(self, read: Read) -> None:
        """Send the digests that are due."""
        await self._step("deliver", self._deliver(read))

    async def _deliver(self, read: Read) -> None:
        state = await self.archive.state()
        post = Post(self.settings, await self._rules(state), state.manifest, read, self.now)
        self.report.deliver = await send_due(self.archive, post)

    async def _others(self, rules: Rules, end: float) -> None:
        """Ask the sources beside arXiv: Hugging Face, preprint servers, RSS feeds. Each fails for itself."""
        self.report.asked_picks = True
        if rules.wants_picks:
            self.progress("asking Hugging Face", 0, 1)
            await self._step("enrich", self._picks(rules))
        if not rules.sources.isdisjoint(ELSEWHERE):
            self.progress("asking other sources", 0, 1)
            await self._step("enrich", self._elsewhere(rules, end))
            await self._step("enrich", self._again(rules))

    async def _again(self, rules: Rules) -> None:
        await look_again(self.archive, rules, now=self.now)

    async def _picks(self, rules: Rules) -> None:
        await fetch_picks(self.archive, self.upstreams, rules, now=self.now, report=self.report.enrich)

    async def _elsewhere(self, rules: Rules, end: float) -> None:
        await fetch_elsewhere(
            self.archive, self.upstreams, rules, now=self.now, end=end, report=self.report.enrich.elsewhere
        )

    async def _rest(self, end: float) -> bool | None:
        """Do the steps after today, until `end` (`time.monotonic`), unless nothing is pending or the bounds refuse it.

        Returns whether they were done, None if another process does them.
        """
        if refused := await refused_by_chain(
            self.archive, self.call
        ):  # without the lock, which another process may need
            self.report.refused = refused
            return False
        async with self.archive.work.step() as working:
            if working is None:
                return None
            step = Step(working, self.call)
            state = await self.archive.state()
            rules = await self._rules(state)
            if self._is_quiet(step, state, rules) or not await step.begin(self.now):
                self.report.refused, self.report.chain = step.refused, step.chain
                return False
            await self._steps(step, rules, end)
            await self._end(step, rules, state)
            return True

    def _is_quiet(self, step: Step, state: State, rules: Rules) -> bool:
        """Returns whether a step would find nothing to do; a forced one always looks."""
        if self.scope.forced or step.wants_others(rules, forced=False):
            return False
        windows = pending_windows(state.manifest, self.upstreams, rules, self.archive, self.now)
        pages = still_pending_pages(state.manifest, self.upstreams, rules, self.archive, self.now)
        return not windows and not pages and is_quiet(step.chain, settled_under(state.manifest, rules, self.settings))

    async def _steps(self, step: Step, rules: Rules, end: float) -> None:
        await self._step("backfill", self._backfill(rules, end, due_only=True))
        await self._step("enrich", self._enrich(step, rules, end))
        await self._step("analyze", self._analyze(step, rules, end))
        before = self.report.backfill.windows, self.report.backfill.pages
        await self._step("backfill", self._backfill(rules, end, due_only=False))
        if (self.report.backfill.windows, self.report.backfill.pages) > before:  # new dates were stored
            await self._step("analyze", self._analyze(step, rules, end))

    async def _end(self, step: Step, rules: Rules, before: State) -> None:
        """Note what is pending, and have the next step called."""
        report, state = self.report, await self.archive.state()
        windows = pending_windows(state.manifest, self.upstreams, rules, self.archive, self.now)
        pages = still_pending_pages(state.manifest, self.upstreams, rules, self.archive, self.now)
        report.backfill.pending, report.backfill.pending_pages, report.state = windows, pages, state
        # Slices of a window or pages were stored, and time ran out
        untried = [
            one for one in (*windows, *pages) if not isinstance(one, PageKey) or one not in report.backfill.tried
        ]
        out_of_time = bool(untried) and bool(report.backfill.tried) and not report.backfill.problems
        progress = state.manifest.version != before.manifest.version or report.analyze.answers > 0 or out_of_time
        left = Remainder(
            pending=len(windows) + len(pages) + report.analyze.pending,
            resumes=0.0 if untried and not report.backfill.problems else report.analyze.resumes,
            progress=progress,
            asked_picks=report.asked_picks and bool(report.enrich.picks or report.enrich.elsewhere.asked),
            reading=report.analyze.reading,
            model=report.analyze.model,
        )
        await step.end(left, settled_under(state.manifest, rules, self.settings))
        report.chain = step.chain
        if step.problem:
            report.errors.setdefault("queue", []).append(step.problem)

    async def _backfill(self, rules: Rules, end: float, *, due_only: bool) -> None:
        due = due_date(self.now)
        await read_pages(
            self.archive,
            self.upstreams,
            rules,
            now=self.now,
            end=end,
            wanted=lambda day: not due_only or day == due,
            report=self.report.backfill,
            progress=self.progress,
        )
        await backfill(
            self.archive,
            self.upstreams,
            rules,
            now=self.now,
            end=end,
            wanted=lambda window: not due_only or window.date == due,
            report=self.report.backfill,
            progress=self.progress,
        )

    async def _enrich(self, step: Step, rules: Rules, end: float) -> None:
        if step.wants_others(rules, forced=self.scope.forced) and not self.report.asked_picks:
            await self._others(rules, end)
        has_time = end - monotonic() > LEAST_SECONDS
        if self.upstreams.api_url and has_time and not self.report.backfill.is_down:
            await complete_shown(self.archive, self.upstreams, rules, now=self.now, report=self.report.enrich)

    async def _analyze(self, step: Step, rules: Rules, end: float) -> None:
        report, left = self.report.analyze, end - monotonic()
        if not report.problems and left > 0:
            await analyze(
                self.archive, self.settings, rules, self.upstreams.get_site, now=self.now, seconds=left,
                progress=self.progress, report=report, after=step.chain.cursor, claim=step.claim,
            )  # fmt: skip

    async def _step(self, name: str, work: Awaitable[None]) -> None:
        """Do a step. Its errors are noted, and other steps go on; `StoreError` ends the run."""
        try:
            await work
        except StoreError:
            raise
        except Exception as error:
            if is_cancelled():
                raise
            log.exception("the step %s failed", name)
            self.report.errors.setdefault(name, []).append(f"{type(error).__name__}: {error}")

    async def _patiently(self, name: str, work: Callable[[], Awaitable[Any]]) -> Any:
        """Returns the result of `work`, repeated while another process does the same; None when the patience ends."""
        end = monotonic() + self.patience
        while (done := await work()) is None:
            if monotonic() >= end:
                self.report.busy.append(name)
                return None
            self.progress("waiting for another process that is refreshing", 0, 1)
            await asyncio.sleep(_POLL_SECONDS)
        return done
