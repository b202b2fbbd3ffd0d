"""Hostile texts: what would run as a script, load from elsewhere or break a document if it came out as it went in.

Each belongs to a kind and names the place where it works if nothing is done about it. Those without a place work in no
browser of today, or are aimed at something else: a filter, a template engine, an XML parser, a terminal. What works
calls `alert(1)` or asks for something of `HOST`.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from tests.support.arxiv_format import Sheet
from tests.support.tiers import matrix

HOST = "evil.example"


class Vector(NamedTuple):
    """A hostile text, and the place where it works, or "" for none; some of the places are in `PLACES`."""

    kind: str
    name: str
    text: str
    place: str


_GROUPS = json.loads((Path(__file__).parents[1] / "data" / "hostile.json").read_text("utf-8"))
VECTORS = tuple(
    Vector(group["kind"], name, text, group["place"]) for group in _GROUPS for name, text in group["texts"].items()
)
TEXTS = tuple(vector.text for vector in VECTORS)
OF_EACH_KIND = tuple({vector.kind: vector.text for vector in reversed(VECTORS)}.values())
# For whatever shows a text: what is made harmless is tested with all of them where that is done (tests/text)
hostile_texts = matrix(
    "texts", [OF_EACH_KIND, TEXTS], daily=(OF_EACH_KIND,), ids=lambda texts: "all" if texts is TEXTS else "of each kind"
)


def _around(document: str) -> Callable[[str], str]:
    return lambda text: document.replace("…", text)


# Where somebody who does nothing about it would put a text, and where it shows in the document: from text to document
PLACES: dict[str, Callable[[str], str]] = {
    "text": _around("<p>…</p><p>x</p>"),
    "double quotes": _around('<input value="…">'),
    "title": _around("<title>…</title>"),
    "XML": _around('<html xmlns="http://www.w3.org/1999/xhtml"><body>…</body></html>'),
}


def hostile_sheets(texts: Iterable[str] = TEXTS) -> list[Sheet]:
    """A paper for each text, which is all that there is to it."""
    return [
        Sheet(
            id=f"2603.{number}",
            title=text,
            abstract=f"{text}\n  {text} end.",
            creator=f"{text}, Second {text} (Institute {text})",
            more={"arxiv:DOI": text, "arxiv:journal_reference": text},
        )
        for number, text in enumerate(texts, 91000)
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


def joined_texts(longest: int = 700, texts: Iterable[str] = TEXTS) -> list[str]:
    """All texts in fewer ones, each of about that length at most."""
    out = [""]
    for text in texts:
        if len(out[-1]) + len(text) > longest:
            out.append("")
        out[-1] += f"{text} "
    return out
