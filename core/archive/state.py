"""The state of things as stored: the manifest, the note that spares the upstream, and what the owner saved."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from time import monotonic
from typing import Any

from core.model.errors import StoreError
from core.model.manifest import Manifest
from core.model.saved import Saved
from core.store import keys
from core.store.base import Lock, Store, holding
from core.store.codec import decode_as, encode

_PATIENCE_SECONDS = 30.0
_POLL_SECONDS = 0.2
STATE_KEYS = (keys.MANIFEST, keys.BACKOFF, keys.SAVED)


@dataclass(frozen=True, slots=True)
class State:
    """What is stored of the state of things: the manifest, the note that keeps requests from asking too soon, and the
    feeds that the owner saved.
    """

    manifest: Manifest
    backoff: Mapping[str, Any]
    saved: Saved = field(default_factory=Saved)

    def paused_until(self, due: date) -> float:
        """Until when (Unix time) requests leave the upstream alone after a refresh that did not settle `due`."""
        return float(self.backoff["until"]) if self.backoff.get("date") == due.isoformat() else 0.0


def decode_state(manifest: bytes | None, backoff: bytes | None, saved: bytes | None) -> State:
    """The state from the values of `STATE_KEYS`; an empty one where nothing was stored yet. Raises `StoreError`."""
    return State(
        decode_as(_manifest, manifest) if manifest else Manifest(),
        decode_as(_note, backoff) if backoff else {},
        decode_as(Saved.from_plain, saved) if saved else Saved(),
    )


def _manifest(plain: Mapping[str, Any]) -> Manifest:
    manifest = Manifest.from_plain(plain)
    datetime.fromisoformat(manifest.updated or "1991-08-14")  # others rely on that
    return manifest


def _note(plain: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"date": str(plain["date"]), "tries": int(plain["tries"]), "until": float(plain["until"])}


async def read_state(store: Store) -> State:
    """The state as stored, in one round trip."""
    return decode_state(*await store.get_many(STATE_KEYS))


@asynccontextmanager
async def changing(store: Store) -> AsyncIterator[tuple[Lock, State]]:
    """Hold the state, which nobody else changes meanwhile, to commit another one; waits for who holds it.

    Raises `StoreError` if it cannot be had in half a minute.
    """
    end = monotonic() + _PATIENCE_SECONDS
    while monotonic() < end:
        async with holding(store, keys.REFRESH_LOCK) as lock:
            if lock is not None:
                yield lock, await read_state(store)
                return
        await asyncio.sleep(_POLL_SECONDS)
    raise StoreError("another process has been refreshing for too long")


async def adopt_rules(store: Store, rules: str, now: datetime) -> State | None:
    """Note in the manifest that its content is served under other `rules` from now on: readers are told of a change.

    The state after that; None if another process is writing.
    """
    return await _change(store, lambda known: known if known.rules == rules else known.under(rules, now))


async def note_time(store: Store, end: datetime, now: datetime) -> State | None:
    """Note in the manifest that it is later than `end`: what waited for that moment is shown from now on.

    The state after that; None if another process is writing.
    """
    return await _change(
        store,
        lambda known: known if datetime.fromisoformat(known.updated) >= end else known.under(known.rules, now),
    )


async def _change(store: Store, change: Callable[[Manifest], Manifest]) -> State | None:
    async with holding(store, keys.REFRESH_LOCK) as lock:
        if lock is None:
            return None
        state = await read_state(store)
        manifest = change(state.manifest)
        if manifest is state.manifest:
            return state
        await lock.commit({keys.MANIFEST: (encode(manifest.to_plain()), None)}, release=True)
        return replace(state, manifest=manifest)
