"""Drafts of the next state: committed once, all or nothing, by one process at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from core.archive import Archive
from core.model.batch import Announcement, make_batch
from core.model.errors import LockLost
from core.model.feed import Feed
from core.model.manifest import BatchRecord
from core.model.paper import Paper
from core.store import keys
from core.store.sqlite import SqliteStore

FRIDAY = date(2026, 3, 6)
NOON = datetime(2026, 3, 6, 17, tzinfo=UTC)
BATCH = make_batch(FRIDAY, [Announcement(Paper("2603.90001", 1, "Title", "Abstract.", (), ("cs.LG",)), "new")])
RECORD = BatchRecord(FRIDAY, "complete", hash=BATCH.hash, total=1)
FEED = Feed("main", "Main", ("cs.LG",))


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Archive]:
    """An archive on a store of its own."""
    archive = Archive(SqliteStore(path / "store"))
    try:
        yield archive
    finally:
        await archive.close()


def test_nothing_is_written_without_a_commit(tmp_path: Path) -> None:
    """A draft that is left uncommitted, on purpose or by an error, changes nothing, and the next one can begin."""

    async def main() -> None:
        async with opened(tmp_path) as archive:
            with pytest.raises(ZeroDivisionError):
                await _fail_in_draft(archive)
            assert {} == (await archive.state()).manifest.records
            assert {} == await archive.days.batches([RECORD])
            async with archive.try_drafting() as draft:
                assert draft is not None

    asyncio.run(main())


async def _fail_in_draft(archive: Archive) -> None:
    async with archive.drafting() as draft:
        draft.put_batch(BATCH, [FEED])
        draft.change_records([RECORD], NOON)
        raise ZeroDivisionError


def test_a_commit_writes_everything(tmp_path: Path) -> None:
    """The manifest and what it names are there after a commit, and the state that it returns is the stored one."""

    async def main() -> None:
        async with opened(tmp_path) as archive:
            async with archive.drafting() as draft:
                days = draft.put_batch(BATCH, [FEED])
                draft.put_confirmed(FRIDAY, ["2603.90001"])
                draft.change_records([RECORD], NOON)
                state = await draft.commit()
            assert ["2603.90001"] == [entry.id for entry in days["main"].entries]
            assert state == await archive.state()
            assert {BATCH.hash: BATCH} == await archive.days.batches([RECORD])
            assert {FRIDAY: frozenset({"2603.90001"})} == await archive.days.confirmed([FRIDAY])

    asyncio.run(main())


def test_one_draft_at_a_time(tmp_path: Path) -> None:
    """While one process has a draft another one gets none; it gets the changed state afterwards."""

    async def main() -> None:
        async with opened(tmp_path) as archive:
            async with archive.drafting() as first:
                async with archive.try_drafting() as second:
                    assert second is None
                first.change_records([RECORD], NOON)
                await first.commit()
            async with archive.try_drafting() as second:
                assert second is not None
                assert {FRIDAY: RECORD} == second.manifest.records

    asyncio.run(main())


def test_a_draft_that_lost_its_lock_writes_nothing(tmp_path: Path) -> None:
    """A process that slept past the end of its lock cannot overwrite what its successor stored."""

    async def main() -> None:
        async with opened(tmp_path) as archive:
            async with archive.drafting() as late:
                late.put_batch(BATCH, [FEED])
                late.change_records([RECORD], NOON)
                await archive.store.delete(keys.REFRESH_LOCK)  # its time is over
                async with archive.drafting() as successor:
                    successor.manifest = successor.manifest.under("other rules", NOON)
                    await successor.commit()
                with pytest.raises(LockLost):
                    await late.commit()
            manifest = (await archive.state()).manifest
            assert ({}, "other rules") == (manifest.records, manifest.rules)
            assert {} == await archive.days.batches([RECORD])

    asyncio.run(main())
