"""A process that delivers what is due, and dies where it is told to.

`python -m tests.support.delivery_worker FOLDER` reads lines with two words: at which write of the log to die (0: at
none), and whether "before" or "after" it. For each it forks a child that does it, and prints how the child ended.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from core.app import Paperwire
from core.archive.deliveries import Sending
from core.model.delivery import Log
from tests.api import make_settings
from tests.jobs.test_deliveries import FEEDS_TOML


def deliver(folder: Path, at: int, when: str) -> None:
    """Deliver what is due; at the write `at` of a log this process is killed, `when` says on which side of it."""
    write, count = Sending.write, 0

    async def dying(sending: Sending, log: Log) -> None:
        nonlocal count
        count += 1
        if count == at and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        await write(sending, log)
        if count == at and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)

    Sending.write = dying  # type: ignore[method-assign]

    async def main() -> None:
        wire = Paperwire(make_settings(folder, feeds_toml=FEEDS_TOML))
        report = await wire.refresh("rest", seconds=0)
        await wire.close()
        assert not report.failures, report.failures

    asyncio.run(main())


def _main() -> None:
    folder = Path(sys.argv[1])
    for line in sys.stdin:
        at, when = line.split()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                deliver(folder, int(at), when)
                status = 0
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main()
