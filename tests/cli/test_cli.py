"""The command line in processes of its own: what it prints, what it stores, and with which status it ends."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from core import __version__
from core.config.settings import ROOT
from core.sources.sample import TITLE
from tests.api import DAYS, FEEDS, MAIN_UNCAPPED, NOWHERE, make_settings, store_days
from tests.conftest import NOON, ONLY_WHEN_ASKED, paperwire
from tests.support.arxiv_format import Sheet
from tests.support.ports import free_port
from tests.support.servers import UVICORN, server_process
from tests.support.upstream import Upstream, serving

Done = subprocess.CompletedProcess[str]
T = TypeVar("T")
RULES = '[feeds.main]\ntitle = "One"\ncategories = ["cs.LG"]\nmin_score = 0\n[feeds.main.keywords]\ninference = 2\n'


def environment(upstream: Upstream | None = None, **more: str) -> dict[str, str]:
    """What the processes are told; without an upstream none is there."""
    return {"ARXIV_RSS_URL": upstream.url if upstream else NOWHERE, "NOW": NOON.isoformat()} | more


def in_parallel(calls: Mapping[T, Callable[[], Done]]) -> dict[T, Done]:
    """Processes side by side, because starting each takes half a second."""
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(calls, pool.map(lambda call: call(), calls.values()), strict=True))


def told(done: Done) -> str:
    """All that was printed, on one line: where lines are broken depends on the width of the terminal."""
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return " ".join((done.stdout + " " + done.stderr).split())


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a store with three days in it."""
    settings = make_settings(tmp_path_factory.mktemp("stored"))
    store_days(settings, DAYS)
    return environment(SQLITE_PATH=str(settings.sqlite_path), FEEDS_TOML=FEEDS)


# Commands, and words that their help has
HELP = {
    (): ("serve", "refresh", "papers", "digest", "review", "check", "import", "--version"),
    ("serve",): ("--host", "--port", "--sample", "HOST", "PORT"),
    ("refresh",): ("Fetch",),
    ("papers",): ("score>=10", "--feed", "--json"),
    ("digest",): ("--date", "--style", "--language", "--front-matter", "--output", "--all-dates", "--force"),
    ("review",): ("--language", "--output", "--format", "--front-matter", "--yes", "--force"),
    ("check",): ("feeds.toml",),
    ("import",): ("config.json", "--output", "--exact", "--force"),
}


@pytest.fixture(scope="module")
def helped(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], Done]:
    folder = tmp_path_factory.mktemp("help")
    return in_parallel({command: partial(paperwire, *command, "--help", cwd=folder, env={}) for command in HELP})


@pytest.mark.parametrize(("command", "words"), HELP.items())
def test_help(helped: dict[tuple[str, ...], Done], command: tuple[str, ...], words: tuple[str, ...]) -> None:
    """Every command explains itself and its options."""
    done = helped[command]
    assert (0, "") == (done.returncode, done.stderr)
    assert [] == [word for word in words if word not in told(done)]
    assert not re.search(r"\w\.\.\.$", done.stdout, re.MULTILINE)  # no sentence that is cut
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert not command or "Example: paperwire" in done.stdout


def test_version(tmp_path: Path) -> None:
    """--version prints the version and nothing else."""
    assert f"{__version__}\n" == paperwire("--version", cwd=tmp_path, env={}).stdout


def test_unknown_command(tmp_path: Path) -> None:
    """An unknown command is an error of its caller."""
    done = paperwire("fetch", cwd=tmp_path, env={})
    assert (2, True) == (done.returncode, "No such command" in told(done))


# --- refresh


