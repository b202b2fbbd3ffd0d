"""Directions of imports, cycles, the length of functions, and what a cold start loads."""

import ast
import inspect
import re
import subprocess
import sys
from importlib import import_module
from itertools import chain
from pathlib import Path

from api import pages
from core.config.settings import ROOT
from tests.support.tables import each_row

MAX_LINES = 50
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for name in ("api", "core")
    for path in sorted((ROOT / name).rglob("*.py"))
}
FOLDERS = {
    "archive", "cli", "config", "deliver", "jobs", "llm", "model", "queue", "ranking", "render", "sources", "store",
    "text", "util", "views",
}  # fmt: skip
NOT_AT_START = (
    "feedgen", "jinja2", "lxml", "ahocorasick_rs", "re2", "pypdfium2", "pydantic.v1", "api.pages.day", "core.jobs.run",
)  # fmt: skip
LEFT = ("openai", "numpy", "requests")  # what the project does without
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


def packages(path: Path) -> set[str]:
    """The top names of all that a module imports, anywhere in it."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name.partition(".")[0] for name in plain | named}


def imported(path: Path) -> set[str]:
    """The modules of this project that a module imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (parts & MODULES.keys()) or ({node.module} & MODULES.keys())
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & MODULES.keys()
    return found


def cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The groups of modules that import each other, each sorted."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        todo = list(graph[start])
        while todo:
            if (name := todo.pop()) not in seen:
                seen.add(name)
                todo += graph.get(name, ())
        return seen

    reach = {name: reached(name) for name in graph}
    circles = {
        tuple(sorted({name} | {other for other in reach[name] if name in reach.get(other, ())}))
        for name in graph
        if name in reach[name]
    }
    return sorted(map(list, circles))


def python(code: str, folder: Path) -> str:
    """What a fresh process prints that runs `code` in `folder`."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "ARXIV_RSS_URL": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout


def test_imports_go_one_way() -> None:
    """The contracts in pyproject.toml hold."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert 0 == done.returncode, done.stdout
    kept, broken = re.findall(r"(\d+) kept, (\d+) broken", done.stdout)[0]
    assert (True, 0) == (int(kept) >= 2, int(broken))


def test_cold_start_loads_no_more_than_it_needs(tmp_path: Path) -> None:
    """Importing the application loads no parser, no feed writer and no matcher: reading what is stored needs none."""
    assert "" == python(WATCHED.format(names=NOT_AT_START), tmp_path)


def test_some_packages_are_done_without() -> None:
    """No module imports a package that the project has replaced, and the project depends on none of them."""
    declared = re.findall(r'^    "([a-z-]+)', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert set() == set(LEFT) & set(declared).union(*map(packages, MODULES.values()))


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


def test_no_module_imports_itself_round_a_circle() -> None:
    """Imports, also those inside functions, have no cycle."""
    assert [] == cycles({name: imported(path) for name, path in MODULES.items()})


def test_the_search_for_cycles_finds_one() -> None:
    """It would tell of a circle, however long."""
    assert [["a", "b", "c"]] == cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})


@each_row("name", MODULES)
def test_functions_are_short(name: str) -> None:
    """A function is at most about 50 lines, with its docstring."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = [node for node in ast.walk(ast.parse(MODULES[name].read_text("utf-8"))) if isinstance(node, kinds)]
    assert [] == [node.name for node in found if (node.end_lineno or 0) - node.lineno >= MAX_LINES]


def test_core_is_a_few_rooms() -> None:
    """`core/` has at most three modules and the folders of the design at its root."""
    modules = [path.name for path in (ROOT / "core").glob("*.py") if path.name != "__init__.py"]
    folders = {path.parent.name for path in (ROOT / "core").glob("*/__init__.py")}
    assert len(modules) <= 3, modules
    assert FOLDERS == folders


def public_names(path: Path) -> set[str]:
    """What a module defines at its top level for others."""
    names: set[str] = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Assign(targets=targets):
                names |= {target.id for target in targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return {name for name in names if not name.startswith("_")}


def test_one_name_has_one_meaning() -> None:
    """No public name stands in two modules, but for what frameworks look for by its name."""
    places: dict[str, list[str]] = {}
    for module, path in MODULES.items():
        for name in public_names(path) - {"app", "install", "log", "main", "review", "router", "serve", "T"}:
            places.setdefault(name, []).append(module)
    assert {} == {name: modules for name, modules in places.items() if len(modules) > 1}


def test_paths_of_the_description() -> None:
    """Every path that the description of the architecture names exists, and the README links to it."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    paths = set(re.findall(r"`((?:api|core|docs|tests)/[\w./-]*)`", text))
    assert len(paths) > 30
    assert [] == sorted(path for path in paths if not (ROOT / path).exists())
    assert "](docs/architecture.md)" in (ROOT / "README.md").read_text("utf-8")


def test_each_page_is_found_by_the_first_part_of_its_address() -> None:
    """Its module is loaded for all of its routes, and every module that has some is in the table."""
    folder = ROOT / "api" / "pages"
    having = {path.stem for path in folder.glob("*.py") if "\nrouter = Pages()" in path.read_text("utf-8")}
    expected = {
        (pages.first_part(route.path), name)
        for name in having
        for route in import_module(f"api.pages.{name}").router.routes
    }
    assert expected == {(part, name) for part, names in pages.MODULES.items() for name in names}


def test_pages_take_their_request_alone() -> None:
    """Their routes are Starlette's, which pass nothing else: a second parameter would always have its default."""
    modules = [import_module(f"api.pages.{name}") for name in set(chain.from_iterable(pages.MODULES.values()))]
    endpoints = [route.endpoint for module in modules for route in module.router.routes]
    assert len(endpoints) > len(modules)
    assert {1} == {len(inspect.signature(endpoint).parameters) for endpoint in endpoints}
