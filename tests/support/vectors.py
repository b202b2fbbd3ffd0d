"""Hostile texts: what would run as a script, load from elsewhere or break a document if it came out as it went in.

Each belongs to a kind and names the place where it works if nothing is done about it, so that tests can prove that
their detectors see it there. Those without a place work in no browser of today, or are aimed at something else: a
filter, a template engine, an XML parser, a terminal. What works calls `alert(1)` or asks for something of `HOST`.
"""

import json
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from tests.support.arxiv_format import Sheet

HOST = "evil.example"


class Vector(NamedTuple):
    """A hostile text, and the place where it works: a key of `PLACES`, or "" for none."""

    kind: str
    name: str
    text: str
    place: str


_GROUPS = json.loads((Path(__file__).parents[1] / "data" / "hostile.json").read_text("utf-8"))
VECTORS = tuple(
    Vector(group["kind"], name, text, group["place"]) for group in _GROUPS for name, text in group["texts"].items()
)
TEXTS = tuple(vector.text for vector in VECTORS)


def _decoded(text: str) -> str:
    """`text` as somebody has it who decodes until nothing changes."""
    for _ in range(6):
        text = unescape(unquote(text))
    return f"<p>{text}</p>"


def _from_markdown(text: str) -> str:
    """`text` by a renderer that allows everything."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    parser.validateLink = lambda _: True  # type: ignore[method-assign]
    return str(parser.render(text))


def _twice(text: str) -> str:
    """`text` in a page whose script reads what it has put there, and puts it there again."""
    quoted = json.dumps(text).replace("<", "\\u003c")
    return f"<p id=x></p><script>x.innerHTML = {quoted}; x.innerHTML = x.innerHTML</script>"


def _around(document: str) -> Callable[[str], str]:
    return lambda text: document.replace("…", text)


# Where somebody who does nothing about it would put a text: from a text to a document
PLACES: dict[str, Callable[[str], str]] = {
    "text": _around("<p>…</p><p>x</p>"),
    "before a quotation": _around("<p>…</p><p>It's an 'x'.</p>"),
    "double quotes": _around('<input value="…">'),
    "single quotes": _around("<input value='…'>"),
    "no quotes": _around("<input value=…>"),
    "address": _around('<a href="…">x</a>'),
    "title": _around("<title>…</title>"),
    "text area": _around("<textarea>…</textarea>"),
    "style": _around("<style>…</style><p>x</p>"),
    "style of one": _around('<p style="…">x</p>'),
    "comment": _around("<!-- … -->"),
    "string": _around('<script>var x = "…";</script>'),
    "quoted string": _around("<script>var x = '…';</script>"),
    "template literal": _around("<script>var x = `…`;</script>"),
    "mutated": _twice,
    "decoded": _decoded,
    "Markdown": _from_markdown,
    "XML": _around('<html xmlns="http://www.w3.org/1999/xhtml"><body>…</body></html>'),
}


def hostile_sheets() -> list[Sheet]:
    """A paper for each text, which is all that there is to it."""
    return [
        Sheet(
            id=f"2603.{number}",
            title=text,
            abstract=f"{text}\n  {text} end.",
            creator=f"{text}, Second {text} (Institute {text})",
            more={"arxiv:DOI": text, "arxiv:journal_reference": text},
        )
        for number, text in enumerate(TEXTS, 91000)
    ]


def hostile_feeds() -> str:
    """A feeds.toml: the main feed has all texts as keywords, and for each text there is a feed that is called so."""
    head = f"[instance]\ntitle = {_toml('<script>alert(1)</script>')}\n"
    keywords = [f"{_toml(text)} = 1" for text in dict.fromkeys(TEXTS)]
    main = '[feeds.main]\ntitle = "Main"\nmatch = "substring"\nmin_score = 0\ncategories = ["cs.LG"]\n'
    main += "[feeds.main.keywords]\n"
    others = [
        f'[feeds.x{number}]\ntitle = {_toml(text)}\ndescription = {_toml(text)}\ncategories = ["cs.DC"]\n'
        for number, text in enumerate(TEXTS)
    ]
    return "\n".join([head, main, *keywords, *others])


def _toml(text: str) -> str:
    """`text` as a string of TOML."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def joined_texts(longest: int = 700) -> list[str]:
    """All texts in fewer ones, each of about that length at most."""
    out = [""]
    for text in TEXTS:
        if len(out[-1]) + len(text) > longest:
            out.append("")
        out[-1] += f"{text} "
    return out
