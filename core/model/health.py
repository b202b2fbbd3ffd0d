"""Health: the problems of a wire, since when they last, and what its owner can do about them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from core.model.calendar import announcement_days, due_at, due_date
from core.model.ledger import Window, in_words
from core.model.manifest import LACKING, BatchRecord, Manifest, rfc3339
from core.model.sources import ARXIV, NAMES, PREPRINTS, RSS, due_time, leading_source
from core.model.work import MOST_IDLE, MOST_STEPS, Chain

if TYPE_CHECKING:
    from core.model.pages import PageKey

PATIENCE = timedelta(hours=6)  # how late a batch may be before its owner should look
OVER = 2  # announcement days after which a gap is not filled automatically
VOTING = timedelta(days=2)  # how long Hugging Face may fail
OVERDUE = timedelta(days=3)  # how long another source may fail
SLEPT = timedelta(days=4)  # how long nothing may be fetched: longer than any weekend with a holiday


@dataclass(frozen=True, slots=True)
class Trouble:
    """A problem: `kind` for programs, `detail` for people, `since` when (RFC 3339), and the remedy (`mend`).

    `act`: it does not pass automatically.
    """

    kind: str
    detail: str
    since: str = ""
    mend: str = ""
    act: bool = False


def troubles(
    manifest: Manifest,
    pending: Sequence["Window | PageKey"],
    now: datetime,
    *,
    store_error: str = "",
    refusal: str = "",
    failure: Mapping[str, str] | None = None,
    damaged: int = 0,
    sources: Collection[str] = (ARXIV,),
    chain: Chain = Chain(),  # noqa: B008 - an immutable value
    queue: str = "",
    whole: bool = False,
) -> list[Trouble]:
    """Returns all problems at `now`, worst first.

    `pending` are the windows and pages that backfill is still to read. `store_error` is the error of the last read of
    the store, `refusal` the reason why it refuses writes, with a remedy; `failure` says when (`time`) and why
    (`reason`) the last refresh could not store its work. `damaged` is the number of stored values that are lost or
    damaged and have a copy.
    `sources` are those that the feeds use: other sources are not checked. `chain` are the steps that finish the pending
    work, `queue` the reason why the queue that should call them cannot be used. `whole`: with the words of
    others, which are for the owner.
    """
    found = [
        *_of_store(store_error),
        *_of_picks(manifest, now),
        *_of_elsewhere(manifest, now, sources),
        *_of_chain(chain),
        *of_model(chain.model, whole=whole),
    ]
    if queue:
        found.append(Trouble("queue", queue, mend="until then, crons and readers' requests finish the work", act=True))
    if refusal:  # what lacks is not the upstreams' fault
        mend = "make room, or let this service write; `paperwire store info` shows what is stored"
        found.append(Trouble("store", f"nothing can be stored: {refusal}", mend=mend, act=True))
    elif failure:
        mend = "make room, or take a larger plan; `paperwire store info` shows what is stored"
        detail = f"the last refresh could not store its work: {failure['reason']}"
        found.append(Trouble("store", detail, failure["time"], mend, act=True))
    if damaged:
        detail = f"{damaged} stored value{'s are' if damaged > 1 else ' is'} lost or damaged"
        found.append(Trouble("damaged", detail, mend="the next refresh restores what has a copy, and fetches the rest"))
    if not refusal:
        found += _of_dates(manifest, pending, now, sources)
    return sorted(found, key=lambda trouble: not trouble.act)


def _of_dates(
    manifest: Manifest, pending: Sequence["Window | PageKey"], now: datetime, sources: Collection[str]
) -> Iterator[Trouble]:
    """Yields the problems of what is stored, and of what is pending."""
    if ARXIV in sources:
        yield from (*_of_due(manifest, now), *_of_gaps(manifest, now))
    elif not (known := manifest.all_of(source := leading_source(sources))):
        yield _empty(manifest)
    elif now - (since := due_time(source, max(known))) > SLEPT:
        yield _asleep(max(known), since)
    if pending:
        windows = in_words(one.date for one in pending if isinstance(one, Window))
        pages = in_words(one.date for one in pending if not isinstance(one, Window))
        details = [f"the API of arXiv is still to be asked for {windows}"] if windows else []
        details += [f"its catch-up pages are still to be read for {pages}"] if pages else []
        mend = "each refresh goes on; `paperwire refresh --all` does it at once"
        yield Trouble("pending", "; ".join(details), mend=mend)


def status_of(found: Sequence[Trouble]) -> str:
    """Returns "ok", "degraded" (it passes automatically) or "failing" (the owner should act)."""
    return "failing" if any(trouble.act for trouble in found) else "degraded" if found else "ok"


def _of_store(store_error: str) -> list[Trouble]:
    mend = "see that the database runs, and that its address and token are right; `paperwire store info` shows more"
    trouble = Trouble("store", "the store does not answer; the last good copy is served", mend=mend, act=True)
    return [trouble] if store_error else []


def _of_chain(chain: Chain) -> list[Trouble]:
    """Returns the problem of papers that no step gets read."""
    read, planned = chain.progress()
    if not chain.pending or (chain.idle < MOST_IDLE and chain.steps < MOST_STEPS):
        return []
    why = "the last steps made no progress" if chain.idle >= MOST_IDLE else f"{MOST_STEPS} steps were begun today"
    mend = "crons, requests and `paperwire refresh` try it again; their reports say what fails"
    return [Trouble("reading", f"{read} of {planned} papers are read, and {why}", mend=mend)]


def of_model(problem: Mapping[str, str], *, whole: bool = False) -> list[Trouble]:
    """Returns the problem of the endpoint of models; its own words only if `whole`."""
    if not problem.get("state"):
        return []
    detail = problem.get("detail" if whole else "says", "")
    detail = f"no paper is read: {detail[:1].lower()}{detail[1:]}"
    return [Trouble("model", detail, problem.get("since", ""), problem.get("mend", ""), act="act" in problem)]


def _of_due(manifest: Manifest, now: datetime) -> list[Trouble]:
    """Returns the problems of the due batch."""
    if not manifest.records:
        return [_empty(manifest)]
    due = due_date(now)
    record, late = manifest.get(due), now - due_at(due)
    if record.state in ("complete", "unconfirmed"):
        return []
    newest = max(manifest.records)
    reason = record.reason or "it was not asked for yet"
    if now - due_at(newest) > SLEPT and newest < due:
        return [_asleep(newest, due_at(newest))]
    mend = "it is tried again automatically; https://status.arxiv.org lists arXiv's problems"
    act = late > PATIENCE and record.state != "quiet"  # "quiet" is a holiday that is not in the calendar
    return [Trouble("due", f"{due} is {record.state}: {reason}", rfc3339(due_at(due)), mend, act)]


def _empty(manifest: Manifest) -> Trouble:
    detail = manifest.error.get("reason") or "nothing was fetched yet; the first request for a feed does that"
    return Trouble("empty", detail, manifest.error.get("time", ""), act=bool(manifest.error))


def _asleep(newest: date, since: datetime) -> Trouble:
    mend = "nothing has refreshed since: see that the cron runs (CRON_SECRET), or that anybody reads the feeds"
    return Trouble("asleep", f"the newest date is {newest}", rfc3339(since), mend, act=True)


def _of_gaps(manifest: Manifest, now: datetime) -> list[Trouble]:
    """Returns the problems of dates that are over and incomplete."""
    due = due_date(now)
    mend = "`paperwire refresh --all` asks the API until nothing is missing; `paperwire audit` shows what is missing"
    return [
        Trouble(
            "gap",
            f"{day} is {r.state}: {r.reason}",
            rfc3339(due_at(day)),
            mend,
            len(announcement_days(day, due)) >= OVER and not _is_recent(r, now) and not _is_all(r),
        )
        for day, r in sorted(manifest.records.items(), reverse=True)
        if day < due and r.state in LACKING
    ]


def _is_all(record: BatchRecord) -> bool:
    """Returns whether no witness can add anything: arXiv has no catch-up page of the date."""
    lacking = [name for name, state in record.categories.items() if not state.settled]
    pages = [record.pages.get(name) for name in lacking]
    return bool(pages) and all(page is not None and page.outcome == "absent" for page in pages)


def _is_recent(record: BatchRecord, now: datetime) -> bool:
    """Returns whether the gap was found only recently: in new categories, or after a pause."""
    since = [state.since for state in record.categories.values() if not state.settled]
    return bool(since) and min(since) > rfc3339(now - PATIENCE)


def _of_picks(manifest: Manifest, now: datetime) -> list[Trouble]:
    newest = max(manifest.picks, default=None)
    record = manifest.picks.get(newest) if newest else None
    if record is None or record.state != "failed":
        return []
    overdue = now.date() - record.date > VOTING
    return [
        Trouble("huggingface", f"{record.date}: {record.reason}", mend="it is tried again automatically", act=overdue)
    ]


def _of_elsewhere(manifest: Manifest, now: datetime, sources: Collection[str]) -> Iterator[Trouble]:
    """Yields the problems of preprint servers, and of each RSS feed."""
    mend = "it is tried again automatically"
    for source in (name for name in PREPRINTS if name in sources):
        newest = max(manifest.all_of(source), default=None)
        record = manifest.all_of(source)[newest] if newest else None
        if record and record.state in ("failed", "partial"):
            act = now.date() - record.date > OVERDUE
            yield Trouble(source, f"{NAMES[source]}, {record.date}: {record.reason}", mend=mend, act=act)
    feeds = manifest.all_of(RSS) if RSS in sources else {}
    for state in feeds[max(feeds)].categories.values() if feeds else ():
        if state.state == "failed":
            act = bool(state.since) and now - datetime.fromisoformat(state.since) > OVERDUE
            wrong = f"{mend}; if the feed has moved, change its address in `urls`"
            yield Trouble(RSS, state.reason, state.since, wrong, act)


def trouble_to_plain(trouble: Trouble) -> dict[str, object]:
    """Returns a trouble as JSON values, without empty ones."""
    texts = {name: getattr(trouble, name) for name in ("kind", "detail", "since", "mend")}
    return {name: text for name, text in texts.items() if text} | {"act": trouble.act}
