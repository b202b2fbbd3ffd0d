"""`paperwire review` in processes of its own: what it tells before and after, asks, writes, and when it refuses."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import yaml

from core.config.settings import ROOT
from core.render.review import REVIEW_MARKER
from tests.cli.test_cli import in_parallel, told
from tests.conftest import paperwire, wait_until
from tests.support.reviewing import ID, WITHDRAWN, Reviewing, reviewing

Done = subprocess.CompletedProcess[str]


@pytest.fixture
def given(tmp_path: Path) -> Iterator[Reviewing]:
    with reviewing(tmp_path) as given:
        yield given


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reviewing]:
    """A store with a review in it."""
    with reviewing(tmp_path_factory.mktemp("made")) as given:
        given.review()
        yield given


def run(given: Reviewing, *arguments: str) -> Done:
    return paperwire("review", *arguments, cwd=given.folder, env=given.env)


def in_terminal(given: Reviewing, answer: str, *arguments: str) -> tuple[int, str]:
    """The status, and all that is shown, of a command in a terminal in which `answer` is typed when it asks."""
    main, side = pty.openpty()
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "TERM": "dumb", "COLUMNS": "120"} | given.env
    command = [sys.executable, "-m", "core.cli.main", "review", *arguments]
    shown = b""
    with subprocess.Popen(command, cwd=given.folder, env=env, stdin=side, stdout=side, stderr=side) as process:
        os.close(side)
        with suppress(OSError):  # how a terminal ends
            while data := os.read(main, 65536):
                shown += data
                if b"Go on?" in shown and answer:
                    os.write(main, answer.encode())
                    answer = ""
    os.close(main)
    return process.returncode, " ".join(shown.decode("utf-8", "replace").split())


def test_told_before_and_after(given: Reviewing) -> None:
    """Calls, tokens and money are told before and after; the review is printed alone, as Markdown with front matter."""
    done = run(given, ID, "--yes")
    assert 0 == done.returncode, done.stderr
    words = told(done)
    for text in (
        f"{ID}v1: Flash tiers for key-value caches",
        "To be read: its HTML, by stand-in-1, in 13 calls.",
        "tokens to read and 56,000 to write",
        "in the currency of your prices",
        "Took 13 calls, 1,300 tokens read and 260 written, 0.01 in the currency of your prices.",
    ):
        assert text in words
    assert done.stdout.startswith("---\n")
    assert done.stdout.endswith(f"{REVIEW_MARKER}\n")
    assert f"{ID}v1" == yaml.safe_load(done.stdout.split("---\n")[1])["tags"][0]
    again = run(given, ID)
    assert (0, done.stdout) == (again.returncode, again.stdout)
    assert "is complete already; no model was asked" in told(again)
    assert 13 == len(given.asked)


def test_needs_consent(given: Reviewing) -> None:
    """In a terminal it asks, and does nothing without a yes; without a terminal it needs --yes."""
    refused = run(given, ID)
    assert (1, True) == (refused.returncode, "this is no terminal, so add --yes" in told(refused))
    status, shown = in_terminal(given, "n\n", ID)
    assert (1, True) == (status, "Go on? [y/N]" in shown)
    assert [] == given.asked
    status, shown = in_terminal(given, "y\n", ID, "--language", "ko", "--output", "posts")
    assert (0, 13) == (status, len(given.asked)), shown
    assert "Took 13 calls" in shown
    assert [f"2026-03-06-{ID}v1.md"] == [path.name for path in (given.folder / "posts").iterdir()]


def test_interrupted(given: Reviewing) -> None:
    """Ctrl-C ends it with a word on how to go on; the answer under way is waited for a moment, and none is lost."""
    given.model.delay = 0.3
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "LLM_CONCURRENCY": "1"} | given.env
    command = [sys.executable, "-m", "core.cli.main", "review", ID, "--yes"]
    with subprocess.Popen(command, cwd=given.folder, env=env, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: len(given.asked) > 3)
        process.send_signal(signal.SIGINT)
        _, shown = process.communicate(timeout=120)
    assert 130 == process.returncode
    assert "answered questions are not asked again" in " ".join(shown.split())
    assert "Traceback" not in shown
    given.model.delay, count = 0.0, len(given.asked)
    done = run(given, ID, "--yes")
    assert 0 == done.returncode
    asked = len(given.asked) - count
    assert f"{13 - asked} of 12 questions are answered already" in told(done)
    assert 13 - asked in (3, 4)


def test_failures(given: Reviewing) -> None:
    """A question that failed is told with its reason, and what there is is printed; the status says that it lacks."""
    given.model.faults, given.model.faulty_for_ever, given.model.prey = ["empty"], True, "central hypothesis"
    done = run(given, ID, "--yes")
    assert 1 == done.returncode
    assert "the question hypothesis failed: The answer is empty" in told(done)
    assert "11 of 12 questions are answered; run the same command again" in told(done)
    assert "**11 of 12 questions answered; the review is not complete yet.**" in done.stdout


WRONG: dict[tuple[str, ...], tuple[int, str]] = {
    ("xyz",): (2, "'xyz' is not an arXiv identifier"),
    (ID, "--language", "fr"): (2, "Allowed: en, ko, zh"),
    (ID, "--format", "pdf"): (2, "Allowed: md, html, json"),
    (ID, "--front-matter", "toml"): (2, "Allowed: plain, share, jekyll, hugo"),
    ("2603.00001", "--yes"): (1, "There is no paper '2603.00001' here."),
    (WITHDRAWN.id, "--yes"): (1, "has been withdrawn, and has no text"),
}


PRINTED: dict[tuple[str, ...], tuple[str, ...]] = {
    (ID, "--format", "json"): (f'{{"id":"{ID}"', '"generator":"paperwire review"}'),
    (ID, "--format", "html"): ("<!doctype html>", "default-src 'none'", REVIEW_MARKER),
    (ID, "--front-matter", "jekyll"): ('---\nlayout: "post"\n', REVIEW_MARKER),
}


@pytest.fixture(scope="module")
def done(made: Reviewing) -> dict[tuple[str, ...], Done]:
    """What came of the commands above, with how often the model was asked before all that."""
    calls = {arguments: partial(run, made, *arguments) for arguments in (*WRONG, *PRINTED)}
    without = partial(paperwire, "review", ID, cwd=made.folder, env=made.env | {"LLM_MODEL": ""})
    return in_parallel(calls | {(): without})


@pytest.mark.parametrize(("arguments", "status", "text"), [(a, *rest) for a, rest in WRONG.items()])
def test_wrong(done: dict[tuple[str, ...], Done], arguments: tuple[str, ...], status: int, text: str) -> None:
    """What is wrong is told in words, and nothing is printed."""
    assert (status, "") == (done[arguments].returncode, done[arguments].stdout)
    assert text in told(done[arguments])


def test_without_a_model(made: Reviewing, done: dict[tuple[str, ...], Done]) -> None:
    """Without a model it says how to set one; none of all these commands has asked the model."""
    assert (2, True) == (done[()].returncode, "set LLM_API_KEY and LLM_MODEL" in told(done[()]))
    assert 13 == len(made.asked)


@pytest.mark.parametrize(("arguments", "texts"), PRINTED.items())
def test_formats(done: dict[tuple[str, ...], Done], arguments: tuple[str, ...], texts: tuple[str, ...]) -> None:
    """Each format is printed."""
    assert 0 == done[arguments].returncode
    assert done[arguments].stdout.startswith(texts[0])
    assert [] == [text for text in texts if text not in done[arguments].stdout]


def test_files(made: Reviewing) -> None:
    """What somebody else wrote is not replaced; what this command wrote is."""
    target = made.folder / "review.md"
    target.write_text("# My own\n", "utf-8")
    refused = run(made, ID, "--output", "review.md")
    assert (2, "# My own\n") == (refused.returncode, target.read_text("utf-8"))
    target.write_text(f"An older one.\n{REVIEW_MARKER}\n", "utf-8")
    assert 0 == run(made, ID, "--output", "review.md").returncode
    assert target.read_text("utf-8").startswith("---\ntitle")