def test_refresh_twice(tmp_path: Path, upstream: Upstream) -> None:
    """A refresh fetches and stores; the next one asks whether there is news, and says that there is none."""
    (tmp_path / "feeds.toml").write_text(RULES, "utf-8")
    first, second = (
        paperwire("refresh", cwd=tmp_path, env=environment(upstream, REPLAY_GATE_SECONDS="3")) for _ in range(2)
    )
    assert (0, 0) == (first.returncode, second.returncode)
    assert "2026-03-06: unconfirmed, 40 papers, new" in told(first)
    assert "main: 40 entries" in told(first)
    assert "2026-03-06: unconfirmed, 40 papers, unchanged" in told(second)
    assert ["/rss/cs.LG"] * 2 == upstream.paths
    assert upstream.requests[1][2]["If-None-Match"]
    assert upstream.gaps[0] >= 3
    assert (tmp_path / ".paperwire" / "store.sqlite3").exists()


def test_refresh_that_fails(tmp_path: Path, upstream: Upstream) -> None:
    """A refresh to which arXiv gives nothing usable ends with status 1 and says what came instead."""
    upstream.faults, upstream.faulty_for_ever = ["html"], True
    done = paperwire("refresh", cwd=tmp_path, env=environment(upstream, FEEDS_TOML=RULES))
    assert (1, True) == (done.returncode, "2026-03-06: failed, 0 papers" in told(done))
    assert "HTML page, not a feed" in told(done)


def test_refresh_tells_what_it_could_not_read(tmp_path: Path) -> None:
    """Items that could not be read are told with reason and excerpt, whatever characters are in them."""
    sheets = [Sheet(id="2603.90001"), Sheet(id="2603.90002 [/b] [red", title="[/bold] \\[/b] odd")]
    with serving(Upstream(sheets=sheets)) as upstream:
        done = paperwire("refresh", cwd=tmp_path, env=environment(upstream, FEEDS_TOML=RULES))
    assert "could not be read" in told(done)
    assert (0, True) == (done.returncode, "2603.90002 [/b] [red" in told(done))


# --- papers


def papers(env: Mapping[str, str], *arguments: str) -> list[dict[str, Any]]:
    """The entries that `papers --json` prints."""
    done = paperwire("papers", "--json", *arguments, cwd=Path("/"), env=dict(env))
    assert 0 == done.returncode, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


# Filters as they are typed, and the papers of the feed main that are printed
FILTERS: dict[tuple[str, ...], list[str]] = {
    (): MAIN_UNCAPPED,
    ("score>=4.5", "category=cs.LG"): ["2603.90301", "2603.90203", "2603.90101"],
    ("sort=title", "limit=2", "score>=0"): ["2603.90303", "2603.90301"],
    ("title~x < y & “quotes”",): ["2603.90311"],
    ("title~à la carte",): ["2603.90203"],
    ("title~100% C++ #1 ?a=b",): [],
}


@pytest.fixture(scope="module")
def listed(stored: dict[str, str]) -> dict[tuple[str, ...], Done]:
    calls = {f: partial(paperwire, "papers", "--json", *f, cwd=Path("/"), env=stored) for f in FILTERS}
    return in_parallel(calls | {w: partial(paperwire, "papers", *w, cwd=Path("/"), env=stored) for w in WRONG})


@pytest.mark.parametrize(("filters", "expected"), FILTERS.items())
def test_papers(listed: dict[tuple[str, ...], Done], filters: tuple[str, ...], expected: list[str]) -> None:
    """Filters are those of /api/papers, typed as they are: no character of them needs to be encoded."""
    done = listed[filters]
    assert 0 == done.returncode, done.stderr
    assert expected == [paper["id"] for paper in json.loads(done.stdout)]


@pytest.mark.parametrize("arguments", [("--feed", "everything"), ("feed=everything",)])
def test_papers_of_a_feed(stored: dict[str, str], arguments: tuple[str, ...]) -> None:
    """Another feed is chosen by option or by filter."""
    found = papers(stored, *arguments, "announced=2026-03-06", "fields=id,feed,score")
    assert [{"feed": "everything", "score": 0}] * 7 == [
        {name: paper[name] for name in ("feed", "score")} for paper in found if paper["id"] != "2603.90303"
    ][:7]
    assert {"id", "feed", "score"} == set(found[0])


