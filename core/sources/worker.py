"""The worker process that parses one document. It may crash, hang or be compromised without harm to other processes.

`core.sources.sandbox` starts it: the document is on standard input, the result goes to standard output as JSON. Before
it reads the first byte it drops its rights: it can open no more files, connections or processes.
"""

import json
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

from core.sources.sections import Reading

MEMORY = 400_000_000  # bytes of address space; a typical PDF takes 60 million
_EARLIER = 0.7  # of the time; after that no page is begun, and the pages that were read are returned

Reader = Callable[[bytes, float], Reading]


def main() -> None:
    """Parse the document on standard input. The arguments are its kind (`pdf`, `html`) and the limit in seconds."""
    kind, seconds = sys.argv[1], int(sys.argv[2])
    read = _READERS[kind]()
    confine(seconds)
    reading = read(sys.stdin.buffer.read(), seconds * _EARLIER)
    sys.stdout.write(json.dumps([reading.state, reading.sections, reading.pages, reading.read]))
    sys.stdout.flush()


def confine(seconds: int) -> None:
    """Limit the memory, time and open files of this process irrevocably, as far as the system supports it."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)  # SIGALRM ends the process, even if its parent is gone
    try:
        import resource  # Windows has none
    except ImportError:
        return
    limits = {
        "RLIMIT_AS": MEMORY, "RLIMIT_CPU": seconds + 1, "RLIMIT_CORE": 0, "RLIMIT_FSIZE": 0, "RLIMIT_NPROC": 0,
        "RLIMIT_NOFILE": 0,
    }  # fmt: skip
    for name, most in limits.items():
        with suppress(AttributeError, ValueError, OSError):  # some systems lack some limits
            resource.setrlimit(getattr(resource, name), (most, most))


def _pdf_reader() -> Reader:
    from core.sources.pdf import read_pdf

    "".encode("utf-16-le").decode("utf-16-le")  # loads the codec's file while files can be opened
    return read_pdf


def _html_reader() -> Reader:
    from core.sources.html import read_html

    return read_html


_READERS: dict[str, Callable[[], Reader]] = {"pdf": _pdf_reader, "html": _html_reader}
