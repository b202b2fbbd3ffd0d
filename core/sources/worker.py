"""The process that reads one document, and may crash, hang or be taken over while it does: nothing else suffers.

Started by `core.sources.sandbox`: the document on standard input, what came of it as JSON on standard output. Before
it reads the first byte it gives up what it does not need: it opens no file, no connection and no process any more.
"""

import json
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

from core.sources.sections import Reading

MEMORY = 400_000_000  # bytes of address space; a common PDF takes 60 million
_EARLIER = 0.7  # of the time: when no further page is begun, so that what was read is not lost

Reader = Callable[[bytes, float], Reading]


def main() -> None:
    """Read a document of the kind (`pdf`, `html`) and within the seconds that the arguments say."""
    kind, seconds = sys.argv[1], int(sys.argv[2])
    read = _READERS[kind]()
    confine(seconds)
    reading = read(sys.stdin.buffer.read(), seconds * _EARLIER)
    sys.stdout.write(json.dumps([reading.state, reading.sections, reading.pages, reading.read]))
    sys.stdout.flush()


def confine(seconds: int) -> None:
    """Bound this process for good, as far as the system can: memory, time, and what it may open."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)  # whose default is the end, even if nobody waits any more
    try:
        import resource  # Windows has none
    except ImportError:
        return
    limits = {
        "RLIMIT_AS": MEMORY, "RLIMIT_CPU": seconds + 1, "RLIMIT_CORE": 0, "RLIMIT_FSIZE": 0, "RLIMIT_NPROC": 0,
        "RLIMIT_NOFILE": 0,
    }  # fmt: skip
    for name, most in limits.items():
        with suppress(AttributeError, ValueError, OSError):  # not all systems have all of them
            resource.setrlimit(getattr(resource, name), (most, most))


def _pdf_reader() -> Reader:
    from core.sources.pdf import read_pdf

    "".encode("utf-16-le").decode("utf-16-le")  # codecs are files, and load on first use
    return read_pdf


def _html_reader() -> Reader:
    from core.sources.html import read_html

    return read_html


_READERS: dict[str, Callable[[], Reader]] = {"pdf": _pdf_reader, "html": _html_reader}