def test_papers_as_a_table(tmp_path: Path, stored: dict[str, str]) -> None:
    """Without --json there is a table, how many papers there are, and how to see more."""
    done = paperwire("papers", "limit=3", cwd=tmp_path, env=stored)
    assert (0, "") == (done.returncode, done.stderr)
    for text in ("2603.90305", "Letters", "au:Grace Placeholder", "2026-03-06", "4.5", "3 of 10 papers"):
        assert text in told(done)
    (cursor,) = re.findall(r"more with '(cursor=[^']+)'", "".join(done.stdout.split("\n")))
    assert MAIN_UNCAPPED[3:6] == [paper["id"] for paper in papers(stored, "limit=3", cursor)]


def test_papers_fit_a_terminal(stored: dict[str, str]) -> None:
    """In a terminal of 80 columns no line is longer, and each title is a link to its paper (OSC 8)."""
    main, side = os.openpty()
    termios.tcsetwinsize(side, (40, 80))
    env = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "TERM": "xterm-256color", **ONLY_WHEN_ASKED, **stored}
    command = [sys.executable, "-m", "core.cli.main", "papers"]
    process = subprocess.Popen(command, env=env, stdin=side, stdout=side, stderr=subprocess.DEVNULL)
    os.close(side)
    shown = b""
    with suppress(OSError):  # the end of a terminal, on Linux
        while part := os.read(main, 65536):
            shown += part
    os.close(main)
    assert 0 == process.wait(60)
    text = shown.decode()
    assert re.search(r"\x1b\]8;id=\d+;https://arxiv\.org/abs/2603\.90305\x1b\\.*Letters", text)
    plain = re.sub(r"\x1b\]8;[^\x1b]*\x1b\\|\x1b\[[\d;?]*[A-Za-z]", "", text)
    assert max(len(line.rstrip("\r")) for line in plain.split("\n")) <= 80
    assert [] == [word for word in ("4.5", "2026-03-06", "au:Grace Placeholder") if word not in plain]


def test_papers_with_brackets(tmp_path: Path) -> None:
    """Brackets and backslashes in titles are printed as they are."""
    titles = ["[/b] closes nothing", "\\[/red] neither", "[bold]Bold[/bold] inference", "An \\[ array"]
    sheets = [Sheet(id=f"2603.9000{n}", title=title) for n, title in enumerate(titles)]
    with serving(Upstream(sheets=sheets)) as upstream:
        done = paperwire("papers", cwd=tmp_path, env=environment(upstream, FEEDS_TOML=RULES))
    assert 0 == done.returncode, done.stderr
    assert [] == [title for title in titles if title not in told(done)]


# What is typed, what is named in the answer, and what is allowed in its place
WRONG = {
    ("score~10",): ("'score~10'", ">=", "!="),
    ("--feed", "mian"): ("'mian'", "main", "replaced", "everything"),
}


@pytest.mark.parametrize(("arguments", "named"), WRONG.items())
def test_papers_with_a_bad_filter(
    listed: dict[tuple[str, ...], Done], arguments: tuple[str, ...], named: tuple[str, ...]
) -> None:
    """A wrong filter or feed ends with status 2, and is named with what is allowed."""
    done = listed[arguments]
    assert [] == [word for word in named if word not in told(done)]
    assert (2, "") == (done.returncode, done.stdout)


def test_wrong_feed_fetches_nothing(tmp_path: Path, upstream: Upstream) -> None:
    """A feed that there is not is refused before anything is fetched for it."""
    paperwire("papers", "--feed", "mian", cwd=tmp_path, env=environment(upstream, FEEDS_TOML=RULES))
    assert [] == upstream.requests


# --- check


