"""Reading a document apart from this process: a worker for each, bounded in time, memory and output."""

import asyncio
import json
import math
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from pathlib import Path

import core
from core.sources.sections import Reading, TextSection

MOST_OUTPUT = 4_000_000  # bytes; 300,000 characters are 1.8 million in JSON
_CHUNK = 1 << 18
_DRAIN_SECONDS = 1.0
# No `-I`: it would ignore PYTHONPATH, which says where the packages of this process are; `-P` keeps the working
# directory out, `-S` saves 10 ms
_COMMAND = ("-P", "-S", "-B", "-c", "from core.sources.worker import main; main()")
_PASSED_ON = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")  # without which Python may not start; no secrets
_OUT_OF_TIME = (-14, -24)  # SIGALRM, SIGXCPU


async def read_apart(kind: str, body: bytes, *, seconds: float) -> Reading:
    """What a worker reads in `body`, a document of this `kind` ("pdf", "html"), within so many `seconds`.

    Never raises for a bad document: the state is then "timeout" or "crashed". Cancelling this ends the worker.
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
    """What a worker knows of this process's environment: where its packages are."""
    root = str(Path(core.__file__).parents[1])
    paths = [root, *(path or str(Path.cwd()) for path in sys.path)]
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return passed | {"PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}


async def talk(process: Process, body: bytes) -> bytes:
    """Send `body` and read the answer, of which no more is kept than one could be long."""
    if not (process.stdin and process.stdout):
        raise AssertionError("both are pipes")
    view = memoryview(body)
    with suppress(BrokenPipeError, ConnectionResetError):  # it died; its exit code says more
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
    """End the worker if it still runs, and free what its pipes hold: whatever it may have left behind."""
    with suppress(ProcessLookupError):
        if process.returncode is None:
            process.kill()
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            while process.stdout and await process.stdout.read(_CHUNK):
                pass
    await process.wait()


def parse_output(output: bytes) -> Reading:
    """What the worker wrote, as a value. It may be anybody's, if a document has taken the worker over."""
    try:
        state, sections, pages, read = json.loads(output)
        texts = tuple(TextSection(*map(_text, (heading, text, kind))) for heading, text, kind in sections)
        return Reading(_text(state), texts, int(pages), int(read))
    except (ValueError, TypeError, ArithmeticError, RecursionError):
        return Reading("crashed")


def _text(value: object) -> str:
    return str(value).encode("utf-8", "replace").decode()  # halves of pairs could not be sent on
