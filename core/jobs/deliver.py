"""The step *deliver*: sends digests and must-reads where `[deliver.NAME]` says, each once.

A unit is claimed in the store, under a lock and a fence, before its message goes out, and marked after the target has
accepted it. A process that is killed before the claim has sent nothing; one that is killed after the mark has sent it
once. In between, for the seconds that a target takes to answer, nobody can know: the message is then sent again, under
the same identity. A digest that comes twice is better than one that does not come.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from core.archive import Archive
from core.archive.deliveries import Sending
from core.config.deliver_table import address_of
from core.config.overrides import Rules
from core.config.settings import Settings
from core.deliver.targets import Target, open_target, send_to
from core.deliver.websub import publish, topics
from core.llm.extractive import extract
from core.model.analysis import is_finished, names_of
from core.model.delivery import (
    NO_LIMIT,
    Delivery,
    Log,
    Message,
    Room,
    due_days,
    due_weeks,
    is_day_whole,
    next_hour,
    record_of,
)
from core.model.digest import make_digest
from core.model.errors import Conflict, DeliveryError, LockLost, PaperwireError, StoreError, UnknownName
from core.model.feed import Entry, Feed
from core.model.manifest import Manifest, rfc3339
from core.model.period import Period, make_period, week_of
from core.render.message import Brief, Part, make_message
from core.render.messages import messages
from core.util.signing import fingerprint, sign, sign_stop, vote_path, with_key

log = logging.getLogger("paperwire")
T = TypeVar("T")
Make = Callable[[Room], Awaitable[Message | None]]
Read = Callable[[Manifest, Feed], Awaitable[Sequence[Entry]]]  # the entries of a feed, newest date first
_RECENT = timedelta(days=3)  # how old a must-read may be
_MOST_AT_ONCE = 10  # must-reads of one run
_PATIENCE_SECONDS = 8.0  # longer than the lock of a killed process lasts
_POLL_SECONDS = 0.2
_LINKS = (("like", "up"), ("dislike", "down"), ("save", "save"))


async def notify(settings: Settings, rules: Rules) -> str:
    """Notify the configured hub that the feeds have changed. Returns the problem in words, or ""."""
    if not (settings.websub_hub and settings.public_url):
        return ""
    urls = topics(settings.public_url, rules.feeds, settings.feed_key, rules.saved.revoked)
    return await publish(str(settings.websub_hub), urls)


@dataclass(slots=True)
class Delivered:
    """What the step did: the units that were `sent` ("mail 2026-03-06"), its `problems`, and when (UTC) the `next` hour
    of a delivery comes, None without one.
    """

    sent: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    next: datetime | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """What is needed to make messages: the wire's settings and rules, its stored state, and how entries are read."""

    settings: Settings
    rules: Rules
    manifest: Manifest
    read: Read
    now: datetime

    def feeds(self, delivery: Delivery) -> list[Feed]:
        """Returns the feeds of a delivery. Raises `UnknownName`."""
        for name in delivery.feeds:
            if name not in self.rules.feeds:
                raise UnknownName("feed", name, tuple(self.rules.feeds))
        return [self.rules.feeds[name] for name in delivery.feeds]

    def is_whole(self, feeds: Sequence[Feed], day: date) -> bool:
        """Whether nothing more is expected of a day: neither papers nor summaries."""
        unread = {feed.name: int(self._is_unread(feed, day)) for feed in feeds}
        return is_day_whole(self.manifest, feeds, day, unread)

    def _is_unread(self, feed: Feed, day: date) -> bool:
        if not (self.settings.has_model and (feed.summaries or feed.rubric)) or not record_of(self.manifest, feed, day):
            return False
        name = names_of(self.manifest, feed).get(day)
        return name is None or not is_finished(name)

    async def of_day(self, delivery: Delivery, day: date, room: Room = NO_LIMIT) -> Message | None:
        """Returns the message of a day, None if there is nothing to send; `room` as in `Brief`."""
        sections: list[Part] = []
        for feed in self.feeds(delivery):
            record = record_of(self.manifest, feed, day)
            if record is not None:
                digest = make_digest(feed, record, await self.read(self.manifest, feed))
                shown = digest.entries[: delivery.most]
                sections.append(self._section(feed, shown, len(digest.entries), record))
        if not any(section.entries for section in sections):
            if delivery.empty == "nothing":
                return None
            sections = sections or [self._section(feed, (), 0) for feed in self.feeds(delivery)]
        return await self.message(delivery, day.isoformat(), sections, room)

    async def of_week(self, delivery: Delivery, week: Period, room: Room = NO_LIMIT) -> Message | None:
        """Returns the message of a week: the best papers of each feed. None if there is nothing to send."""
        parts: list[Part] = []
        for feed in self.feeds(delivery):
            entries = await self.read(self.manifest, feed)
            made = make_period(feed, week, self.manifest.of(feed.source), entries, owner=True)
            parts.append(self._section(feed, made.best[: delivery.most], made.papers))
        if delivery.empty == "nothing" and not any(part.entries for part in parts):
            return None
        return await self.message(delivery, week.name, parts, room)

    async def must_reads(self, delivery: Delivery) -> list[tuple[Feed, Entry]]:
        """Returns the recent papers that models judged to be must-reads, each once, oldest first."""
        oldest = (self.now - _RECENT).date()
        found: dict[str, tuple[Feed, Entry]] = {}
        for feed in self.feeds(delivery):
            for entry in await self.read(self.manifest, feed):
                is_judged = entry.scorecard is not None and entry.scorecard.stage == "analysed"
                if entry.announced >= oldest and entry.band == "must-read" and is_judged:
                    found.setdefault(entry.id, (feed, entry))
        return sorted(found.values(), key=lambda pair: (pair[1].announced, -pair[1].standing, pair[1].id))

    async def of_paper(self, delivery: Delivery, feed: Feed, entry: Entry, room: Room = NO_LIMIT) -> Message:
        """Returns the message of one must-read."""
        return await self.message(delivery, entry.id, [self._section(feed, (entry,), 1)], room)

    async def test(self, delivery: Delivery, room: Room = NO_LIMIT) -> Message:
        """Returns a test message: the newest day if there is one, with a line that says what it is."""
        feeds = self.feeds(delivery)
        days = [records[0].date for feed in feeds if (records := self.manifest.of(feed.source))]
        made = await self.of_day(delivery, max(days), room) if days else None
        words = messages("message", _language(delivery, feeds))
        line = words["test"].format(name=delivery.name)
        if made is None:
            made = await self.message(delivery, "test", [self._section(feed, (), 0) for feed in feeds], room)
        return _with_line(made, line, fingerprint("test", delivery.name, rfc3339(self.now)), room)

    async def message(self, delivery: Delivery, period: str, sections: Sequence[Part], room: Room) -> Message:
        """Returns the message of these parts."""
        base, secret = self.settings.public_url, self.settings.link_secret
        stop = f"{base}/unsubscribe/{delivery.name}/{sign_stop(secret, delivery.name)}" if base and secret else ""
        brief = Brief(
            identity=f"paperwire.{delivery.name}.{period}.{fingerprint('message', delivery.name, period)}",
            delivery=delivery.name,
            wire=self.rules.file.instance.title,
            period=period,
            sections=sections,
            style=delivery.style,
            language=_language(delivery, self.feeds(delivery)),
            room=room,
            unsubscribe=stop,
        )
        return await asyncio.to_thread(make_message, brief, lambda paper: extract(paper, "en"))

    def _section(self, feed: Feed, entries: Sequence[Entry], total: int, record: Any = None) -> Part:
        base, path, revoked = self.settings.public_url, f"/feeds/{feed.name}", self.rules.saved.revoked
        key = sign(self.settings.feed_key, path, revoked) if self.settings.feed_key else ""
        url = with_key(base + path, key) if base else ""
        return Part(feed, tuple(entries), total, record, url, partial(self._links, feed))

    def _links(self, feed: Feed, entry: Entry) -> list[tuple[str, str]]:
        base, secret = self.settings.public_url, self.settings.link_secret
        if not (base and secret):
            return []
        revoked = self.rules.saved.revoked
        return [(name, base + vote_path(secret, feed.name, entry.id, direction, revoked)) for name, direction in _LINKS]