def test_check_of_good_files(tmp_path: Path) -> None:
    """The file that is shipped is good, and so is a file that one names or puts into FEEDS_TOML."""
    (tmp_path / "mine.toml").write_text(RULES, "utf-8")
    shipped = paperwire("check", cwd=tmp_path, env={})
    mine = paperwire("check", "mine.toml", cwd=tmp_path, env={"ADMIN_TOKEN": "open-sesame"})
    variable = paperwire("check", cwd=tmp_path, env={"FEEDS_TOML": RULES})
    assert [0, 0, 0] == [done.returncode for done in (shipped, mine, variable)]
    assert "feeds.toml: good" in told(shipped)
    assert "mine.toml: good" in told(mine)
    assert "FEEDS_TOML: good" in told(variable)
    assert "main cs.LG 1 word 0 all" in re.sub(r"[│┃]", "", told(mine)).replace("  ", " ")
    assert "contact" in told(mine)  # a note: arXiv asks for one
    assert ("ADMIN_TOKEN" in told(shipped), "ADMIN_TOKEN" in told(mine)) == (True, False)
    assert "open-sesame" not in told(mine)


def test_check_explains_rules(tmp_path: Path, stored: dict[str, str]) -> None:
    """For each rule there is how it is understood, how many stored papers it finds, and what is wrong with it."""
    rules = {"cache": 1, "data set": 1, "LLM:": 1, "au:Placeholder, G.": 2, "zebra": 1}
    lines = [f'"{rule}" = {weight}' for rule, weight in rules.items()]
    toml = (
        '[feeds.main]\ntitle = "One"\ncategories = ["cs.DC", "cs.LG"]\nexclude = ["ti:survey"]\n[feeds.main.keywords]\n'
    )
    (tmp_path / "mine.toml").write_text(toml + "\n".join(lines), "utf-8")
    done = paperwire("check", "mine.toml", cwd=tmp_path, env=stored | {"COLUMNS": "160"})
    assert 0 == done.returncode, done.stderr
    rows = {cells[0]: cells[1:] for line in done.stdout.splitlines() if len(cells := _cells(line)) == 4}
    assert ["1", "“data set” (also dataset, data sets, datasets) in title or abstract", "0"] == rows["data set"]
    assert ["2", "an author g placeholder, initials alike", "1"] == rows["au:Placeholder, G."]
    assert ["leaves out", "“survey” (also surveys) in the title", "1"] == rows["ti:survey"]
    assert int(rows["cache"][2]) > 5
    assert "Warning: main: 'LLM:': nothing stands behind the colon" in told(done)
    assert "Note: main: 'zebra' is in no stored paper" in told(done)
    assert "Hits: of the papers of" in told(done)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_check_makes_no_store(tmp_path: Path) -> None:
    """Where nothing is stored, rules are explained without hits, and no file is made."""
    (tmp_path / "mine.toml").write_text(RULES, "utf-8")
    done = paperwire("check", "mine.toml", cwd=tmp_path, env={})
    assert "nothing is stored yet" in told(done)
    assert ["mine.toml"] == [path.name for path in tmp_path.iterdir()]


def test_check_explains_every_mistake(tmp_path: Path) -> None:
    """Every mistake of a file is told at once, each on a line with file, key, value and what is allowed."""
    broken = RULES.replace('["cs.LG"]', '["cs.LC"]').replace("min_score = 0", 'min_scroe = 2\nmatch = "fuzzy"')
    (tmp_path / "mine.toml").write_text(broken, "utf-8")
    done = paperwire("check", "mine.toml", cwd=tmp_path, env={"COLUMNS": "1000"})
    assert (2, "") == (done.returncode, done.stdout)
    lines = sorted(done.stderr.splitlines())
    named = (("categories", "'cs.LC'", "near it: cs."), ("match", "'fuzzy'", "regex"), ("min_scroe", "unknown key"))
    assert [True] * len(named) == [
        line.startswith("mine.toml: feeds.main.") and all(word in line for word in words)
        for line, words in zip(lines, named, strict=True)
    ]


