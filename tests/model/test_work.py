"""The chain of steps: who may begin one, what follows, and that every chain ends."""

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from core.model.work import MOST_IDLE, MOST_STEPS, OWNER, QUEUE, READER, SOON_SECONDS, Chain
from tests.support.tables import each_row

DAY, NOW = date(2026, 3, 6), 1_772_800_000.0
SCHEDULED = Chain(DAY, "a", steps=3, scheduled="2026-03-06.a.3", at=NOW + 5, pending=4)


@each_row(
    ("chain", "by", "key", "now", "begins"),
    [
        (SCHEDULED, QUEUE, "2026-03-06.a.3", NOW + 5, True),
        (SCHEDULED, QUEUE, "2026-03-06.a.2", NOW + 5, False),  # late or twice: another step has followed
        (SCHEDULED, QUEUE, "", NOW + 5, False),
        (replace(SCHEDULED, is_open=True, scheduled=""), QUEUE, "2026-03-06.a.2", NOW, True),  # its process was killed
        (replace(SCHEDULED, steps=MOST_STEPS), QUEUE, "2026-03-06.a.3", NOW + 5, False),
        (replace(SCHEDULED, steps=MOST_STEPS), READER, "", NOW + 1000, False),
        (replace(SCHEDULED, steps=MOST_STEPS), OWNER, "", NOW, True),
        (SCHEDULED, OWNER, "", NOW, True),
        (SCHEDULED, READER, "", NOW + 6, False),  # the queue is about to
        (SCHEDULED, READER, "", NOW + 600, True),  # the queue did not
        (replace(SCHEDULED, scheduled=""), READER, "", NOW, False),
        (replace(SCHEDULED, scheduled=""), READER, "", NOW + 6, True),
        (Chain(), READER, "", NOW, True),
        (Chain(), QUEUE, "2026-03-06.a.3", NOW, False),  # the chain was lost with the store: a cron begins another
    ],
)
def test_who_may_begin(chain: Chain, by: str, key: str, now: float, begins: bool) -> None:
    """An owner always may; a queue with the key of the last step's successor, or if a step was killed; a reader when
    the pending work can go on, and no queue is about to.
    """
    assert begins == (not chain.refusal(by, key, now))


def test_keys_never_repeat() -> None:
    """A queue forgets keys late: no two steps have the same, not even of two days or of a chain that was lost."""
    chain, keys = Chain(), set()
    for name, day in (("a", DAY), ("b", date(2026, 3, 7)), ("c", DAY)):
        chain = replace(chain, day=date.min) if name == "c" else chain
        for _ in range(3):
            chain = chain.begun(QUEUE, day, name)
            keys.add(chain.key)
    assert 9 == len(keys)


@given(st.lists(st.booleans(), max_size=200), st.integers(1, 200))
def test_every_chain_ends(progress: list[bool], most_links: int) -> None:
    """Whatever its steps do, a queue's chain ends after the bounds on steps, on links, or on steps without progress."""
    chain, idle = Chain().begun(OWNER, DAY, "a"), 0
    for n, made in enumerate(progress):
        chain = chain.over(NOW, progress=made, pending=1, at=0)
        idle = 0 if made else idle + 1
        delay = chain.delay(NOW, most_delay=900, most_links=most_links)
        if idle >= MOST_IDLE or n + 1 >= MOST_STEPS or n >= most_links:
            assert delay is None
            return
        assert delay is not None
        assert delay >= SOON_SECONDS
        chain = chain.begun(QUEUE, DAY, "b")


def test_nothing_pending_schedules_nothing() -> None:
    """When all is done no step follows; nor if the work can go on only after the queue's longest delay."""
    chain = Chain().begun(OWNER, DAY, "a")
    assert chain.over(NOW, progress=True, pending=0, at=0).delay(NOW, most_delay=900, most_links=9) is None
    waits = chain.over(NOW, progress=True, pending=1, at=NOW + 901)
    assert waits.delay(NOW, most_delay=900, most_links=9) is None
    assert 901 == waits.delay(NOW, most_delay=3600, most_links=9)


def test_a_new_day_begins_anew() -> None:
    """The bounds are those of a day; a step of the owner begins a new chain for the queue."""
    full = replace(SCHEDULED, steps=MOST_STEPS, links=12, idle=2)
    assert (1, 1, 0) == (full.begun(QUEUE, date(2026, 3, 7), "b").steps, 1, full.begun(OWNER, DAY, "b").links)
    assert (0, 0) == (full.begun(OWNER, DAY, "b").idle, full.begun(QUEUE, date(2026, 3, 7), "b").idle)


def test_what_is_read() -> None:
    """Progress is that of each feed's newest date; what other steps have read is kept for a week."""
    chain = replace(SCHEDULED, reading={"main 2026-03-05": (15, 15), "main 2026-02-01": (1, 9)})
    chain = chain.with_reading({"main 2026-03-06": (12, 15), "picks 2026-03-05": (2, 3)})
    assert {"main 2026-03-05", "main 2026-03-06", "picks 2026-03-05"} == chain.reading.keys()
    assert (14, 18) == chain.progress()


def test_round_trip() -> None:
    """What is stored is what is read."""
    chain = replace(SCHEDULED, reading={"main 2026-03-06": (1, 2)}, is_open=True, settled="x", cursor="main")
    assert chain == Chain.from_plain(chain.to_plain())
