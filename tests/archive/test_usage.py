"""Records of what models took: nothing is lost, whichever process adds to them."""

import asyncio
from pathlib import Path

from core.archive.spending import Prices, Spending, Spent
from core.llm.base import Usage
from core.store import keys
from core.store.sqlite import SqliteStore
from tests.support.asking import NOW


def test_instances_add_up(tmp_path: Path) -> None:
    """What several instances add at the same time is all there, for each step and model; names may be anything."""
    names = [("screen", "a"), ("screen", "b/c:1"), ("review", "ä b"), ("analyse", "a")]

    async def work() -> list[Spent]:
        stores = [SqliteStore(tmp_path / "store.sqlite3") for _ in range(3)]
        records = [Spending(store, prices=Prices(1.5, 4.0)) for store in stores]
        for _ in range(3):
            await asyncio.gather(
                *(record.record(step, model, Usage(10, 5, 1), NOW) for record in records for step, model in names)
            )
        found = await Spending(stores[0]).used("2026-03")
        for store in stores:
            await store.close()
        return found

    expected = [Spent(step, model, Usage(90, 45, 9), (90 * 1.5 + 45 * 4) / 1_000_000) for step, model in sorted(names)]
    assert expected == asyncio.run(work())


def test_what_cannot_be_read(tmp_path: Path) -> None:
    """What somebody else wrote in the place of a record counts as absent, and counting goes on from there."""

    async def work() -> None:
        store = SqliteStore(tmp_path / "store.sqlite3")
        await Spending(store).record("screen", "a", Usage(1, 1, 1), NOW)
        await store.put(keys.usage_counter("2026-03", "screen", "a", "calls"), b"many")
        assert [Usage(1, 1, 0)] == [spent.usage for spent in await Spending(store).used("2026-03")]
        await store.put(keys.usage("2026-03"), b'{"a": 1}')
        assert [] == await Spending(store).used("2026-03")
        await Spending(store).record("screen", "a", Usage(1, 1, 1), NOW)
        assert [Usage(2, 2, 1)] == [spent.usage for spent in await Spending(store).used("2026-03")]
        await store.close()

    asyncio.run(work())
