"""What a digest's front matter says."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from core.domain.calendar import EASTERN, PUBLISHED_AT
from core.domain.digest import Digest
from core.render import front_matter as written

_DEFAULT = {"list": "plain", "staged": "share", "daily": "jekyll"}
_MOST_TAGS = 20


def front_matter_of(style: str) -> str:
    """The front matter that documents in a style have if nothing else is asked for."""
    return _DEFAULT[style]


def front_matter(kind: str, digest: Digest, title: str) -> str:
    """The front matter with the lines around it and an empty one below, or ""."""
    return written.front_matter(FRONT_MATTERS[kind](digest, title))


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
