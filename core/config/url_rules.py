"""Rules in a URL: `category=cs.DC&keywords=KV cache:3,prefill&min_score=2` as a feed, and a feed as such a URL.

The names are those of feeds.toml but for `category` and `type`, which are filters of every feed already. Whatever else
is in the query are filters as everywhere (`core.model.query`). Lists may also come in several parameters of one name,
and empty values count as none: so a form of HTML sends them.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote_plus

from pydantic import ValidationError

from core.config.feeds_file import MOST_ENTRIES as MOST_A_DAY
from core.config.feeds_file import FeedModel, explain_feed
from core.model.batch import ANNOUNCE_TYPES
from core.model.errors import QueryError
from core.model.feed import MATCH_MODES, Feed
from core.model.paper import listed
from core.text.lists import quoted, split_list

NAME = "custom"
TITLE = "Custom feed"  # where the rules do not say
MOST_KEYWORDS = 100
MOST_CHARACTERS = 8000  # of all rules in a URL; servers and proxies take no longer ones
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
LISTS = ("category", "type", "keywords", "exclude")
_PARAMETERS = {key: parameter for parameter, key in RULES.items()}
# What else there is to say of a value that is wrong, is said by the configuration
_EXPECTED = {
    "type": f"some of {', '.join(ANNOUNCE_TYPES)}",
    "match": f"one of {', '.join(MATCH_MODES)}",
    "title_bonus": "a number from 0 to 10",
    "min_score": "a number from -1000 to 1000",
    "max_entries": f"a whole number from 0 to {MOST_A_DAY}",
    "name": "a title of up to 300 characters",
}
_SHOWN = 40  # characters of a value that is wrong


@dataclass(frozen=True, slots=True)
class Custom:
    """A feed whose rules came with a request, and the rest of the query: its filters, still encoded."""

    feed: Feed
    filters: str


def read_custom(raw: str) -> Custom:
    """The feed that a raw, still encoded query describes.

    Raises `QueryError` for the first rule that is wrong.
    """
    rules, filters = split_rules(raw)
    for name, values in rules.items():
        if len(values) > 1 and name not in LISTS:
            raise QueryError(f"{name}={values[1]}", f"{name} takes one value, once", (f"{name}=",))
    model, problems = read_rules(joined(rules))
    if model is None:
        name, message = next(iter(problems.items()))
        raise QueryError(f"{name}={','.join(rules.get(name, ()))}", message)
    return Custom(custom_feed(model), filters)


def custom_feed(model: FeedModel) -> Feed:
    """The feed of rules that came with a request.

    Its name is in the ids of its entries: a reader that has two such feeds must not take them for one.
    """
    return model.to_feed(f"{NAME}-{model.to_feed(NAME).scoring_fingerprint[:8]}")


def check_fetched(feed: Feed, fetched: tuple[str, ...]) -> None:
    """Raise `QueryError` if a category of `feed` is not among those of which there is something."""
    if unknown := not_fetched(feed.categories, fetched):
        raise QueryError(f"category={','.join(feed.categories)}", f"{unknown[0]} is not fetched here", fetched)


def not_fetched(categories: Iterable[str], fetched: tuple[str, ...]) -> list[str]:
    """Those of the `categories` that neither are among those `fetched` nor belong to a fetched archive."""
    return [name for name in categories if not listed(name, fetched)]


def split_rules(raw: str) -> tuple[dict[str, list[str]], str]:
    """A raw, still encoded query as its rules (parameter → values as they were sent) and its filters, still encoded."""
    rules: dict[str, list[str]] = {}
    filters = []
    for token in filter(None, raw.split("&")):
        name, value = _rule(token)
        if name:
            rules.setdefault(name, []).append(value)
        else:
            filters.append(token)
    return rules, "&".join(filters)


def joined(rules: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """One text for each parameter: the lines of a list, or the last of several values."""
    return {
        name: "\n".join(filter(str.strip, values)) if name in LISTS else next(reversed(tuple(values)), "")
        for name, values in rules.items()
    }


def read_rules(
    rules: Mapping[str, str], *, most_keywords: int = MOST_KEYWORDS, source: str = "arxiv"
) -> tuple[FeedModel | None, dict[str, str]]:
    """The feed that `rules` (parameter → value as text) describe; or None, and what is wrong, by parameter.

    What does not come from a URL may have more than the `most_keywords` of one, be longer, and have another `source`.
    """
    problems = _too_long(rules) if most_keywords <= MOST_KEYWORDS else {}
    plain: dict[str, Any] = {"title": TITLE, "max_entries": MOST_ENTRIES, "source": source}
    for name, value in rules.items():
        if not value.strip() or name in problems:
            continue
        try:
            plain[RULES[name]] = _read(name, value)
        except ValueError as error:
            problems[name] = str(error)
    if not plain.get("categories") and "category" not in problems and source == "arxiv":
        problems["category"] = "at least one category is needed"
    try:
        model = FeedModel.model_validate(plain)
    except ValidationError as error:
        return None, _explained(error, rules) | problems
    if len(model.keywords) > most_keywords:
        problems["keywords"] = f"{len(model.keywords)} keywords are too many; up to {most_keywords} are possible here"
    return (None, problems) if problems else (model, {})


def write_rules(feed: Feed | FeedModel) -> str:
    """The query, encoded, that `read_custom` reads as this feed."""
    model = feed if isinstance(feed, FeedModel) else model_of(feed)
    return "&".join(f"{name}={quote(value, safe=',:/')}" for name, value in rules_of(model).items())


def rules_of(model: FeedModel) -> dict[str, str]:
    """A feed's rules as the texts of parameters, without what is as by default."""
    plain = model.model_dump(mode="json")
    defaults = {key: field.default for key, field in FeedModel.model_fields.items()}
    defaults |= {"max_entries": MOST_ENTRIES, "title": TITLE}
    values = {name: plain[key] for name, key in RULES.items() if plain[key] != defaults[key]}
    return {name: written(name, value) for name, value in values.items()}


