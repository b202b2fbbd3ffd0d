"""Parses a document in a separate process: one worker for each, with limits on time, memory and output."""

import asyncio
import json
import math
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from pathlib import Path

import core
from core.model.fulltext import TextSection
from core.sources.sections import Reading

MOST_OUTPUT = 4_000_000  # bytes; 300,000 characters are 1.8 million in JSON
_CHUNK = 1 << 18
_DRAIN_SECONDS = 1.0
# Without `-I`, which ignores PYTHONPATH, where the packages of this process are; `-P` leaves out the working directory,
# `-S` saves 10 ms. Readers of the service come first, also while the worker imports what it needs
_BEGIN = "import os; hasattr(os, 'nice') and os.nice(10); from core.sources.worker import main; main()"
_COMMAND = ("-P", "-S", "-B", "-c", _BEGIN)
_PASSED_ON = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")  # Python may need them to start; no secrets
_OUT_OF_TIME = (-14, -24)  # SIGALRM, SIGXCPU


async def read_apart(kind: str, body: bytes, *, seconds: float) -> Reading:
    """Parse `body`, a document of this `kind` ("pdf", "html"), in a worker, within `seconds`.

    A bad document raises nothing: the state of the result is "timeout" or "crashed". Cancelling this ends the worker.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *_COMMAND, kind, str(max(math.ceil(seconds), 1)),
            stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=environment(),
        )  # fmt: skip
    except OSError:
        return Reading("crashed")
    try:
        async with asyncio.timeout(seconds):
            output = await talk(process, body)
            code = await process.wait()
    except TimeoutError:
        return Reading("timeout")
    finally:
        await end(process)
    if code in _OUT_OF_TIME:
        return Reading("timeout")
    return parse_output(output) if code == 0 else Reading("crashed")


def environment() -> dict[str, str]:
    """Returns the environment of a worker: the search path of packages, and no secrets."""
    root = str(Path(core.__file__).parents[1])
    paths = [root, *(path or str(Path.cwd()) for path in sys.path)]
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return passed | {"PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}


async def talk(process: Process, body: bytes) -> bytes:
    """Send `body` and return the answer, of which at most `MOST_OUTPUT` bytes are kept."""
    if not (process.stdin and process.stdout):
        raise AssertionError("both are pipes")
    view = memoryview(body)
    with suppress(BrokenPipeError, ConnectionResetError):  # the worker died; its exit code gives the reason
        for at in range(0, len(view), _CHUNK):
            process.stdin.write(view[at : at + _CHUNK])
            await process.stdin.drain()
    process.stdin.close()
    output = bytearray()
    while len(output) <= MOST_OUTPUT and (chunk := await process.stdout.read(_CHUNK)):
        output += chunk
    if len(output) > MOST_OUTPUT:
        process.kill()
    return bytes(output)


async def end(process: Process) -> None:
    """End the worker if it still runs, and close its pipes."""
    with suppress(ProcessLookupError):
        if process.returncode is None:
            process.kill()
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            while process.stdout and await process.stdout.read(_CHUNK):
                pass
    await process.wait()


def parse_output(output: bytes) -> Reading:
    """Parse the worker's output. It is not trusted: a hostile document may control the worker."""
    try:
        state, sections, pages, read = json.loads(output)
        texts = tuple(TextSection(*map(_text, (heading, text, kind))) for heading, text, kind in sections)
        return Reading(_text(state), texts, int(pages), int(read))
    except (ValueError, TypeError, ArithmeticError, RecursionError):
        return Reading("crashed")


def _text(value: object) -> str:
    return str(value).encode("utf-8", "replace").decode()  # lone surrogates cannot be encoded
