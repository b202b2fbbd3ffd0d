"""How the parts of a summary or a review become Markdown."""

from collections.abc import Sequence

from core.model.template import Template
from core.text.markdown import block, cell, one_line

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


def _table(template: Template, language: str, texts: dict[str, str], level: int) -> list[str]:  # noqa: ARG001 - as `_headings`
    point, content = template.columns[language]
    rows = [f"| **{part.heading[language]}** | {cell(texts[part.key])} |" for part in template.parts if texts[part.key]]
    return ["\n".join([f"| {point} | {content} |", "|---|---|", *rows])] if rows else []


def _headings(template: Template, language: str, texts: dict[str, str], level: int) -> list[str]:
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
