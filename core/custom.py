"""Rules in a URL: `category=cs.DC&keywords=KV cache:3,prefill&min_score=2` as a feed, and a feed as such a URL.

The names are those of feeds.toml but for `category` and `type`, which are filters of every feed already. Whatever else
is in the query are filters as everywhere (`core.domain.query`).
"""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote_plus

from pydantic import ValidationError

from core.config import FeedModel, explain_feed
from core.domain.errors import QueryError
from core.domain.feed import Feed
from core.domain.paper import listed

NAME = "custom"
MOST_KEYWORDS = 100
MOST_ENTRIES = 50  # a day, where the rules do not say
# parameter → key of feeds.toml
RULES = {
    "category": "categories",
    "type": "announce_types",
    "keywords": "keywords",
    "exclude": "exclude",
    "match": "match",
    "title_bonus": "title_bonus",
    "min_score": "min_score",
    "max_entries": "max_entries",
    "name": "title",
}
_PARAMETERS = {key: parameter for parameter, key in RULES.items()}
_LISTS = ("categories", "announce_types", "exclude")


@dataclass(frozen=True, slots=True)
class Custom:
    """A feed whose rules came with a request, and the rest of the query: its filters, still encoded."""

    feed: Feed
    filters: str


def read_custom(raw: str) -> Custom:
    """The feed that a raw, still encoded query describes.

    Raises `QueryError` for the first rule that is wrong.
    """
    tokens = [token for token in raw.split("&") if token]
    rules: dict[str, str] = {}
    filters = []
    for token in tokens:
        name, value = _rule(token)
        if name in rules:
            raise QueryError(token, f"{name} takes one value, once", (f"{name}=",))
        if name:
            rules[name] = value
        else:
            filters.append(token)
    model, problems = read_rules(rules)
    if model is None:
        name, message = next(iter(problems.items()))
        raise QueryError(f"{name}={rules.get(name, '')}", message)
    # Its name is in the ids of its entries: a reader that has two such feeds must not take them for one
    return Custom(model.to_feed(f"{NAME}-{model.to_feed(NAME).scoring_fingerprint[:8]}"), "&".join(filters))


def check_fetched(feed: Feed, fetched: tuple[str, ...]) -> None:
    """Raise `QueryError` if a category of `feed` is not among those of which there is something."""
    if unknown := [name for name in feed.categories if not listed(name, fetched)]:
        raise QueryError(f"category={','.join(feed.categories)}", f"{unknown[0]} is not fetched here", fetched)


def read_rules(rules: Mapping[str, str]) -> tuple[FeedModel | None, dict[str, str]]:
    """The feed that `rules` (parameter → value as text) describe; or None, and what is wrong, by parameter."""
    problems: dict[str, str] = {}
    plain: dict[str, Any] = {"title": "Custom feed", "max_entries": MOST_ENTRIES}
    for name, value in rules.items():
        if not value.strip():
            continue
        try:
            plain[RULES[name]] = _read(RULES[name], value)
        except ValueError as error:
            problems[name] = str(error)
    if "categories" not in plain and "category" not in problems:
        problems["category"] = "at least one category is needed"
    try:
        model = FeedModel.model_validate(plain)
    except ValidationError as error:
        return None, {_PARAMETERS.get(key, key): message for key, message in explain_feed(error).items()} | problems
    if len(model.keywords) > MOST_KEYWORDS:
        problems["keywords"] = f"{len(model.keywords)} keywords are too many; up to {MOST_KEYWORDS} can be in a URL"
    return (None, problems) if problems else (model, {})


def write_rules(feed: Feed | FeedModel) -> str:
    """The query, encoded, that `read_custom` reads as this feed."""
    model = feed if isinstance(feed, FeedModel) else model_of(feed)
    return "&".join(
        f"{name}={quote(value, safe=',: /')}".replace(" ", "%20") for name, value in rules_of(model).items()
    )


def rules_of(model: FeedModel) -> dict[str, str]:
    """A feed's rules as the texts of parameters, without what is as by default."""
    plain = model.model_dump(mode="json")
    defaults = {key: field.default for key, field in FeedModel.model_fields.items()} | {"max_entries": MOST_ENTRIES}
    values = {name: plain[key] for name, key in RULES.items() if plain[key] != defaults[key]}
    return {name: _written(RULES[name], value) for name, value in values.items()}


def model_of(feed: Feed) -> FeedModel:
    """A feed as it would be configured."""
    return FeedModel(
        title=feed.title,
        description=feed.description,
        categories=list(feed.categories),
        announce_types=list(feed.announce_types),
        match=feed.match,
        title_bonus=feed.title_bonus,
        min_score=feed.min_score,
        max_entries=feed.max_entries,
        keywords={keyword.label: keyword.weight for keyword in feed.keywords},
        exclude=list(feed.exclude),
    )


def _rule(token: str) -> tuple[str, str]:
    """The rule that a token of the query is, or empty texts."""
    name, equals, value = unquote_plus(token).partition("=")
    return (name.strip(), value) if equals and name.strip() in RULES else ("", "")


def _read(key: str, value: str) -> Any:
    if key == "keywords":
        return dict(map(_read_keyword, _split(value)))
    return _split(value) if key in _LISTS else value.strip()


def _split(value: str) -> list[str]:
    """The parts between commas and line breaks; a part in double quotes may have commas."""
    rows = csv.reader(value.splitlines(), skipinitialspace=True)
    try:
        return list(dict.fromkeys(part.strip() for row in rows for part in row if part.strip()))
    except csv.Error as error:
        raise ValueError(f"cannot be read: {error}") from None


def _read_keyword(written: str) -> tuple[str, float]:
    """ "KV cache:3" and "ti:quantization:2"; without a number the weight is 1."""
    text, colon, weight = written.rpartition(":")
    try:
        number = float(weight)
    except ValueError:
        return written, 1.0
    if not (colon and text.strip()) or math.isnan(number):
        return written, 1.0
    return text.strip(), number


def _written(key: str, value: Any) -> str:
    if key == "keywords":
        return ",".join(map(_written_keyword, value, value.values()))
    if key in _LISTS:
        return ",".join(map(_quoted, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _written_keyword(text: str, weight: float) -> str:
    is_plain = weight == 1 and _read_keyword(text)[0] == text
    return _quoted(text if is_plain else f"{text}:{weight:g}")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if "," in text or '"' in text else text
