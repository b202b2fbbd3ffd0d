"""Templates: which parts a summary or a review has, what is asked for each, and how they become Markdown."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Literal

from core.text.markdown import block, cell, one_line
from core.util.signing import fingerprint

Language = Literal["en", "ko", "zh"]  # of summaries, reviews and digests
LANGUAGES: dict[str, str] = {"en": "English", "ko": "Korean", "zh": "Simplified Chinese"}
_Texts = dict[str, str]  # by language


@dataclass(frozen=True, slots=True)
class Section:
    """One part: its `key`, its heading by language, and what is asked for it. `most` bounds it, in characters.

    `invents`: it may hold figures that the paper does not have, such as those of an example.

    A section with `bullets` has no text of its own: its parts are these, each a line below its heading.
    """

    key: str
    heading: _Texts
    ask: str = ""
    most: int = 4000
    bullets: "tuple[Section, ...]" = ()
    invents: bool = False


@dataclass(frozen=True, eq=False)  # there is one of each, and what is made of it is cached
class Template:
    """The parts of a summary or a review by this name.

    `layout` is how the sections stand below each other: under "headings", or as the rows of a "table" with the
    heads `columns`. `instructions` say how all of them are to be written, `title` is what people call it. `note` is
    shown below, and `missing` in the place of an absent part; where these are empty, nothing is. A review has
    a `post` that is made of the answers.
    """

    name: str
    kind: str
    title: _Texts
    sections: tuple[Section, ...]
    layout: str = "headings"
    columns: dict[str, tuple[str, str]] = field(default_factory=dict)
    instructions: str = ""
    note: _Texts = field(default_factory=dict)
    missing: _Texts = field(default_factory=dict)
    post: tuple[Section, ...] = ()

    @cached_property
    def parts(self) -> tuple[Section, ...]:
        """The sections that have texts, in order."""
        return tuple(_leaves(self.sections))

    @cached_property
    def fingerprint(self) -> str:
        """The fingerprint of the whole template."""
        return fingerprint("template", asdict(self))

    def section(self, key: str) -> Section:
        """The part of that key. Raises `KeyError`."""
        return {part.key: part for part in self.parts}[key]


Parts = Sequence[tuple[str, str]]


def to_markdown(template: Template, language: str, parts: Parts, level: int = 1) -> str:
    """The parts of a summary, by their keys, as Markdown whose headings have this level (1 to 6) and lower.

    The texts have to be harmless already (see `core.text.markdown`); none can break out of its place. An absent part
    is left out, or replaced by the template's words for that.
    """
    texts = {key: text for key, text in parts if text.strip()}
    missing = template.missing.get(language, "")
    lay_out = _table if template.layout == "table" else _headings
    blocks = lay_out(template, language, {part.key: texts.get(part.key, missing) for part in template.parts}, level)
    note = template.note.get(language, "")
    return "\n\n".join([*blocks, f"*{note}*"] if note and blocks else blocks)


QUOTED = frozenset({"idea"})  # parts of a post that stand as quotations


def quotation(text: str) -> str:
    """Markdown as a quotation."""
    return "\n".join(f"> {line}".rstrip() for line in text.strip().split("\n"))


def post_to_markdown(template: Template, language: str, parts: Parts) -> str:
    """The parts of a review's post as Markdown; its title is left to the document that it stands in."""
    texts = dict(parts)
    sections = [section for section in template.post if section.key != "title" and texts.get(section.key, "").strip()]
    written = [(section, block(texts[section.key], 2)) for section in sections]
    return "\n\n".join(
        f"## {section.heading[language]}\n\n{quotation(text) if section.key in QUOTED else text}"
        for section, text in written
    )


def _leaves(sections: Sequence[Section]) -> Iterator[Section]:
    for section in sections:
        yield from section.bullets or (section,)


def _table(template: Template, language: str, texts: _Texts, level: int) -> list[str]:  # noqa: ARG001 - as `_headings`
    point, content = template.columns[language]
    rows = [f"| **{part.heading[language]}** | {cell(texts[part.key])} |" for part in template.parts if texts[part.key]]
    return ["\n".join([f"| {point} | {content} |", "|---|---|", *rows])] if rows else []


def _headings(template: Template, language: str, texts: _Texts, level: int) -> list[str]:
    blocks = []
    for section in template.sections:
        bullets = [
            f"- **{part.heading[language]}**: {one_line(texts[part.key])}"
            for part in section.bullets
            if texts[part.key]
        ]
        text = "\n".join(bullets) if section.bullets else block(texts[section.key], level)
        if text:
            blocks += [f"{'#' * level} {section.heading[language]}", text]
    return blocks
