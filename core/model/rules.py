"""The grammar of rules: keywords and exclude words as their owner writes them.

    KV cache              the words, whole, in title or abstract, in the singular and the plural
    "KV cache"            the words as they stand, without plural; words with two capitals only in these capitals
    quantiz*              words that begin so
    ti:cache  title:cache in the title only; abs: in the abstract, au: an author, cat: a category, hf:20 upvotes
    A AND B, A OR B, A AND NOT B, (A OR B) AND C

Prefixes hold in every mode of matching; all else is the grammar of `match = "word"`. A rule is a disjunction of
conjunctions of terms: it is found where all terms of one of its alternatives are.
"""

import re
import unicodedata
from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from core.text.english import WordForm, spellings
from core.text.fold import fold
from core.text.names import Name, parse_name

PREFIXES = {
    "ti": "title",
    "abs": "abstract",
    "au": "authors",
    "cat": "categories",
    "hf": "upvotes",
    "title": "title",
    "abstract": "abstract",
    "author": "authors",
    "category": "categories",
}
_MOST_ALTERNATIVES = 64
_SHORTEST_START = 3  # letters before a star; "A*" and "C*-algebra" are words of their own
_QUOTES = str.maketrans("“”„«»", '"' * 5)  # keyboards of phones make these
_PREFIX = re.compile(r"\s*([A-Za-z]+)\s*:\s*(.*)", re.DOTALL)
_TOKEN = re.compile(r'"[^"]*"|[()]|(?<![^\s(])(?:AND|OR|NOT|ANDNOT)(?![^\s()])|\s+|[^\s()"]+|"')
_OPERATORS = ("AND", "OR", "NOT")


class RuleError(ValueError):
    """A rule that has no meaning in the grammar."""


class Term(NamedTuple):
    """What has to be found, in the field of a paper: "" is the title or the abstract.

    `literal`: as it stands. `open`: words that begin so. `negated`: it must not be found.
    """

    text: str
    field: str = ""
    literal: bool = False
    open: bool = False
    negated: bool = False


Alternatives = tuple[tuple[Term, ...], ...]


@lru_cache(maxsize=4096)
def read_rule(written: str, match: str = "word") -> Alternatives:
    """The alternatives of a rule, each a conjunction of terms. Raises `RuleError` for what has no meaning."""
    if match != "word":
        field, text = split_prefix(written)
        return ((Term(text, field),),)
    tokens = _tokens(written)
    if not any(token in _OPERATORS for token in tokens):
        return ((_term("".join(tokens), ""),),)
    parser = _Parser(_joined(tokens))
    found = parser.either("")
    if parser.rest:
        raise RuleError(f"{parser.rest[0]!r} is left over")
    if any(all(term.negated for term in terms) for terms in found):
        raise RuleError("NOT alone finds every other paper; say what to look for, too")
    return found


def parse_rule(written: str, match: str = "word") -> Alternatives:
    """The same; what has no meaning is looked for as it stands."""
    try:
        return read_rule(written, match)
    except RuleError:
        field, text = split_prefix(written)
        return ((Term(text, field),),)


def _tokens(written: str) -> list[str]:
    found = _TOKEN.findall(written.translate(_QUOTES).strip())
    return [
        part for one in found for part in (("AND", "NOT") if one == "ANDNOT" else (" ",) if one.isspace() else (one,))
    ]


def _joined(tokens: list[str]) -> list[str]:
    """Operators, parentheses and, between these, the texts of terms."""
    out: list[str] = []
    signs = (*_OPERATORS, "(", ")")
    for one in tokens:
        if one not in signs and out and out[-1] not in signs:
            out[-1] += one
        elif one != " ":
            out.append(one)
    return [one.strip() for one in out]


class _Parser:
    """A parser by recursive descent: OR binds less than AND, AND less than NOT and parentheses."""

    def __init__(self, tokens: list[str]) -> None:
        self.rest = tokens

    def _take(self, *tokens: str) -> bool:
        if self.rest and self.rest[0] in tokens:
            del self.rest[0]
            return True
        return False

    def either(self, field: str) -> Alternatives:
        found = self._all(field)
        while self._take("OR"):
            found += self._all(field)
        return found

    def _all(self, field: str) -> Alternatives:
        found = self._one(field)
        while self._take("AND") or self.rest[:1] == ["NOT"]:
            pairs = product(found, self._one(field))
            found = tuple(tuple(dict.fromkeys((*one, *other))) for one, other in pairs)
            if len(found) > _MOST_ALTERNATIVES:
                raise RuleError(f"it has more than {_MOST_ALTERNATIVES} alternatives; make several rules of it")
        return found

    def _one(self, field: str) -> Alternatives:
        if self._take("NOT"):
            return tuple(
                tuple(term._replace(negated=not term.negated) for term in terms) for terms in product(*self._one(field))
            )
        if self._take("("):
            found = self.either(field)
            if not self._take(")"):
                raise RuleError("a parenthesis is not closed")
            return found
        if not self.rest or self.rest[0] in (*_OPERATORS, ")"):
            raise RuleError("AND, OR and NOT stand between words; in quotes they are words themselves")
        text = self.rest.pop(0)
        inner, nothing = split_prefix(text)
        if inner and not nothing and self.rest[:1] == ["("]:
            return self._one(inner)
        return ((_term(text, field),),)