def written(name: str, value: Any, *, between: str = ",") -> str:
    """The text of a parameter; the parts of lists are `between` commas or line breaks."""
    if name == "keywords":
        return between.join(map(_written_keyword, value, value.values()))
    if name in LISTS:
        return between.join(map(quoted, value))
    return _number(value) if isinstance(value, float) else str(value)


def model_of(feed: Feed) -> FeedModel:
    """A feed as it would be configured."""
    return FeedModel(
        title=feed.title,
        description=feed.description,
        source=feed.source,
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


def _too_long(rules: Mapping[str, str]) -> dict[str, str]:
    length = sum(map(len, rules.values()))
    if length <= MOST_CHARACTERS:
        return {}
    longest = max(rules, key=lambda name: len(rules[name]))
    return {longest: f"together the rules have {length:,} characters; a URL takes up to {MOST_CHARACTERS:,}"}


def _explained(error: ValidationError, rules: Mapping[str, str]) -> dict[str, str]:
    problems = {_PARAMETERS.get(key, key): message for key, message in explain_feed(error).items()}
    return {name: _not_expected(name, rules[name]) if name in _EXPECTED else text for name, text in problems.items()}


def _not_expected(name: str, value: str) -> str:
    shown = " ".join(value.split())
    return f"{shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '…'!r} is not {_EXPECTED[name]}"


def _read(name: str, value: str) -> Any:
    if name == "keywords":
        return _read_keywords(value)
    return split_list(value) if name in LISTS else value.strip()


def _read_keywords(value: str) -> dict[str, float]:
    keywords: dict[str, float] = {}
    for text, weight in map(_read_keyword, split_list(value)):
        if keywords.setdefault(text, weight) != weight:
            raise ValueError(f"{text!r} is listed twice, with the weights {keywords[text]:g} and {weight:g}")
    return keywords


def _read_keyword(part: str) -> tuple[str, float]:
    """ "KV cache:3" and "ti:quantization:2"; without a number the weight is 1. That of "hf:20" is no weight."""
    text, colon, weight = part.rpartition(":")
    try:
        number = float(weight)
    except ValueError:
        return part, 1.0
    if not (colon and text.strip()) or math.isnan(number) or (text.strip() == "hf" and weight.strip().isdigit()):
        return part, 1.0
    return text.strip(), number


def _written_keyword(text: str, weight: float) -> str:
    if weight == 1 and _read_keyword(text) == (text, 1):
        return quoted(text)
    # The weight of a keyword "hf" must not be taken for a number of upvotes
    return quoted(f"{text}:{weight!r}" if text == "hf" else f"{text}:{_number(weight)}")


def _number(value: float) -> str:
    """The shortest text that is read as `value`."""
    return str(int(value)) if value.is_integer() else repr(value)
