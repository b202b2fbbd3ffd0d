"""Tasks of asyncio."""

import asyncio


def is_cancelled() -> bool:
    """Returns whether the running task was cancelled.

    What is cancelled may fail while it cleans up, and then that failure is raised in the place of `CancelledError`: who
    catches any failure and goes on asks this first.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
