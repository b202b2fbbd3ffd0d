"""Front matter: what Jekyll, Hugo and others read at the top of a Markdown file, in YAML.

Sentences are written as JSON strings, which YAML reads as they are (https://yaml.org/spec/1.2.2/#json-schema): no title
can end the front matter or add a key to it.
"""

import json
from collections.abc import Mapping
from typing import Any

from core.text.sanitize import clean

# How each kind of reader takes HTML: kramdown reads Markdown in it only where told so, goldmark leaves HTML out
FOLDS = {"jekyll": ' markdown="1"', "hugo": None}
HAS_TITLE = ("jekyll", "hugo")  # they show that of the front matter


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