# Files that are no configuration at all, and what is said of them
NO_FILES = {
    "syntax.toml": (b"[feeds.main\n", ("syntax.toml", "not TOML", "line 1")),
    "missing.toml": (None, ("missing.toml", "cannot be read")),
}


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Done]:
    folder = tmp_path_factory.mktemp("check")
    for name, (content, _) in NO_FILES.items():
        if content is not None:
            (folder / name).write_bytes(content)
    calls = {name: partial(paperwire, "check", name, cwd=folder, env={}) for name in NO_FILES}
    variables = {name: partial(paperwire, "check", cwd=folder, env={name: row[0]}) for name, row in VARIABLES.items()}
    return in_parallel(calls | variables)


@pytest.mark.parametrize("name", NO_FILES)
def test_check_of_what_is_no_configuration(checked: dict[str, Done], name: str) -> None:
    """A file that cannot be read as a configuration is named, with the place where reading ended."""
    done, words = checked[name], NO_FILES[name][1]
    assert [] == [word for word in words if word not in told(done)]
    assert 2 == done.returncode


# Variables, values that they cannot have, and what else is said
VARIABLES = {
    "NOW": ("yesterday", "datetime"),
    "FEEDS_FILE": ("missing.toml", "cannot be read"),
    "PAPERWIRE_FEEDS__MAIN__MIN_SCORE": ("high", "number"),
}


@pytest.mark.parametrize("name", VARIABLES)
def test_check_of_variables(checked: dict[str, Done], name: str) -> None:
    """A variable that cannot be used is named."""
    value, word = VARIABLES[name]
    done = checked[name]
    shown = told(done)
    assert (2, True, True) == (done.returncode, word in shown, (value if name == "FEEDS_FILE" else name) in shown)


# --- import

BOT = {
    "categories": ["cs.LG", "cs.DC"],
    "keywords": ["LLM", "llm", "inference", "RL", "KV cache", "for fast"],
    "exclude_keywords": ["survey"],
    "max_papers": 20,
    "min_score": 2,
    "days_back": 14,
    "model": "some-model",
}


def write_bot(folder: Path, bot: object = BOT) -> None:
    (folder / "config.json").write_text(json.dumps(bot), "utf-8")


def test_import(tmp_path: Path) -> None:
    """A bot's configuration becomes a feeds.toml that is good; what means nothing here is told."""
    write_bot(tmp_path)
    printed = paperwire("import", "config.json", cwd=tmp_path, env={})
    assert 0 == printed.returncode, printed.stderr
    assert 'categories = ["cs.LG", "cs.DC"]' in printed.stdout
    assert "not taken over: model" in printed.stderr
    for line in (
        'match = "word"',
        "min_score = 2",
        "max_entries = 20",
        'exclude = ["survey"]',
        "retention_days = 14",
        "LLM = 1",
    ):
        assert line in printed.stdout
    written = paperwire("import", "config.json", "--output", "feeds.toml", cwd=tmp_path, env={})
    assert (0, "", printed.stdout) == (written.returncode, written.stdout, (tmp_path / "feeds.toml").read_text("utf-8"))
    assert "feeds.toml written" in written.stderr
    assert 0 == paperwire("check", cwd=tmp_path, env={}).returncode
    exact = paperwire("import", "config.json", "--exact", cwd=tmp_path, env={})
    assert (0, True) == (exact.returncode, 'match = "substring"' in exact.stdout)


def test_import_prints_names_as_they_are(tmp_path: Path) -> None:
    """Whatever a key is called that means nothing here, it is told as it is written."""
    write_bot(tmp_path, BOT | {"[/b]": 1, "[red": 2})
    done = paperwire("import", "config.json", cwd=tmp_path, env={})
    assert all(note in told(done) for note in ("not taken over: [/b]", "not taken over: [red"))
    assert 0 == done.returncode


