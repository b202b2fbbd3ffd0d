"""`paperwire digest` in processes of its own: what it prints, what it writes, and what it leaves alone."""

import subprocess
from functools import partial
from pathlib import Path

import pytest
import yaml

from tests.api import DAYS, FEEDS, FRIDAY, THURSDAY, WEDNESDAY, make_settings, store_days
from tests.cli.test_cli import environment, in_parallel, told
from tests.conftest import paperwire

Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a store with three days in it."""
    settings = make_settings(tmp_path_factory.mktemp("stored"))
    store_days(settings, DAYS)
    return environment(SQLITE_PATH=str(settings.sqlite_path), FEEDS_TOML=FEEDS)


PRINTED: dict[tuple[str, ...], tuple[str, ...]] = {
    (): ("# Caches &amp; kernels\n", "2603.90305v1", f"**Date**: {FRIDAY}", "<!-- paperwire digest -->\n"),
    ("--date", str(THURSDAY), "--language", "ko"): (f"**날짜**: {THURSDAY}", "2603.90203v1"),
    ("--style", "staged"): ("---\nshare: true\n---\n", "Stage 1 (abstract screening): collected 12 → 4 prioritised"),
    ("--style", "daily", "--front-matter", "hugo"): ("draft: false", "alphaxiv.org/overview/2603.90305"),
}
WRONG: dict[tuple[str, ...], tuple[int, tuple[str, ...]]] = {
    ("mian",): (1, ("There is no feed 'mian' here. Known: main, replaced, everything.",)),
    ("main", "--date", "2025-01-01"): (1, (f"Known: {FRIDAY}, {THURSDAY}, {WEDNESDAY}.",)),
    ("main", "--style", "table"): (2, ("--style table", "Allowed: list, staged, daily")),
    ("main", "--front-matter", "toml"): (2, ("--front-matter toml", "Allowed: plain, share, jekyll, hugo")),
    ("main", "--all-dates"): (2, ("--all-dates", "needs a folder")),
    ("main", "--output", "/proc/no/where.md"): (2, ("/proc/no/where.md: cannot be written",)),
}


@pytest.fixture(scope="module")
def done(stored: dict[str, str]) -> dict[tuple[str, ...], Done]:
    run = partial(paperwire, "digest", cwd=Path("/"), env=stored)
    calls = {arguments: partial(run, "main", *arguments) for arguments in PRINTED}
    return in_parallel(calls) | in_parallel({arguments: partial(run, *arguments) for arguments in WRONG})


@pytest.mark.parametrize(("arguments", "texts"), PRINTED.items())
def test_printed(done: dict[tuple[str, ...], Done], arguments: tuple[str, ...], texts: tuple[str, ...]) -> None:
    """The Markdown is printed, and nothing else."""
    assert (0, "") == (done[arguments].returncode, done[arguments].stderr)
    assert [] == [text for text in texts if text not in done[arguments].stdout]


@pytest.mark.parametrize(("arguments", "status", "texts"), [(a, *rest) for a, rest in WRONG.items()])
def test_wrong(
    done: dict[tuple[str, ...], Done], arguments: tuple[str, ...], status: int, texts: tuple[str, ...]
) -> None:
    """What is wrong is told in words, with what there is instead."""
    assert status == done[arguments].returncode
    assert [] == [text for text in texts if text not in told(done[arguments])]


def test_posts(stored: dict[str, str], tmp_path: Path) -> None:
    """A folder gets a post for each date; a second run changes nothing."""
    run = partial(paperwire, "digest", "main", "--style", "daily", "--output", "posts", cwd=tmp_path, env=stored)
    assert 0 == run("--all-dates").returncode
    names = [f"{day}-main.md" for day in (WEDNESDAY, THURSDAY, FRIDAY)]
    assert names == sorted(path.name for path in (tmp_path / "posts").iterdir())
    written = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in (tmp_path / "posts").iterdir()}
    for path, (data, _) in written.items():
        assert yaml.safe_load(data.decode().split("---\n")[1])["title"] == f"Daily Papers — {path.name[:10]}"
    again = run()
    assert (0, True) == (again.returncode, f"{FRIDAY}-main.md is unchanged" in told(again))
    assert written == {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in (tmp_path / "posts").iterdir()}


def test_a_readme_is_kept_up_to_date(stored: dict[str, str], tmp_path: Path) -> None:
    """A file of one's own is not replaced; an older digest is."""
    readme = tmp_path / "README.md"
    readme.write_text("# My own\n", "utf-8")
    run = partial(paperwire, "digest", "main", "--output", "README.md", cwd=tmp_path, env=stored)
    refused = run()
    assert (2, "# My own\n") == (refused.returncode, readme.read_text("utf-8"))
    assert "not written by this command; add --force" in told(refused)
    assert 0 == run("--force", "--date", str(THURSDAY)).returncode
    assert f"**Date**: {THURSDAY}" in readme.read_text("utf-8")
    assert 0 == run().returncode
    assert f"**Date**: {FRIDAY}" in readme.read_text("utf-8")
    assert ["README.md"] == [path.name for path in tmp_path.iterdir()]
