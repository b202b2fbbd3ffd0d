"""Rules in a URL: `category=cs.DC&keywords=KV cache:3,prefill&min_score=2` as a feed, and a feed as such a URL.

The names are those of feeds.toml except for `category` and `type`, which are filters of every feed. The rest of the
query are filters (`core.model.query`). As HTML forms send them, a list may be in several parameters of one name, and
empty values are ignored.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from urllib.parse import quote, unquote_plus

from core.config.feed_table import MOST_ENTRIES as MOST_A_DAY
from core.config.feed_table import read_feed
from core.model.batch import ANNOUNCE_TYPES
from core.model.categories import listed
from core.model.errors import FeedError, QueryError
from core.model.feed import MATCH_MODES, Feed
from core.model.rules import remarks
from core.text.lists import quoted, split_list

NAME = "custom"
MOST_KEYWORDS = 100
MOST_URL_CHARACTERS = 8000  # of all rules in a URL; servers and proxies refuse longer ones
_PLUSES = re.compile(r"(?<=[A-Za-z])\+\+(?![A-Za-z+])")  # "C++" in an address, where a plus is a space elsewhere
_SHOWN = 40  # characters of a value that is wrong


class Rule(NamedTuple):
    """A parameter that sets a field of a feed: its description, and an example.

    `expected` describes the allowed values; if it is empty, the configuration's own message is used.
    """

    field: str
    label: str
    about: str
    example: str
    expected: str = ""
    many: bool = False  # a list: it may come in several parameters


RULES = {
    "category": Rule(
        "categories",
        "Categories",
        "categories, separated by commas; archives stand for all of theirs",
        "cs.DC,cs.LG",
        many=True,
    ),
    "type": Rule(
        "announce_types",
        "Announcements",
        "announce types, separated by commas",
        "new,cross",
        f"some of {', '.join(ANNOUNCE_TYPES)}",
        many=True,
    ),
    "keywords": Rule(
        "keywords",
        "Keywords",
        "keywords with weights, separated by commas",
        "KV cache:3,prefill,ti:memory:2",
        many=True,
    ),
    "exclude": Rule(
        "exclude",
        "Words that keep a paper out",
        "words that keep a paper out, separated by commas",
        "survey",
        many=True,
    ),
    "match": Rule(
        "match",
        "How words are found",
        "how keywords match: word, substring or regex",
        "word",
        f"one of {', '.join(MATCH_MODES)}",
    ),
    "title_bonus": Rule(
        "title_bonus", "Title bonus", "the share of a weight that is added in titles", "0.5", "a number from 0 to 10"
    ),
    "min_score": Rule("min_score", "Least score", "the least score that is shown", "2", "a number from -1000 to 1000"),
    "max_entries": Rule(
        "max_entries", "Most entries a day", "the most entries a day", "20", f"a whole number from 0 to {MOST_A_DAY}"
    ),
    "name": Rule("title", "Title", "the title of the feed", "Caches", "a title of up to 300 characters"),
}
_PARAMETERS = {rule.field: parameter for parameter, rule in RULES.items()}
USUAL = Feed(NAME, "Custom feed", max_entries=50)  # what the rules do not say


@dataclass(frozen=True, slots=True)
class Custom:
    """A feed whose rules are in a request, and the rest of the query: its filters, still encoded."""

    feed: Feed
    filters: str


def read_custom(raw: str) -> Custom:
    """Returns the feed that a raw, still encoded query describes.

    Raises `QueryError` for the first invalid rule.
    """
    rules, filters = split_rules(raw)
    for name, values in rules.items():
        if len(values) > 1 and not RULES[name].many:
            raise QueryError(f"{name}={values[1]}", f"{name} takes one value, once", (f"{name}=",))
    feed, problems = read_rules(joined(rules))
    if feed is None:
        name, message = next(iter(problems.items()))
        raise QueryError(f"{name}={','.join(rules.get(name, ()))}", message)
    return Custom(feed, filters)


def not_fetched(categories: Iterable[str], fetched: tuple[str, ...]) -> list[str]:
    """Returns those of the `categories` that are neither `fetched` nor in a fetched archive."""
    return [name for name in categories if not listed(name, fetched)]


def split_rules(raw: str) -> tuple[dict[str, list[str]], str]:
    """Split a raw, still encoded query into its rules (parameter → values as sent) and its filters, still encoded."""
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
    """Returns one text for each parameter: the lines of a list, or the last of several values."""
    return {
        name: "\n".join(filter(str.strip, values)) if RULES[name].many else next(reversed(tuple(values)), "")
        for name, values in rules.items()
    }


def read_rules(
    rules: Mapping[str, str],
    *,
    most_keywords: int = MOST_KEYWORDS,
    source: str = USUAL.source,
    urls: Sequence[str] = (),
) -> tuple[Feed | None, dict[str, str]]:
    """Returns the feed that `rules` (parameter → value as text) describe, or None, and the problems by parameter.

    Its name has a fingerprint of the rules, because names are in the ids of entries: a reader that has two such feeds
    must not take them for one. What does not come from a URL may have more than the `most_keywords` of one, be longer,
    and have another `source`, with its `urls`.
    """
    problems = _too_long(rules) if most_keywords <= MOST_KEYWORDS else {}
    plain: dict[str, Any] = {
        "title": USUAL.title,
        "max_entries": USUAL.max_entries,
        "source": source,
        "urls": list(urls),
    }
    for name, value in rules.items():
        if not value.strip() or name in problems:
            continue
        try:
            plain[RULES[name].field] = _read(name, value, rules.get("match", "").strip() or USUAL.match)
        except ValueError as error:
            problems[name] = str(error)
    if not plain.get("categories") and "category" not in problems and source == "arxiv":
        problems["category"] = "at least one category is needed"
    try:
        feed = read_feed(NAME, plain)
    except FeedError as error:
        return None, _explained(error, rules) | problems
    problems = _mistakes(feed) | problems
    if len(feed.keywords) > most_keywords:
        problems["keywords"] = f"{len(feed.keywords)} keywords are too many; up to {most_keywords} are possible here"
    return (None, problems) if problems else (named(feed), {})


def named(feed: Feed) -> Feed:
    """Returns the feed with the name that rules in a URL give it."""
    return replace(feed, name=f"{NAME}-{feed.scoring_fingerprint[:8]}")


def write_rules(feed: Feed) -> str:
    """The query, encoded, that `read_custom` reads as this feed."""
    return "&".join(f"{name}={quote(value, safe=',:/')}" for name, value in rules_of(feed).items())


def rules_of(feed: Feed) -> dict[str, str]:
    """A feed's rules as the texts of parameters, without those that are as usual."""
    usual = replace(USUAL, min_score=feed.usual_min_score)
    changed = {name for name, rule in RULES.items() if getattr(feed, rule.field) != getattr(usual, rule.field)}
    return {name: text for name, text in texts_of(feed).items() if name in changed}


