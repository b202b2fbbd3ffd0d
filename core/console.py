"""What the commands of `paperwire` share: where they print, their progress bar, and the wire of the environment."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from core.settings import load_settings
from core.wire import Wire

out = Console(highlight=False, markup=False)
err = Console(stderr=True, highlight=False, markup=False)
T = TypeVar("T")


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int | None], None]]:
    """A bar on standard error that is gone afterwards; yields what moves it: what is done, how many, of how many."""
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


async def with_wire(work: Callable[[Wire], Awaitable[T]]) -> T:
    """What `work` makes of a wire that is opened for it."""
    wire = Wire(load_settings())
    try:
        return await work(wire)
    finally:
        await wire.close()
