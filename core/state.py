"""The state of things as stored: the manifest, the note that spares the upstream, and what the owner saved."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from core.domain.manifest import Manifest
from core.domain.saved import Saved
from core.store import keys
from core.store.codec import decode_as, encode
from core.store.lock import holding
from core.store.protocol import Store

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


async def adopt_rules(store: Store, rules: str, now: datetime) -> State | None:
    """Note in the manifest that its content is served under other `rules` from now on: readers are told of a change.

    The state after that; None if another process is writing.
    """
    async with holding(store, keys.REFRESH_LOCK) as lock:
        if lock is None:
            return None
        state = await read_state(store)
        if state.manifest.rules == rules:
            return state
        manifest = state.manifest.under(rules, now)
        await lock.commit({keys.MANIFEST: (encode(manifest.to_plain()), None)}, release=True)
        return replace(state, manifest=manifest)
