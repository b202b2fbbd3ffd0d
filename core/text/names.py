"""Names of people and collaborations, as arXiv prints them and as readers write them: "Yann LeCun", "LeCun, Y."."""

import re
from dataclasses import dataclass

from core.text.fold import DASHES, fold

_LIGATURES = str.maketrans({"æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ß": "ss", "þ": "th", "Þ": "Th"})
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "phd", "md", "esq"})
_OF_FAMILIES = (
    "af al bin d da dal de dei del della den der des di dos du el ibn la le los st te ten ter van vom von zu zur"
)
_PARTICLES = frozenset(_OF_FAMILIES.split())
_GIVEN_NAMES_TOO = frozenset({"Bin", "Te"})  # so written these are seldom particles
_OF_GROUPS = "a and behalf by collaboration collaborations for of on the"  # words that say nothing about which
GROUP = re.compile(
    r"\s(?:alliance|collaborations?|committee|community|consorti(?:um|a)|group|initiative|network|project|survey|"
    r"task force|team)$",
    re.IGNORECASE,
)
_DASH = re.compile(f"[{DASHES}]")


@dataclass(frozen=True, slots=True)
class Name:
    """A name in comparable parts: the words of the given names, and those of the family name.

    Of a collaboration all words are in `family`, and `group` is true. A single word is a family name. Of "Jean-Paul"
    with a hyphen, `joined` is true.
    """

    given: tuple[str, ...]
    family: tuple[str, ...]
    group: bool = False
    joined: bool = False

    @property
    def last(self) -> str:
        """The last word of the family name."""
        return self.family[-1]


def parse_name(text: str) -> Name | None:
    """Read "Ada E. Example", "A. E. Example", "Example, Ada", "Example A" or "The Example Collaboration".

    None for what names no one: nothing, or "Jr." alone.
    """
    text = text.replace("_", " ").strip(' "“”')
    if GROUP.search(text):
        words = tuple(word for word in _words(text) if word not in _OF_GROUPS.split())
        return Name((), words or tuple(_words(text)), group=True)
    before, _, after = text.partition(",")
    given = _without_suffixes(_given(after))
    if given and (family := _words(before)):  # "Example, Ada", "Example, Ada, Jr."
        return Name(given, _without_suffixes(family), joined=_is_joined(after))
    tokens = [token for token in before.replace(".", " ").split() if _words(token)]
    while tokens and comparable(tokens[-1]) in _SUFFIXES:
        tokens.pop()
    if not tokens:
        return None
    at = len(tokens) - 1
    if at and len(tokens[at]) == 1:  # "Example A E", as catalogues write
        while at > 1 and len(tokens[at - 1]) == 1:
            at -= 1
        return Name(_given(" ".join(tokens[at:])), _words(" ".join(tokens[:at])))
    while at > 1 and comparable(tokens[at - 1]) in _PARTICLES and tokens[at - 1] not in _GIVEN_NAMES_TOO:
        at -= 1
    return Name(_given(" ".join(tokens[:at])), _words(" ".join(tokens[at:])), joined=_is_joined(tokens[0]))


def is_same(wanted: Name, have: Name) -> bool:
    """Whether both may be one person or collaboration: initials stand for names, and middle initials may be left out.

    Middle names in full may be left out of what is wanted, not of what a paper prints.
    """
    if wanted.group or have.group:
        orders = (*wanted.given, *wanted.family), (*wanted.family, *wanted.given)  # "Nova X" is read as a person
        return (have.group or not have.given) and any(_contains(have.family, words) for words in orders)
    if "".join((*wanted.given, *wanted.family)) == "".join(have.family):  # "von Neumann", "Garcia Marquez" alone
        return True
    words = (*have.given, *have.family)
    core = _core(wanted)
    family = core if have.family == core else wanted.family
    if words[-len(family) :] != family:
        return False
    given = words[: -len(family)]
    if not wanted.given or "".join(wanted.given) == "".join(given):
        return True
    if not given or not _PARTICLES.issuperset(have.family[: -len(family)]):  # "Marsh Quill A E" is no A. Quill
        return False
    first, *middle = wanted.given
    other, *others = given
    if not others and len(other) > 1 and middle and len(middle[0]) > 1:
        return False  # "Peng Yi" is not "Peng"
    if have.joined and not middle and len(first) > 1:
        return False  # "Peng" is not "Peng-Yi"
    return _may_be(first, other) and all(_may_be(*pair) for pair in zip(middle, others, strict=False))


def comparable(text: str) -> str:
    """`text` as the words of names are compared: folded, without apostrophes and hyphens; not as long as `text`."""
    return fold(_DASH.sub("", text).translate(_LIGATURES)).replace("'", "")


def _core(name: Name) -> tuple[str, ...]:
    """The family name without particles."""
    at = next((at for at, word in enumerate(name.family) if word not in _PARTICLES), 0)
    return name.family[at:]


def _may_be(one: str, other: str) -> bool:
    return one == other or (min(len(one), len(other)) == 1 and one[0] == other[0])


def _contains(words: tuple[str, ...], part: tuple[str, ...]) -> bool:
    return any(words[at : at + len(part)] == part for at in range(len(words) - len(part) + 1))


def _words(text: str) -> tuple[str, ...]:
    """The words of a name, "Smith-Jones" and "O’Brien" as one each."""
    return tuple(re.findall(r"[^\W_]+", comparable(text)))


def _given(text: str) -> tuple[str, ...]:
    """Given names: "Jean-Pierre" as two, and "JP" or "J.P." as two initials."""
    words: list[str] = []
    for word in re.findall(r"[^\W_]+", _DASH.sub(" ", text).replace("’", "'").replace("'", "")):
        initials = word.isupper() and len(word) <= 3
        words += tuple(map(comparable, word)) if initials else (comparable(word),)
    return tuple(words)


def _is_joined(given: str) -> bool:
    return any(re.match(r"\w{2,}-\w{2,}", _DASH.sub("-", word)) for word in given.split()[:1])


def _without_suffixes(words: tuple[str, ...]) -> tuple[str, ...]:
    while words and words[-1] in _SUFFIXES:
        words = words[:-1]
    return words


# Words of institutions and venues that people write in several ways
_SPELLINGS = {
    "lab": "labs laboratory laboratories laboratoire", "univ": "university universities universite universidad",
    "inst": "institute institutes institution institut instituto", "dept": "department departments",
    "tech": "technology technologies technological", "sci": "science sciences", "natl": "national",
    "intl": "international", "acad": "academy", "center": "centre centers centres", "eng": "engineering",
    "conf": "conference", "proc": "proceedings", "symp": "symposium", "trans": "transactions", "jour": "journal",
    "workshop": "workshops",
}  # fmt: skip
_CANONICAL = {spelling: word for word, spellings in _SPELLINGS.items() for spelling in spellings.split()}
_EMPTY = frozenset("and at co company corp corporation for inc limited llc ltd of on the".split())  # noqa: SIM905
_NAME_WORD = re.compile(r"\w\w+")
_SHORT_YEAR = re.compile(r"[’'](\d\d)\b")


def name_words(text: str) -> frozenset[str]:
    """The words that name an institution or a venue, each in one spelling: "Foo Laboratory" is "Foo Lab".

    Words that may be left out are left out. A year has both its forms: 2026 and '26.
    """
    words = {_CANONICAL.get(word, word) for word in _NAME_WORD.findall(fold(_SHORT_YEAR.sub(r" 20\1", text)))}
    return frozenset(words - _EMPTY)