def _language(delivery: Delivery, feeds: Sequence[Feed]) -> str:
    return delivery.language or feeds[0].language


def _with_line(message: Message, line: str, identity: str, room: Room) -> Message:
    markdown = f"{line}\n\n{message.markdown}"
    body = '<tr><td style="padding:20px 20px 4px">'
    return Message(
        identity=f"paperwire.test.{identity}",
        title=message.title,
        html=message.html.replace(body, f'{body}<p class="soft" style="margin:0 0 8px;color:#5d6168">{line}</p>', 1),
        text=f"{line}\n\n{message.text}",
        markdown=markdown if room.fits(markdown) else message.markdown,
        plain={**message.plain, "type": "test", "id": f"paperwire.test.{identity}"},
        unsubscribe=message.unsubscribe,
    )


async def send_due(archive: Archive, post: Post, only: str = "") -> Delivered:
    """Send what is due of all deliveries, or of `only` one. Failures are in the report. Raises `StoreError`."""
    deliveries, report = post.settings.feeds.deliveries, Delivered()
    deliveries = [one for one in deliveries if only in ("", one.name)]
    report.next = next_hour((one for one in deliveries if one.when != "must-read"), post.now)
    for delivery in deliveries:
        try:
            await _Round(archive, post, delivery, report).run()
        except LockLost as error:  # another process goes on with it
            report.problems.append(f"{delivery.name}: {error}")
        except StoreError:
            raise
        except PaperwireError as error:
            report.problems.append(f"{delivery.name}: {error}")
    return report