def split_prefix(text: str) -> tuple[str, str]:
    """The field that a known prefix names, and what is behind it; or "" and all."""
    match = _PREFIX.fullmatch(text)
    if match and (field := PREFIXES.get(match[1].lower())):
        return field, match[2].strip()
    return "", text.strip()


def _term(written: str, field: str) -> Term:
    own, text = split_prefix(written)
    field = own or field
    inner = text[1:-1].strip() if re.fullmatch(r'"[^"]*"', text) else None
    if field in ("authors", "categories", "upvotes"):
        text = text if inner is None else inner
        return Term(text.removesuffix(".*") if field == "categories" else text, field)
    if inner is not None:
        return Term(inner, field, literal=True)
    if text.endswith("*") and re.search(rf"\w{{{_SHORTEST_START},}}\*$", text):
        return Term(text[:-1], field, open=True)
    return Term(text, field)


def identity(alternatives: Alternatives) -> object:
    """What makes two rules the same: "KV-cache" and "kv cache" are one, "LLM" and "ti:LLM" are two."""
    return tuple(
        tuple(term._replace(text=term.text if term.literal else " ".join(fold(term.text).split())) for term in terms)
        for terms in alternatives
    )


# -- what is probably not intended


class Remark(NamedTuple):
    """What is to be said about a rule. A `hint` may be ignored; anything else is most likely a mistake."""

    text: str
    hint: bool = False


_WIDE = str.maketrans("：，；、（）「」『』＂＊｜［］", ":,,,()" + '"' * 5 + "*|[]")
# Marks of other tools' notations, in what stands outside of quotes: pattern, and how to write it here
_NOTATIONS = [
    (re.compile(pattern), mend)
    for pattern, mend in (
        (r"&&|\|\||\s[&|]\s|\w\|\w", "write AND or OR in the place of & and |"),
        (r"^\s*[+!-]\s*[A-Za-z]", "a sign before a word has no meaning; list what keeps papers out under exclude"),
        (r"^\s*:", "nothing stands before the colon"),
        (r"^\s*@", "authors are written with the prefix au:"),
        (r"^\s*#\w", "there are no tags; leave out the #"),
        (r"\\[A-Za-z.]|\.[*+?]|\(\?|^\s*\^|\$\s*$|^/.+/\w*$|\[\S+\]", 'regular expressions need match = "regex"'),
        (r"\w\?|\?\w", "a question mark stands for itself; * at the end stands for any letters"),
        (r"^\s*\*|\s\*\w|\w\w\*\S|\w\w\*\s+\S|\b\w\w\*\s*$", "a star stands at the end, behind three letters or more"),
        (r"\w\s*[\^=]\s*[\d.]+\s*$|~\d*\s*$", 'weights: "KV cache" = 3 in feeds.toml, KV cache:3 in an address'),
        (r"(?i)^\s*(?:ti|abs|au|cat|title|abstract|authors?|categor\w+)\s*[=~]", "a prefix ends with a colon: ti:"),
        (r"^\s*['‘].*['’]\s*$", 'only double quotes make words literal: "KV cache"'),
    )
]  # fmt: skip
_COLON = re.compile(r"(?<=[^\W\d])\s*:(?![:/])\s*(\S*)")


def remarks(written: str, match: str = "word") -> list[Remark]:
    """What is probably not intended in a rule, with the mend."""
    if any(unicodedata.category(char) == "Cf" for char in written):
        return [Remark("it contains invisible characters; type it again")]
    if match != "word":
        return list(_remarks_elsewhere(written, match))
    try:
        alternatives = read_rule(written)
    except RuleError as error:
        return [Remark(str(error))]
    found: list[Remark] = []
    for term in dict.fromkeys(term for terms in alternatives for term in terms):
        found += _remarks_on_name(term.text) if term.field == "authors" else _remarks_on_words(term)
    return list(dict.fromkeys(found))


