"""Templates are compiled once, and kept beside their sources where that is possible."""

from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader

from api.pages import html


@pytest.fixture
def compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where compiled templates are kept in this test."""
    folder = tmp_path / "compiled"
    monkeypatch.setattr(html, "COMPILED", folder)
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    return folder


def _render(folder: Path) -> str:
    loader = FileSystemLoader(folder)
    return Environment(loader=loader, autoescape=True, bytecode_cache=html._Compiled()).get_template("a.html").render()


def test_a_changed_template_is_compiled_again(tmp_path: Path, compiled: Path) -> None:
    """What is kept belongs to its source; what is damaged counts as absent."""
    for text in ("one", "one", "another"):
        (tmp_path / "a.html").write_text(text)
        assert text == _render(tmp_path)
        (kept,) = compiled.iterdir()
    kept.write_bytes(b"damaged")
    assert _render(tmp_path) == "another"


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path: Path, compiled: Path) -> None:
    """Platforms have the code on disks that are only read."""
    compiled.write_text("a file in its place")
    (tmp_path / "a.html").write_text("one")
    assert _render(tmp_path) == "one"


def test_all_templates_compile(compiled: Path) -> None:
    """The build of a bundle compiles them all."""
    html._environment.cache_clear()
    try:
        assert len(list(html.TEMPLATES.glob("*.html"))) == html.compile_templates() == len(list(compiled.iterdir()))
    finally:
        html._environment.cache_clear()
