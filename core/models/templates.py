"""The templates that there are: one file each, summaries in `templates/`, reviews in `reviews/`.

An owner adds one by adding a file. None is read before it is needed.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from core.domain.errors import UnknownName

if TYPE_CHECKING:
    from core.domain.template import Template

_FOLDERS = {"summary": Path(__file__).with_name("templates"), "review": Path(__file__).with_name("reviews")}
EXTRACT = "extract"  # the one that needs no model


@cache
def template_names(kind: str = "summary", folder: Path | None = None) -> tuple[str, ...]:
    """The names of the templates of a kind, sorted; by the names of the files alone."""
    return tuple(sorted(path.stem for path in (folder or _FOLDERS[kind]).glob("*.toml")))


@cache
def get_template(name: str, kind: str = "summary", folder: Path | None = None) -> "Template":
    """The template of that name.

    Raises `UnknownName` with the known ones, and `ConfigError` for a file that is wrong.
    """
    known = template_names(kind, folder)
    if name not in known:
        raise UnknownName("template", name, known)
    from core.models.template_file import read_template  # not at a cold start

    return read_template((folder or _FOLDERS[kind]) / f"{name}.toml", kind)
