"""The state: the manifest, the note that spares the upstream, and what the owner saved."""

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
    """The manifest, the note that keeps requests from asking the upstream too soon (`backoff`), and what the owner
    saved.
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
    datetime.fromisoformat(manifest.updated or "1991-08-14")  # a manifest without a valid time is none
    return manifest


def _note(plain: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"date": str(plain["date"]), "tries": int(plain["tries"]), "until": float(plain["until"])}
