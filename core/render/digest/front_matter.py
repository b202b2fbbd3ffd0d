"""Front matter: what Jekyll, Hugo and others read at the top of a Markdown file, in YAML.

Texts are written as JSON strings, which YAML reads as they are (https://yaml.org/spec/1.2.2/#json-schema): no title
can end the front matter or add a key to it.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from core.domain.calendar import EASTERN, PUBLISHED_AT
from core.domain.digest import Digest
from core.domain.meant import clean

_DEFAULT = {"list": "plain", "staged": "share", "daily": "jekyll"}
_MOST_TAGS = 20


def front_matter_of(style: str) -> str:
    """The front matter that documents in a style have if nothing else is asked for."""
    return _DEFAULT[style]


def front_matter(kind: str, digest: Digest, title: str) -> str:
    """The front matter with the lines around it and an empty one below, or ""."""
    values = FRONT_MATTERS[kind](digest, title)
    lines = [f"{name}: {_yaml(value)}" for name, value in values.items()]
    return "\n".join(["---", *lines, "---", "", ""]) if lines else ""


def _plain(_: Digest, __: str) -> dict[str, Any]:
    return {}


def _share(_: Digest, __: str) -> dict[str, Any]:
    return {"share": True}


def _jekyll(digest: Digest, title: str) -> dict[str, Any]:
    # When the batch was due: what lies in the future, Jekyll would not show
    head = {"layout": "post", "title": title, "date": _due(digest).strftime("%Y-%m-%d %H:%M:%S %z")}
    return head | {"tags": _tags(digest), "categories": ["papers"], "lang": digest.language}


def _hugo(digest: Digest, title: str) -> dict[str, Any]:
    head = {"title": title, "date": _due(digest).isoformat(), "draft": False}
    return head | {"tags": _tags(digest), "categories": ["papers"]}


FRONT_MATTERS: dict[str, Callable[[Digest, str], dict[str, Any]]] = {
    "plain": _plain,
    "share": _share,
    "jekyll": _jekyll,
    "hugo": _hugo,
}


def _due(digest: Digest) -> datetime:
    return datetime.combine(digest.record.date, PUBLISHED_AT, EASTERN)


def _tags(digest: Digest) -> list[str]:
    return ["arxiv", *digest.feed.categories[:_MOST_TAGS]]


def _yaml(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(" ".join(clean(value).split()), ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(map(_yaml, value))}]"
    return json.dumps(value)