def test_import_replaces_no_file_unasked(tmp_path: Path) -> None:
    """A file that is there already stays as it is, unless --force says otherwise."""
    write_bot(tmp_path)
    (tmp_path / "feeds.toml").write_text("mine\n", "utf-8")
    refused = paperwire("import", "config.json", "-o", "feeds.toml", cwd=tmp_path, env={})
    assert (2, "mine\n") == (refused.returncode, (tmp_path / "feeds.toml").read_text("utf-8"))
    assert all(word in told(refused) for word in ("feeds.toml", "--force", "--output"))
    forced = paperwire("import", "config.json", "-o", "feeds.toml", "--force", cwd=tmp_path, env={})
    assert (0, True) == (forced.returncode, "[feeds.main]" in (tmp_path / "feeds.toml").read_text("utf-8"))


@pytest.mark.parametrize(
    ("source", "arguments", "word"),
    [
        ("missing.json", (), "missing.json"),
        ("broken.json", (), "not JSON"),
        ("other.json", (), "near it: cs."),
        ("config.json", ("-o", "config.json/feeds.toml"), "feeds.toml"),
        ("config.json", ("-o", ".", "--force"), "cannot be written"),
    ],
)
def test_import_from_and_to_impossible_places(
    tmp_path: Path, source: str, arguments: tuple[str, ...], word: str
) -> None:
    """A file that cannot be read, understood or written is named, with what is wrong."""
    write_bot(tmp_path)
    (tmp_path / "broken.json").write_text("{", "utf-8")
    (tmp_path / "other.json").write_text('{"categories": ["cs.LC"]}', "utf-8")
    done = paperwire("import", source, *arguments, cwd=tmp_path, env={})
    assert (2, True) == (done.returncode, word in told(done))


# --- serve


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_serve_by_variables(tmp_path: Path, stored: dict[str, str], stop: signal.Signals) -> None:
    """HOST and PORT say where to listen, as platforms set them, and the first line says where that is."""
    port = str(free_port())
    env = stored | {"HOST": "localhost", "PORT": port}
    with server_process(tmp_path, env, ("core.cli.main", "serve"), stop=stop) as served:
        assert f"http://localhost:{port}" == served.url
        assert 10 == httpx.get(f"http://127.0.0.1:{port}/api/papers").json()["total"]
        first = served.log.read_text().split("\n")[0]
    assert f"Paperwire {__version__}: http://localhost:{port}" in first


def test_serve_by_options(tmp_path: Path, stored: dict[str, str]) -> None:
    """Options go before variables."""
    port = str(free_port())
    env = stored | {"HOST": "256.0.0.1", "PORT": "1"}
    command = ("core.cli.main", "serve", "--host", "127.0.0.1", "--port", port)
    with server_process(tmp_path, env, command) as served:
        assert f"http://127.0.0.1:{port}" == served.url
        assert 200 == httpx.get(f"{served.url}/api/health").status_code


