"""The shares of clients: how they are spent and fill up, whose they are, and in how much memory."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.access import client_of
from api.limits import AT_ONCE, MOST_CLIENTS, WAITING, WRONG, Limits
from api.trace import Trace
from core.config.settings import Settings
from core.model.errors import Overloaded, RateLimited
from tests.api import TOKEN, make_settings


def trace_of(address: str, headers: Iterable[tuple[bytes, bytes]] = (), **more: object) -> Trace:
    sent = dict(headers)
    scope = {"type": "http", "client": (address, 1), "headers": list(sent.items())} | more
    return Trace(scope, sent, 0.0, "test")


def limits(folder: Path, a_minute: int = 60, **more: object) -> Limits:
    return Limits(make_settings(folder, rate_limit=a_minute, **more))


def times(share: Limits, trace: Trace, most: int = 1000) -> int:
    """How often the client may spend one, right now."""
    for count in range(most):
        try:
            share.spend(trace, 1)
        except RateLimited:
            return count
    return most


def test_a_share(tmp_path: Path) -> None:
    """A minute's worth at once, then as much as fills up: a second's worth takes a second."""
    share = limits(tmp_path)
    assert 60 <= times(share, trace_of("192.0.2.1")) <= 62
    assert times(share, trace_of("192.0.2.1")) <= 2
    assert 60 <= times(share, trace_of("192.0.2.2")) <= 62


def test_what_is_told(tmp_path: Path) -> None:
    """When to come again, and to whom that was told."""
    share, guest = limits(tmp_path, 6), trace_of("192.0.2.1")
    times(share, guest)
    with pytest.raises(RateLimited) as caught:
        share.spend(guest, 2)
    assert (share.client(guest), True) == (caught.value.client, 10 < caught.value.retry_after <= 20)


def test_no_limit(tmp_path: Path) -> None:
    """0 is none; owners have none either: by token, or by the key of a private copy."""
    assert 1000 == times(limits(tmp_path, 0), trace_of("192.0.2.1"))
    owner = trace_of("192.0.2.1", [(b"authorization", f"Bearer {TOKEN}".encode())])
    assert 1000 == times(limits(tmp_path), owner)
    keyed = trace_of("192.0.2.1")
    keyed.is_owner = True
    assert 1000 == times(limits(tmp_path), keyed)


def test_memory_is_bounded(tmp_path: Path) -> None:
    """However many addresses there are, so many are remembered, those that came last."""
    share = limits(tmp_path, 1)
    for n in range(MOST_CLIENTS + 500):
        share.spend(trace_of(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"), 1)
    assert 0 == times(share, trace_of(f"10.0.{MOST_CLIENTS >> 8}.{MOST_CLIENTS & 255}"))
    assert 1 == times(share, trace_of("10.0.0.0"))


def test_networks(tmp_path: Path) -> None:
    """All addresses of one customer's IPv6 network are one client."""
    share = limits(tmp_path)
    one, same, other = (trace_of(address) for address in ("2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1"))
    assert share.client(one) == share.client(same) != share.client(other)


def test_who_says_where_a_client_is() -> None:
    """On Vercel its header, which nobody else can set there; elsewhere the server, whatever the request says."""
    said = {b"x-real-ip": b"198.51.100.7", b"x-forwarded-for": b"198.51.100.8"}
    scope = {"client": ("192.0.2.1", 1)}
    plain = client_of(scope, {}, vercel=False)
    assert plain == client_of(scope, said, vercel=False)
    assert client_of({"client": ("198.51.100.7", 1)}, {}, vercel=False) == client_of(scope, said, vercel=True)
    assert client_of({}, {}, vercel=False) == client_of({"client": None}, {}, vercel=True)


@given(st.binary(max_size=60))
def test_no_header_breaks_it(header: bytes) -> None:
    assert client_of({"client": ("192.0.2.1", 1)}, {b"x-real-ip": header}, vercel=True)


def test_wrong_tokens_have_a_share_of_their_own(tmp_path: Path) -> None:
    """They cost much of it, and nothing of the other."""
    share, guest = limits(tmp_path), trace_of("192.0.2.1")
    for _ in range(60 // WRONG):
        share.check_wrong(guest)
        share.note_wrong(guest)
    with pytest.raises(RateLimited):
        share.check_wrong(guest)
    share.check_wrong(trace_of("192.0.2.2"))
    assert times(share, guest) >= 60


def test_turns(tmp_path: Path) -> None:
    """So many have their turn at once, so many wait, and the next are told to come again."""

    async def crowd(settings: Settings) -> tuple[int, int, int]:
        share, now, most, refused = Limits(settings), 0, 0, 0
        trace = trace_of("192.0.2.1")

        async def one() -> None:
            nonlocal now, most, refused
            try:
                async with share.doing(trace, 1):
                    now += 1
                    most = max(most, now)
                    await asyncio.sleep(0.001)
                    now -= 1
            except Overloaded:
                refused += 1

        await asyncio.gather(*(one() for _ in range(AT_ONCE + WAITING + 30)))
        first = refused
        await asyncio.gather(*(one() for _ in range(AT_ONCE)))
        return most, first, refused - first

    settings = make_settings(tmp_path, rate_limit=0)
    assert (AT_ONCE, 30, 0) == asyncio.run(crowd(settings))
    assert (AT_ONCE, 30, 0) == asyncio.run(crowd(settings))  # in another event loop


def test_what_costs_nothing_needs_no_turn(tmp_path: Path) -> None:
    async def work() -> None:
        trace = trace_of("192.0.2.1")
        share = limits(tmp_path, 1)
        for _ in range(10):
            async with share.doing(trace, 0):
                pass

    asyncio.run(work())
