"""Directions of imports, sizes of modules, and what a cold start loads."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.settings import ROOT

MAX_LINES = 300
MODULES = sorted(path for name in ("api", "core") for path in (ROOT / name).rglob("*.py"))
NOT_AT_START = (
    "feedgen", "jinja2", "lxml", "ahocorasick_rs", "re2", "pypdfium2", "pydantic.v1", "openai", "api.pages.home",
)  # fmt: skip
COMMAND_LINE_ONLY = ("typer", "rich", "click", "uvicorn")

# Tells of the first import of each named package by which chain of modules it came
WATCHED = """
import sys

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name in {names!r}:
            frame, chain = sys._getframe(1), []
            while frame:
                module = frame.f_globals.get("__name__", "")
                if not module.startswith(("importlib", "__main__")) and module not in chain:
                    chain.append(module)
                frame = frame.f_back
            print(name, "came by", " -> ".join(reversed(chain)))
        return None

sys.meta_path.insert(0, Watch())
import api.index
assert callable(api.index.app)
"""
# Stands in for a server on which the command line's packages are not installed
HIDDEN = """
import sys
for name in {names!r}:
    sys.modules[name] = None
import api.index
assert callable(api.index.app)
print(sorted(name for name in sys.modules if name.partition(".")[0] in {names!r} and sys.modules[name]))
"""


def python(code: str, folder: Path) -> str:
    """What a fresh process prints that runs `code` in `folder`."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "ARXIV_RSS_URL": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout


def test_imports_go_one_way() -> None:
    """The contracts in pyproject.toml hold."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert 0 == done.returncode, done.stdout
    kept, broken = re.findall(r"(\d+) kept, (\d+) broken", done.stdout)[0]
    assert (True, 0) == (int(kept) >= 2, int(broken))


def test_cold_start_loads_no_more_than_it_needs(tmp_path: Path) -> None:
    """Importing the application loads no parser, no feed writer and no matcher: reading what is stored needs none."""
    assert "" == python(WATCHED.format(names=NOT_AT_START), tmp_path)


def test_the_watch_sees_imports(tmp_path: Path) -> None:
    """What watches for imports would tell of one."""
    assert "json came by" in python(
        WATCHED.format(names=("json",)).replace("import sys\n", "import sys\nsys.modules.pop('json', None)\n", 1),
        tmp_path,
    )


def test_serving_does_without_the_command_line(tmp_path: Path) -> None:
    """The application starts where the packages of the command line are not installed."""
    assert "[]\n" == python(HIDDEN.format(names=COMMAND_LINE_ONLY), tmp_path)


def test_importing_touches_nothing(tmp_path: Path) -> None:
    """Importing the application writes no file: not all platforms have a disk to write to."""
    python("import api.index", tmp_path)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_are_short(path: Path) -> None:
    """A module is one step of the flow, and can be read in one sitting."""
    assert len(path.read_text("utf-8").splitlines()) <= MAX_LINES


def test_there_are_modules() -> None:
    """The list of modules is not empty by mistake."""
    assert len(MODULES) > 40
