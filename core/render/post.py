"""A document as a Markdown file with front matter, which Jekyll, Hugo and others read in YAML.

Texts of the front matter are written as JSON strings, which YAML reads as they are
(https://yaml.org/spec/1.2.2/#json-schema): no title can end the front matter or add a key to it.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from core.render.blocks import Block, Heading
from core.render.blocks.markdown import Markdown
from core.text.sanitize import clean

# How each kind of reader takes HTML: kramdown reads Markdown in it where an attribute says so, goldmark leaves HTML out
_FOLDS = {"jekyll": ' markdown="1"', "hugo": None}
# kramdown reads formulas between double dollars only (https://kramdown.gettalong.org/syntax.html#math-blocks)
_MATHS = {"jekyll": "$$"}
_HAS_TITLE = ("jekyll", "hugo")  # they show that of the front matter


def markdown_post(kind: str, values: Mapping[str, Any], title: str, blocks: Iterable[Block], marker: str) -> str:
    """The file: front matter of a `kind` with these `values`, the title, the blocks, and `marker` as the last line."""
    title_blocks = [] if kind in _HAS_TITLE else [Heading(1, (title,))]
    body = Markdown(_FOLDS.get(kind, ""), _MATHS.get(kind, "$")).write([*title_blocks, *blocks])
    return f"{front_matter(values)}{clean(body)}\n{marker}\n"


def front_matter(values: Mapping[str, Any]) -> str:
    """The front matter with the lines around it and an empty one below, or "" if there are no values."""
    lines = [f"{name}: {_yaml(value)}" for name, value in values.items()]
    return "\n".join(["---", *lines, "---", "", ""]) if lines else ""


def _yaml(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(" ".join(clean(value).split()), ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(map(_yaml, value))}]"
    return json.dumps(value)