def texts_of(feed: Feed, *, between: str = ",") -> dict[str, str]:
    """All rules of a feed as the texts of parameters; the parts of lists are `between` commas or line breaks."""
    plain = feed.to_plain()
    return {
        name: _written(plain[rule.field], between, rules=has_rules(name, feed.match)) for name, rule in RULES.items()
    }


def _written(value: Any, between: str, *, rules: bool) -> str:
    if isinstance(value, Mapping):
        value = tuple(map(_written_keyword, value, value.values()))
    if isinstance(value, tuple):
        return between.join(quoted(part, rules=rules) for part in value)
    return _number(value) if isinstance(value, float) else str(value)


def _rule(token: str) -> tuple[str, str]:
    """The rule that a token of the query is, or empty texts."""
    name, equals, value = unquote_plus(_PLUSES.sub("%2B%2B", token)).partition("=")
    return (name.strip(), value) if equals and name.strip() in RULES else ("", "")


def _too_long(rules: Mapping[str, str]) -> dict[str, str]:
    length = sum(map(len, rules.values()))
    if length <= MOST_URL_CHARACTERS:
        return {}
    longest = max(rules, key=lambda name: len(rules[name]))
    return {longest: f"together the rules have {length:,} characters; a URL takes up to {MOST_URL_CHARACTERS:,}"}


def _explained(error: FeedError, rules: Mapping[str, str]) -> dict[str, str]:
    problems = {_PARAMETERS.get(key, key): message for key, message in error.by_key.items()}
    expected = {name: rule.expected for name, rule in RULES.items() if rule.expected}
    return {n: _not_expected(expected[n], rules[n]) if n in expected else text for n, text in problems.items()}


def _not_expected(expected: str, value: str) -> str:
    shown = " ".join(value.split())
    return f"{shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '…'!r} is not {expected}"


def _mistakes(feed: Feed) -> dict[str, str]:
    """By parameter the first rule that is probably not intended, and how to mend it."""
    written = {"keywords": feed.labels, "exclude": feed.exclude}
    found = {
        name: [f"{rule!r}: {remark.text}" for rule in rules for remark in remarks(rule, feed.match) if not remark.hint]
        for name, rules in written.items()
    }
    return {name: mistakes[0] for name, mistakes in found.items() if mistakes}


def _read(name: str, value: str, match: str) -> Any:
    if not RULES[name].many:
        return value.strip()
    parts = split_list(value, rules=has_rules(name, match))
    return _read_keywords(parts) if name == "keywords" else parts


def has_rules(name: str, match: str) -> bool:
    """Whether the parts of a parameter are rules in which quotes have a meaning."""
    return match == "word" and name in ("keywords", "exclude")


def _read_keywords(parts: Iterable[str]) -> dict[str, float]:
    keywords: dict[str, float] = {}
    for text, weight in map(_read_keyword, parts):
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
        return text
    # The weight of a keyword "hf" must not be taken for a number of upvotes
    return f"{text}:{weight!r}" if text == "hf" else f"{text}:{_number(weight)}"


def _number(value: float) -> str:
    """The shortest text that is read as `value`."""
    return str(int(value)) if value.is_integer() else repr(value)