def test_serve_where_someone_else_does(tmp_path: Path, stored: dict[str, str]) -> None:
    """A port that is taken is told, with the port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = paperwire("serve", "--port", port, cwd=tmp_path, env=stored)
    assert (2, "") == (done.returncode, done.stdout)
    assert all(word in told(done) for word in ("in use", port, f"--port {int(port) + 1}"))
    assert "http://" not in told(done)


def test_serve_at_an_address_of_others(tmp_path: Path, stored: dict[str, str]) -> None:
    """An address that this machine does not have is refused with its name."""
    done = paperwire("serve", "--host", "203.0.113.1", cwd=tmp_path, env=stored)
    assert (2, True) == (done.returncode, "203.0.113.1 is not an address of this machine" in told(done))


@pytest.mark.parametrize("port", ["http", "70000"])
def test_serve_at_no_port(tmp_path: Path, port: str) -> None:
    """What is no port is refused."""
    done = paperwire("serve", cwd=tmp_path, env={"PORT": port})
    assert (2, True) == (done.returncode, "PORT" in told(done))


def test_broken_configuration_stops_the_server(tmp_path: Path) -> None:
    """With a broken feeds.toml no server starts; it says why, by the command line and by any ASGI server."""
    (tmp_path / "feeds.toml").write_text(RULES.replace('["cs.LG"]', '["cs.LC"]'), "utf-8")
    by_command = paperwire("serve", "--port", "0", cwd=tmp_path, env={})
    by_server = subprocess.run(
        [sys.executable, "-m", "uvicorn", "api.index:app", "--port", "0"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **ONLY_WHEN_ASKED},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert 2 == by_command.returncode
    assert by_server.returncode not in (0, None)
    for done in (by_command, by_server):
        assert all(word in told(done) for word in ("feeds.toml", "feeds.main.categories", "'cs.LC'", "near it: cs."))
    assert "paperwire check" in told(by_server)


def test_any_server_serves(tmp_path: Path, stored: dict[str, str]) -> None:
    """`uvicorn api.index:app` serves what `paperwire serve` does."""
    with server_process(tmp_path, stored, UVICORN) as served:
        assert MAIN_UNCAPPED == [paper["id"] for paper in httpx.get(f"{served.url}/api/papers").json()["papers"]]


# --- the sample week

AUDIT = """
import os, sys

def hook(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        with open(os.environ["AUDIT"], "a") as log:
            log.write(f"{event} {arguments}\\n")

sys.addaudithook(hook)
"""


def test_sample_week(tmp_path: Path, upstream: Upstream) -> None:
    """`serve --sample` needs no network, and has five days of 60 papers or more, each labelled as a sample."""
    (tmp_path / "sitecustomize.py").write_text(AUDIT, "utf-8")
    audit = tmp_path / "audit"
    audit.touch()
    env = {"PYTHONPATH": f"{tmp_path}:{ROOT}", "ARXIV_RSS_URL": upstream.url, "AUDIT": str(audit)}
    with server_process(tmp_path, env, ("core.cli.main", "serve", "--sample", "--port", "0")) as served:
        url = served.url
        names = [feed["name"] for feed in httpx.get(f"{url}/api/feeds").json()["feeds"]]
        query = f"feed={','.join(names)}&score>=-999&type=new,cross,replace,replace-cross&limit=500"
        answer = httpx.get(f"{url}/api/papers?{query}").json()
        feed = httpx.get(f"{url}/rss").text
        home = httpx.get(url).text
        health = httpx.get(f"{url}/api/health").json()
    found = {paper["id"]: paper for paper in answer["papers"]}
    assert len(found) >= 60
    assert [] == [p["id"] for p in found.values() if "[Sample]" not in p["title"]]
    assert [] == [p["id"] for p in found.values() if not p["abstract"].startswith("Sample text, invented")]
    assert {"unconfirmed"} == {batch["state"] for batch in answer["batches"]}
    assert (5, "unconfirmed") == (len(answer["batches"]), health["state"])
    assert {"2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06"} == {
        p["announced"] for p in found.values()
    }
    assert feed.count("<item>") >= 15
    assert (TITLE in feed, TITLE in home, "all papers are invented" in home) == (True, True, True)
    assert [] == upstream.requests
    assert [] == [line for line in audit.read_text().splitlines() if "127.0.0.1" not in line]
    assert ["sample.sqlite3"] == [path.name for path in (tmp_path / ".paperwire").glob("*.sqlite3")]


def test_sample_by_variable(tmp_path: Path, upstream: Upstream) -> None:
    """SAMPLE=1 serves the sample week, too, whatever day it is."""
    env = {"SAMPLE": "1", "ARXIV_RSS_URL": upstream.url, "SQLITE_PATH": str(tmp_path / "s.sqlite3")}
    done = paperwire("papers", "--json", "limit=3", cwd=tmp_path, env=env)
    assert 0 == done.returncode, done.stderr
    assert 3 == len([paper for paper in json.loads(done.stdout) if "[Sample]" in paper["title"]])
    assert [] == upstream.requests
