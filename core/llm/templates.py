"""Template files, one for each template: summaries in `templates/`, reviews in `reviews/`.

A new file is a new template. Files are read on first use; mistakes are reported with their place.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from core.model.errors import ConfigError, UnknownName
from core.model.template import LANGUAGES, Section, Template

_Value = TypeVar("_Value")


def _in_all_languages(texts: dict[str, _Value]) -> dict[str, _Value]:
    if absent := [language for language in LANGUAGES if language not in texts]:
        raise ValueError(f"there is no text for {', '.join(absent)}")
    if unknown := [language for language in texts if language not in LANGUAGES]:
        raise ValueError(f"{', '.join(unknown)}: unknown language; allowed are {', '.join(LANGUAGES)}")
    return texts


_Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\n|]+$")]
_Texts = Annotated[dict[str, _Line], AfterValidator(_in_all_languages)]
_Columns = Annotated[dict[str, tuple[_Line, _Line]], AfterValidator(_in_all_languages)]
_Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid")

    key: _Key
    heading: _Texts
    ask: str = Field("", max_length=4000)
    most: int = Field(4000, ge=1, le=20_000)
    bullets: list["_Section"] = Field([], max_length=10)
    invents: bool = False

    @model_validator(mode="after")
    def _flat(self) -> "_Section":
        if any(bullet.bullets for bullet in self.bullets):
            raise ValueError("bullets have no bullets of their own")
        return self

    def to_section(self) -> Section:
        bullets = tuple(bullet.to_section() for bullet in self.bullets)
        return Section(self.key, self.heading, self.ask.strip(), self.most, bullets, self.invents)


class _TemplateFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: _Texts
    layout: Literal["headings", "table"] = "headings"
    columns: _Columns | None = None
    instructions: str = Field("", max_length=4000)
    note: _Texts | None = None
    missing: _Texts | None = None
    sections: list[_Section] = Field(min_length=1, max_length=30)
    post: list[_Section] = Field([], max_length=30)

    @model_validator(mode="after")
    def _fits(self) -> "_TemplateFile":
        for sections in (self.sections, self.post):
            keys = [part.key for section in sections for part in (section.bullets or [section])]
            if twice := sorted({key for key in keys if keys.count(key) > 1}):
                raise ValueError(f"{', '.join(twice)}: two sections have this key")
        if (self.layout == "table") != (self.columns is not None):
            raise ValueError('columns belong to layout = "table", which needs them')
        return self


def read_template(path: Path, kind: str) -> Template:
    """Returns the template in a file, with the file's name. Raises `ConfigError` with a line for each mistake."""
    where = f"{path.parent.name}/{path.name}"
    try:
        read = _TemplateFile.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{where}: cannot be read: {error}"]) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{where}: not TOML: {error}"]) from error
    except ValidationError as error:
        raise ConfigError([_explained(where, problem["loc"], problem["msg"]) for problem in error.errors()]) from error
    return Template(
        name=path.stem,
        kind=kind,
        title=read.title,
        sections=tuple(section.to_section() for section in read.sections),
        layout=read.layout,
        columns=read.columns or {},
        instructions=read.instructions.strip(),
        note=read.note or {},
        missing=read.missing or {},
        post=tuple(section.to_section() for section in read.post),
    )


def _explained(where: str, loc: tuple[int | str, ...], message: str) -> str:
    key = ".".join(str(part + 1) if isinstance(part, int) else part for part in loc)
    return ": ".join(filter(None, (where, key, message.removeprefix("Value error, "))))


_FOLDERS = {"summary": Path(__file__).with_name("templates"), "review": Path(__file__).with_name("reviews")}
EXTRACT = "extract"  # the template that needs no model


@cache
def template_names(kind: str = "summary", folder: Path | None = None) -> tuple[str, ...]:
    """Returns the sorted names of the templates of a kind, without reading the files."""
    return tuple(sorted(path.stem for path in (folder or _FOLDERS[kind]).glob("*.toml")))


@cache
def get_template(name: str, kind: str = "summary", folder: Path | None = None) -> Template:
    """Returns the template of that name.

    Raises `UnknownName` with the known ones, and `ConfigError` for an invalid file.
    """
    known = template_names(kind, folder)
    if name not in known:
        raise UnknownName("template", name, known)
    return read_template((folder or _FOLDERS[kind]) / f"{name}.toml", kind)
