"""Files that commands write."""

import os
import threading
from pathlib import Path

from core.cli.output import is_stream, refuse_foreign, write_document
from tests.conftest import PATIENCE_SECONDS


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """And left alone if it would stay the same."""
    path = tmp_path / "new" / "day.md"
    assert write_document(path, b"one")
    assert not write_document(path, b"one")
    assert write_document(path, b"two")
    assert b"two" == path.read_bytes()
    assert ["day.md"] == [child.name for child in path.parent.iterdir()]


def test_what_a_link_leads_to_is_replaced(tmp_path: Path) -> None:
    """The link stays."""
    (tmp_path / "real.md").write_text("old")
    link = tmp_path / "link.md"
    link.symlink_to("real.md")
    assert write_document(link, b"new")
    assert link.is_symlink()
    assert b"new" == (tmp_path / "real.md").read_bytes()


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    """It is neither read, nor replaced by a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    refuse_foreign([pipe], "marker")
    assert write_document(pipe, b"through")
    reader.join(timeout=PATIENCE_SECONDS)
    assert [b"through"] == read
    assert pipe.is_fifo()
    assert ["pipe"] == [child.name for child in tmp_path.iterdir()]


def test_a_device_is_written_to() -> None:
    """/dev/null swallows, and is what it was; /dev/stdout is a device wherever it leads."""
    before = Path("/dev/null").stat()
    refuse_foreign([Path("/dev/null")], "marker")
    assert write_document(Path("/dev/null"), b"gone")
    after = Path("/dev/null").stat()
    assert (before.st_ino, before.st_rdev) == (after.st_ino, after.st_rdev)
    assert is_stream(Path("/dev/stdout"))
    assert is_stream(Path("/dev/fd/1"))
