"""The state: the manifest, the backoff note, and the owner's overrides."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from core.model.manifest import Manifest
from core.model.saved import Saved
from core.store import keys
from core.store.codec import decode_as

STATE_KEYS = (keys.MANIFEST, keys.BACKOFF, keys.SAVED)


@dataclass(frozen=True, slots=True)
class State:
    """The manifest, the note that limits how often requests ask the upstream (`backoff`), and the owner's overrides."""

    manifest: Manifest
    backoff: Mapping[str, Any]
    saved: Saved = field(default_factory=Saved)

    def paused_until(self, due: date) -> float:
        """Returns the Unix time until which requests do not ask the upstream after a refresh that left `due` open."""
        return float(self.backoff["until"]) if self.backoff.get("date") == due.isoformat() else 0.0


def decode_state(manifest: bytes | None, backoff: bytes | None, saved: bytes | None) -> State:
    """Decode the state from the values of `STATE_KEYS`; it is empty if nothing is stored. Raises `StoreError`."""
    return State(
        decode_as(_manifest, manifest) if manifest else Manifest(),
        decode_as(_note, backoff) if backoff else {},
        decode_as(Saved.from_plain, saved) if saved else Saved(),
    )


def _manifest(plain: Mapping[str, Any]) -> Manifest:
    manifest = Manifest.from_plain(plain)
    datetime.fromisoformat(manifest.updated or "1991-08-14")  # raises for an invalid time
    return manifest


def _note(plain: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"date": str(plain["date"]), "tries": int(plain["tries"]), "until": float(plain["until"])}
