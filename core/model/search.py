"""The search box: words and filters, separated by spaces, as a query of the filter grammar.

    score>=10 category=cs.DC title~"KV cache" offloading "state space"

A word, or several in quotation marks, has to be in the title or the abstract (`text~word`); an arXiv identifier means
that paper; the rest are filters as everywhere (`core.model.query`), whose values may be in quotation marks too.

The form above a list of entries has the box (`q`) and some fields. HTML sends `name=value` and nothing else, so the
fields are called `score>` or `author~`: the first is sent as `score>=5` anyway, the `=` of `author~=Ada` is dropped.
The box shows the filters that the form has no field for. What is empty counts as not sent.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from urllib.parse import quote, unquote_plus

from core.model.batch import ANNOUNCE_TYPES
from core.model.errors import QueryError
from core.model.feed import Feed
from core.model.paper import parse_id
from core.model.query import FIELDS, PARAMETERS, Query

LONGEST = 1000
_QUOTES = str.maketrans("“”„«»", '"' * 5)  # keyboards of phones make these
_PART = re.compile(r'(?:[^\s"]|"[^"]*"?)+')
_FILTER = re.compile(r"(?P<name>[A-Za-z_]+)(?P<operator>!=|>=|<=|=|>|<|~)(?P<value>.*)", re.DOTALL)
_NAMES = (*FIELDS, *PARAMETERS)
_LOOK = ("text", "title", "author")  # fields whose `~` names words to mark in what is found


def parse_search(text: str) -> tuple[str, ...]:
    """Returns the query tokens of a search text. Raises `QueryError` for a part that is neither a word nor a filter."""
    if len(text) > LONGEST:
        raise QueryError(text[:60] + "…", f"the search is longer than {LONGEST} characters")
    tokens = [token for part in _PART.findall(text.translate(_QUOTES)) for token in _tokens(part)]
    return tuple(dict.fromkeys(tokens))


def written(tokens: Iterable[str]) -> str:
    """Returns tokens as text for the search box."""
    return " ".join(map(_written, tokens))


def encoded(tokens: Iterable[str]) -> str:
    """Tokens as a raw query string that is still easy to read."""
    return "&".join(quote(token, safe="=,:/~-._!") for token in tokens)


def lowest(feed: Feed) -> float:
    """The lowest score that a paper can have in a feed."""
    return sum(keyword.weight * (1 + feed.title_bonus) for keyword in feed.keywords if keyword.weight < 0)


def everything(feeds: Iterable[Feed], query: Query) -> list[str]:
    """The tokens that open a query to all scores and announce types of `feeds`, unless it names them itself."""
    tokens = [] if query.names("score") else [f"score>={min(map(lowest, feeds), default=0):g}"]
    return tokens if query.names("type") else [*tokens, f"type={','.join(ANNOUNCE_TYPES)}"]


def words_of(query: Query) -> list[str]:
    """Returns the words that a query searches in texts."""
    return [word for c in query.conditions if c.operator == "~" and c.field in _LOOK for word in c.values]


def _tokens(part: str) -> list[str]:
    match = _FILTER.fullmatch(part)
    if part.startswith('"') or not match:
        return _words(part)
    name = match["name"].lower()
    if name not in _NAMES:
        near = get_close_matches(name, _NAMES, 3)
        hint = f"did you mean {' or '.join(near)}?" if near else 'put it in quotation marks to search for it: "…"'
        raise QueryError(part, f"there is no filter {name!r}; {hint}", _NAMES)
    value = match["value"].replace('"', "").strip()
    if not value:
        raise QueryError(part, "a value is missing; there must be no space before it", _allowed(name))
    return [f"{name}{match['operator']}{value}"]


def _written(token: str) -> str:
    match = _FILTER.fullmatch(token)
    if not match:
        return token
    value = match["value"]
    quoted = f'"{value}"' if " " in value else value
    return quoted if token.startswith("text~") and "," not in value else f"{match['name']}{match['operator']}{quoted}"


def _words(part: str) -> list[str]:
    """Returns a condition for each word or phrase: a comma in a value means "any of", but all words have to match."""
    text = part.replace('"', " ").strip()
    try:
        return [f"id={parse_id(text)}"]
    except ValueError:
        return [f"text~{' '.join(word.split())}" for word in text.split(",") if any(map(str.isalnum, word))]


def _allowed(name: str) -> tuple[str, ...]:
    return FIELDS[name].allowed if name in FIELDS else ()


BOX = "q"
_TOKEN = re.compile(r"\s*(?P<name>[a-z_]+)\s*(?P<operator>!=|>=|<=|~=|=|>|<|~)(?P<value>.*)", re.DOTALL)
# name of a field in the form → the field and operator that it stands for
FORM_FIELDS = {
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
            name = next((name for name, start in FORM_FIELDS.items() if token.startswith(start)), "")
            if name and name not in fields:
                fields[name] = token.removeprefix(FORM_FIELDS[name])
            elif not token.startswith("cursor="):
                others.append(token)
        return fields, others


def read_filter_form(raw: str) -> FilterForm:
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