def _remarks_on_words(term: Term) -> Iterator[Remark]:
    if term.literal or term.field in ("categories", "upvotes"):
        return
    text = term.text
    if '"' in text:
        yield Remark('quotes are around all of a rule or of a part of AND and OR: "KV cache"', hint=True)
    if sum(map(text.count, "([")) != sum(map(text.count, ")]")):  # [0, 1) is an interval
        yield Remark(f'a parenthesis stands alone; leave it out, or look for the words as they stand: "{text}"')
    if (plain := text.translate(_WIDE)) != text:
        yield Remark(f"it holds full-width signs; in ASCII it is {plain}")
    for pattern, mend in _NOTATIONS:
        if pattern.search(text + "*" * term.open):
            yield Remark(mend)
    if colon := _COLON.search(text):
        yield Remark(_about_colon(text[: colon.start()].strip(), colon[1]))
    if sign := re.search(r"([,;])\s*\S", text):
        yield Remark("the words are looked for with what is between them; or make several rules", hint=sign[1] == ",")
    if operator := re.search(r"\s(and|or|not)\s", text):
        yield Remark(f"{operator[1]!r} is a word here; {operator[1].upper()} is the operator", hint=True)


def _about_colon(before: str, after: str) -> str:
    if not after:
        return f"nothing stands behind the colon; write {before}, or {before}:2 with a weight in an address"
    if re.fullmatch(r"[-+]?[\d.]+", after):
        return f'a weight is no part of the rule; in feeds.toml write "{before}" = {after}'
    near = get_close_matches(before.lower(), PREFIXES, 1)
    hint = f", such as {near[0]}:" if near else ""
    return (
        f"{before}: is no prefix, and {after} no weight; there are {', '.join(f'{p}:' for p in PREFIXES)}"
        f"{hint and f' (near it: {near[0]}:)'}. In quotes the colon is looked for, too"
    )


def _remarks_on_name(text: str) -> Iterator[Remark]:
    name = parse_name(text)
    if name is None or not any(len(word) > 1 for word in (*name.given, *name.family)):
        yield Remark("a family name is needed: au:LeCun, au:Y. LeCun, au:LeCun, Yann")
    if re.search(r"[*?\"：，；]", text):
        yield Remark("names are looked for as they are, whole; initials may stand for given names")
    if re.search(r"(?i)\bet al\b|[;&]|\band\b", text):
        yield Remark("a rule names one author; write one for each, or au:… OR au:…")


def _remarks_elsewhere(written: str, match: str) -> Iterator[Remark]:
    if re.search(r"\s(AND|OR|NOT)\s", written):
        yield Remark('AND, OR and NOT are operators where match = "word"; here they are looked for')
    if re.fullmatch(r'\s*".*"\s*', written):
        yield Remark('quotes make words literal where match = "word"; here they are looked for')
    if match == "substring" and re.search(r"\w\*\s*$|\\[A-Za-z]", written):
        yield Remark("letters are found everywhere, inside of words, too; leave out what stands for any of them")


# -- how it is understood

_SHOWN = 3  # spellings
_PLACES = {"": "in title or abstract", "title": "in the title", "abstract": "in the abstract"}


def explain(written: str, match: str = "word") -> str:
    """How a rule is understood, in words; of one that is a single term with the other spellings that it finds."""
    alternatives = parse_rule(written, match)
    single = len(alternatives) == len(alternatives[0]) == 1
    return "; or ".join(
        " and ".join(_explained(term, match, spelled=single) for term in terms) for terms in alternatives
    )


def _explained(term: Term, match: str, *, spelled: bool) -> str:
    return ("not: " if term.negated else "") + _positive(term, match, spelled=spelled)


def _positive(term: Term, match: str, *, spelled: bool) -> str:
    if term.field == "upvotes":
        return f"{term.text} or more upvotes on Hugging Face"
    if term.field == "categories" and match == "word":
        return f"in the category or archive {term.text}"
    if term.field == "authors" and match == "word":
        return _explained_name(parse_name(term.text), term.text)
    place = _PLACES.get(term.field, f"in the {term.field}")
    if match != "word":
        kind = "the regular expression" if match == "regex" else "the letters"
        return f"{kind} {term.text} {place}"
    if term.literal:
        return f"exactly “{term.text}” {place}"
    if term.open:
        return f"words that begin with “{term.text}” {place}"
    made = spellings(term.text) if spelled else {fold(term.text): WordForm.PLAIN}
    first, *others = made
    shown = [f"{word} (with a hyphen)" if made[word] is WordForm.HYPHENATED else word for word in others[:_SHOWN]]
    more = ", …" if len(others) > _SHOWN else ""
    return f"“{first}”" + (f" (also {', '.join(shown)}{more})" if shown else "") + f" {place}"


def _explained_name(name: Name | None, text: str) -> str:
    if name is None:
        return f"an author {text}"
    family = " ".join(name.family)
    if name.group:
        return f"the collaboration {family}"
    return f"an author {' '.join(name.given)} {family}, initials alike" if name.given else f"an author named {family}"
