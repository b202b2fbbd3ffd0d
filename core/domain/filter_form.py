"""The form above a list of entries: a search box and some fields, sent as a query that comes close to the grammar.

A form of HTML sends `name=value` and nothing else. So its fields are called `score>` or `author~`: the first is sent as
`score>=5` anyway, and from `author~=Ada` the `=` is taken. The box is `q` (`core.domain.search`), and it takes up
whatever filters the form has no field for. What was left empty counts as not sent.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from core.domain.search import encoded, parse_search, written

BOX = "q"
_TOKEN = re.compile(r"\s*(?P<name>[a-z_]+)\s*(?P<operator>!=|>=|<=|~=|=|>|<|~)(?P<value>.*)", re.DOTALL)
# name of a field in the form → the field and operator that it stands for
FIELDS = {
    "score>": "score>=",
    "category": "category=",
    "type": "type=",
    "author~": "author~",
    "announced>": "announced>=",
    "announced<": "announced<=",
    "feed": "feed=",
    "sort": "sort=",
    "limit": "limit=",
}
_PAGING = ("cursor", "limit")


@dataclass(frozen=True, slots=True)
class FilterForm:
    """What was sent: the text of the `box`, and the `tokens` beside it, as they are written in the grammar."""

    box: str
    tokens: tuple[str, ...]

    @property
    def values(self) -> Mapping[str, str]:
        """The text of each field, by its name, for the form to show again."""
        return self._sorted()[0] | {BOX: " ".join(filter(None, (self.box, written(self._sorted()[1]))))}

    def all_tokens(self) -> tuple[str, ...]:
        """The tokens with those that the box means. Raises `QueryError` if it means nothing."""
        return tuple(dict.fromkeys((*self.tokens, *parse_search(self.box))))

    def query(self) -> str:
        """The raw query, encoded. Raises `QueryError` likewise."""
        return encoded(self.all_tokens())

    def _sorted(self) -> tuple[dict[str, str], list[str]]:
        """What the fields show, and the tokens that there is no field for."""
        fields: dict[str, str] = {}
        others = []
        for token in self.tokens:
            name = next((name for name, start in FIELDS.items() if token.startswith(start)), "")
            if name and name not in fields:
                fields[name] = token.removeprefix(FIELDS[name])
            elif not token.startswith("cursor="):
                others.append(token)
        return fields, others


def read_form(raw: str) -> FilterForm:
    """What a raw, still encoded query holds, whether a form sent it or somebody wrote it."""
    box = []
    tokens = []
    for part in filter(None, raw.split("&")):
        text = unquote_plus(part)
        match = _TOKEN.fullmatch(text)
        if not match:
            tokens.append(text)
        elif value := match["value"].strip():
            if match["name"] == BOX and match["operator"] == "=":
                box.append(value)
            else:
                tokens.append(f"{match['name']}{match['operator'].replace('~=', '~')}{value}")
    return FilterForm(" ".join(box), tuple(tokens))


def without_paging(tokens: tuple[str, ...]) -> tuple[str, ...]:
    """The tokens that say what is selected, without those that say which part of it a page shows."""
    return tuple(token for token in tokens if not token.startswith(tuple(f"{name}=" for name in _PAGING)))