def find_delivery(settings: Settings, name: str) -> Delivery:
    """Returns the delivery of that name. Raises `UnknownName`."""
    deliveries = {one.name: one for one in settings.feeds.deliveries}
    if name not in deliveries:
        raise UnknownName("delivery", name, tuple(deliveries))
    return deliveries[name]


async def send_test(post: Post, delivery: Delivery) -> None:
    """Send a test message, which is in no log. Raises `ConfigError`, `UnknownName`, `DeliveryError` or `StoreError`."""
    target = await asyncio.to_thread(open_target, address_of(delivery))
    message = await post.test(delivery, target.room)
    await send_to(target, message)


async def change_log(archive: Archive, name: str, make: Callable[[Log], Log]) -> None:
    """Replace the log of a delivery by what `make` returns for it. Raises `Conflict` while it is being sent."""
    end = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
    while asyncio.get_running_loop().time() < end:
        async with archive.deliveries.sending(name) as sending:
            if sending is not None:
                await sending.write(make(sending.log))
                return
        await asyncio.sleep(_POLL_SECONDS)
    raise Conflict("This delivery is being sent right now. Try again in a moment.")


@dataclass(slots=True)
class _Round:
    """One delivery's turn."""

    archive: Archive
    post: Post
    delivery: Delivery
    report: Delivered

    async def run(self) -> None:
        """Send what is due, unless the recipient has stopped it or another process is at it."""
        wanted = await self._wanted()
        if not wanted:
            return
        async with self.archive.deliveries.sending(self.delivery.name) as sending:
            if sending is None or sending.log.stopped:
                return
            due = [(unit, make) for unit, make in wanted if sending.log.is_open(unit, self.post.now)]
            if not due:
                return
            target = await asyncio.to_thread(open_target, address_of(self.delivery))
            for unit, make in due:
                await self._send(sending, target, unit, make)

    async def _wanted(self) -> Sequence[tuple[str, Make]]:
        """Returns the units that are due, and how their messages are made, without regard to the log."""
        post, delivery = self.post, self.delivery
        feeds = post.feeds(delivery)
        if delivery.when == "must-read":
            found = await post.must_reads(delivery)
            return [(e.id, partial(post.of_paper, delivery, feed, e)) for feed, e in found][:_MOST_AT_ONCE]
        if delivery.when == "weekly":
            weeks = due_weeks(delivery, post.now)
            return [(one.name, partial(post.of_week, delivery, week_of(one.date))) for one in weeks]
        return list(self._days(feeds))

    def _days(self, feeds: Sequence[Feed]) -> Iterator[tuple[str, Make]]:
        post, delivery = self.post, self.delivery
        for unit in due_days(delivery, (feed.source for feed in feeds), post.now):
            is_whole = post.is_whole(feeds, unit.date)
            is_there = any(record_of(post.manifest, feed, unit.date) for feed in feeds)
            # Without a batch there is nothing to send, and it may still come
            is_said = is_there or (delivery.empty == "line" and unit.date in post.manifest.records)
            if is_whole or (post.now >= unit.limit and is_said):
                yield unit.name, partial(post.of_day, delivery, unit.date)

    async def _send(self, sending: Sending, target: Target, unit: str, make: Make) -> None:
        now = self.post.now
        message = await make(target.room)
        if message is None:
            await sending.write(sending.log.done(unit, "empty", now))
            return
        await sending.write(sending.log.claimed(unit, now))
        await _to_the_end(self._claimed(sending, target, unit, message))

    async def _claimed(self, sending: Sending, target: Target, unit: str, message: Message) -> None:
        """Send what is claimed, and note what became of it."""
        now, name = self.post.now, self.delivery.name
        try:
            await send_to(target, message)
        except DeliveryError as error:
            await sending.write(sending.log.failed(unit, str(error), now, again=error.again))
            self.report.problems.append(f"{name}: {unit}: {error}")
            return
        await sending.write(sending.log.done(unit, "sent", now))
        self.report.sent.append(f"{name} {unit}")
        log.info("delivered %s %s", name, unit)


async def _to_the_end(work: Awaitable[T]) -> T:
    """Returns the result of `work`, which goes on when this is cancelled: what is being sent gets its mark."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
