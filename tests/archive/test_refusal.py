"""A store that takes nothing that is written, and a build without a client for the one that is named."""

import asyncio
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.archive import Archive
from core.archive.open import open_store
from core.config.settings import load_settings
from core.model.errors import ConfigError, StoreError
from core.model.health import status_of, troubles
from core.model.manifest import Manifest
from core.store.commands import _explain
from core.store.sqlite import SqliteStore

FULL = "OOM command not allowed when used memory > 'maxmemory'."


class Full(SqliteStore):
    """A store that is full."""

    async def put(self, key: str, value: bytes, ttl: float | None = None) -> None:  # noqa: ARG002 - the port's
        """Refuse."""
        raise StoreError(FULL)


def test_a_full_store_is_named(tmp_path: Path) -> None:
    """Health tells its owner what the store said, and that it will not pass by itself."""

    async def ask(store: SqliteStore) -> str:
        try:
            return str(await Archive(store).refusal() or "")
        finally:
            await store.close()

    assert "" == asyncio.run(ask(SqliteStore(tmp_path / "good.sqlite3")))
    refusal = asyncio.run(ask(Full(tmp_path / "full.sqlite3")))
    found = troubles(Manifest(), [], datetime(2026, 3, 6, tzinfo=UTC), refusal=refusal)
    assert "failing" == status_of(found)
    assert ("store", f"nothing can be stored: {FULL}") == (found[0].kind, found[0].detail)


@pytest.mark.parametrize(
    ("said", "mend"),
    [
        ("NOPERM this user has no permissions to run the 'set' command", "give the one that may write"),
        (FULL, "the database is full"),
        ("ERR max daily request limit exceeded. Limit: 1, Usage: 1", "the plan's requests are used up"),
        ("ERR max request size exceeded. Limit: 1, Actual: 2 bytes", "takes no requests of this size"),
        ("WRONGPASS invalid or missing auth token", "copy it again"),
    ],
)
def test_what_the_database_says_comes_with_the_mend(said: str, mend: str) -> None:
    """Its words are kept, and followed by what its owner can do."""
    explained = _explain(ValueError(said))
    assert said in explained
    assert mend in explained


@pytest.mark.parametrize(
    ("where", "words"),
    [({}, "pip install 'redis>=5.2'"), ({"vercel": "1"}, 'add "redis>=5.2" to `dependencies` in pyproject.toml')],
)
def test_a_build_without_a_client_for_redis(
    where: Mapping[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a platform that builds from pyproject.toml, pip is of no use."""
    for name in ("redis", "redis.asyncio", "core.store.redis"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigError) as caught:
        open_store(load_settings(env_file=False, redis_url="redis://127.0.0.1:6379/0", **where))
    assert words in str(caught.value)
    assert ("Upstash" in str(caught.value)) == bool(where)
