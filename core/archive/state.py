"""The state: the manifest, the backoff note, and the owner's overrides."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any

from core.archive.reading import read_copies, read_value
from core.model.manifest import Manifest
from core.model.saved import Saved
from core.model.votes import LearnedIndex
from core.store import keys
from core.store.base import Store
from core.store.codec import decode_as

STATE_KEYS = (keys.MANIFEST, keys.BACKOFF, keys.SAVED, keys.FAILURE, keys.LEARNED)


@dataclass(frozen=True, slots=True)
class State:
    """The manifest, the note that limits how often requests ask the upstream (`backoff`), and the owner's overrides.

    `damaged` are the keys of the manifest and the overrides that are not what they should be: the value is that of
    their copy, or empty without one. `failure` says when (`time`) and why (`reason`) the store
    refused the work of the last refresh; it is empty if it did not. `learned` says which feeds learn.
    """

    manifest: Manifest
    backoff: Mapping[str, Any]
    saved: Saved = field(default_factory=Saved)
    damaged: frozenset[str] = frozenset()
    failure: Mapping[str, str] = field(default_factory=dict)
    learned: LearnedIndex = field(default_factory=LearnedIndex)

    def paused_until(self, due: date) -> float:
        """Returns the Unix time until which requests do not ask the upstream after a refresh that left `due` open."""
        return float(self.backoff["until"]) if self.backoff.get("date") == due.isoformat() else 0.0


async def decode_state(store: Store, values: Sequence[bytes | None]) -> State:
    """Decode the state from the `values` of `STATE_KEYS`; it is empty if nothing is stored.

    Only if the manifest is missing or a value is damaged, this reads their copies. Raises `StoreError`.
    """
    raw = dict(zip(STATE_KEYS, values, strict=True))
    made: dict[str, Any] = {key: read_value(key, _MAKERS[key], data) for key, data in raw.items()}
    # Without overrides nothing is stored; if they were lost, the next refresh restores them
    lacking = [key for key in _COPIED if made[key] is None and (raw[key] is not None or key == keys.MANIFEST)]
    copies = await read_copies(store, {key: (key, partial(decode_as, _MAKERS[key])) for key in lacking})
    made |= copies
    damaged = frozenset(key for key in lacking if key in copies or raw[key] is not None)
    return State(
        made[keys.MANIFEST] or Manifest(),
        made[keys.BACKOFF] or {},
        made[keys.SAVED] or Saved(),
        damaged,
        made[keys.FAILURE] or {},
        made[keys.LEARNED] or LearnedIndex(),
    )


def _manifest(plain: Mapping[str, Any]) -> Manifest:
    manifest = Manifest.from_plain(plain)
    datetime.fromisoformat(manifest.updated or "1991-08-14")  # raises for an invalid time
    return manifest


def _note(plain: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"date": str(plain["date"]), "tries": int(plain["tries"]), "until": float(plain["until"])}


def _failure(plain: Mapping[str, Any]) -> Mapping[str, str]:
    return {name: str(plain[name]) for name in ("time", "reason")}


_MAKERS: Mapping[str, Callable[[Any], Any]] = {
    keys.MANIFEST: _manifest,
    keys.BACKOFF: _note,
    keys.SAVED: Saved.from_plain,
    keys.FAILURE: _failure,
    keys.LEARNED: LearnedIndex.from_plain,
}
_COPIED = (keys.MANIFEST, keys.SAVED, keys.LEARNED)
