"""The common parts of the commands of `paperwire`: consoles, progress bar, the wire, and writing files.

A command replaces files that it wrote itself, and no others.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from core.app import Paperwire
from core.config.settings import load_settings
from core.model.errors import ConfigError

out = Console(highlight=False, markup=False)
err = Console(stderr=True, highlight=False, markup=False)
T = TypeVar("T")
_STREAMS = ("/dev/", "/proc/")


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int | None], None]]:
    """Show a progress bar on standard error during the block. Yields a function of the work, its progress and total."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total)


async def with_wire(work: Callable[[Paperwire], Awaitable[T]]) -> T:
    """Open a wire, run `work` with it, and close it. Returns the result of `work`."""
    wire = Paperwire(load_settings())
    try:
        return await work(wire)
    finally:
        await wire.close()


def is_folder(path: Path) -> bool:
    """Returns whether `path` is a folder, or a new name without a suffix, which documents have."""
    return path.is_dir() or (not path.exists() and not path.suffix)


def refuse_foreign(targets: Sequence[Path], marker: str) -> None:
    """Raise `ConfigError` if one of `targets` exists and does not end with `marker`: this command did not write it."""
    foreign = [path for path in targets if path.is_file() and not is_stream(path) and not _ends_with(path, marker)]
    if foreign:
        names = ", ".join(map(str, foreign))
        raise ConfigError([f"{names}: already exists, and was not written by this command; add --force to replace"])


def is_stream(path: Path) -> bool:
    """Returns whether `path` is a stream: a device, a pipe, /dev/stdout."""
    return str(path.absolute()).startswith(_STREAMS) or (path.exists() and not path.is_file() and not path.is_dir())


def write_document(path: Path, data: bytes) -> bool:
    """Write `data` atomically. Returns False if the file has the same content. Raises `ConfigError`.

    A stream is written to, never replaced; of a link, the target is replaced.
    """
    try:
        if is_stream(path):
            with path.open("ab", buffering=0) as stream:
                stream.write(data)
            return True
        path = path.resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.read_bytes() == data:
            return False
        partial = path.with_name(f".{path.name}.partial")  # an interrupted run leaves the old file
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        raise ConfigError([f"{path}: cannot be written: {error}"]) from error
    return True


def _ends_with(path: Path, marker: str) -> bool:
    try:
        return path.read_text("utf-8").rstrip().endswith(marker)
    except (OSError, UnicodeDecodeError):
        return False
