"""The command line in processes of its own which start quickly: children of one that has imported what it needs.

`python -m tests.support.command SOCKET` is that one: for each connection it forks, and it ends with its standard input.
A connection brings the files for standard output and standard error, and a line of JSON: arguments, folder,
environment and the seconds after which the command is killed. The answer is the status.
"""

import atexit
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def _parent() -> str:
    """Where the process listens of which all commands of this process are children; it is started when first needed."""
    address = str(Path(tempfile.mkdtemp()) / "socket")
    command = [sys.executable, "-m", "tests.support.command", address]
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    atexit.register(parent.kill)
    assert parent.stdout
    assert b"ready\n" == parent.stdout.readline()
    return address


def run(*arguments: str, cwd: Path, env: dict[str, str], timeout: float) -> subprocess.CompletedProcess[str]:
    """Run `paperwire` with these arguments, and nothing but `env` in its environment."""
    with (
        socket.socket(socket.AF_UNIX) as connection,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        connection.settimeout(timeout)
        connection.connect(_parent())
        socket.send_fds(connection, [b"\n"], [out.fileno(), err.fileno()])
        connection.sendall(json.dumps([arguments, str(cwd), env, timeout]).encode() + b"\n")
        status = int(connection.recv(16))
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode().replace("\r\n", "\n"))
    return subprocess.CompletedProcess(arguments, status, *texts)


def _serve(address: str) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait for the commands
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            ready, _, _ = select.select([listener, sys.stdin], [], [])
            if sys.stdin in ready:
                return
            connection, _ = listener.accept()
            if os.fork() == 0:
                _answer(connection)
                os._exit(0)
            connection.close()


def _answer(connection: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, files, _, _ = socket.recv_fds(connection, 1, 2)
    with connection.makefile("rb") as stream:
        arguments, folder, env, timeout = json.loads(stream.readline())
    if (child := os.fork()) == 0:
        for source, target in zip((os.open(os.devnull, os.O_RDONLY), *files), range(3), strict=True):
            os.dup2(source, target)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(env)
        sys.argv = ["paperwire", *arguments]
        os._exit(_status())
    signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))  # nobody waits for it any longer
    signal.alarm(int(timeout) + 1)
    connection.sendall(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


def _status() -> int:
    """The status with which the command ends."""
    try:
        runpy.run_module("core.cli.main", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def _import() -> None:
    """Import what commands need; but their own modules, which look at the environment, each imports for itself."""
    import core.cli.main
    import core.jobs.review
    import core.render.review  # noqa: F401

    for name in [name for name in sys.modules if name.startswith("core.cli")]:
        del sys.modules[name]


if __name__ == "__main__":
    _import()
    _serve(sys.argv[1])
