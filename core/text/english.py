"""English words in their plural and singular, and in the spellings that readers expect to be one.

Everything here works on folded text (`core.text.fold`): lower case, hyphens as spaces. A word that is left alone costs
a reader a paper; a word that is inflected wrongly costs a hundred strangers. So the rules are tables, and what the
tables do not know is inflected regularly or not at all.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from functools import lru_cache
from itertools import pairwise

from core.text.fold import DASHES, fold


class WordForm(Enum):
    """How a spelling was made from what was written, and so what a text has to look like to match it."""

    PLAIN = "as written"
    INFLECTED = "plural or singular"  # not a word in capitals: "AIDS" is no plural of "aid"
    ACRONYM = "plural of an acronym"  # "GANs", not "GANS" or "Gans"; "arcs" are no plural of "ARC"
    CAPITALS = "an acronym without its plural's s"  # "CHO", not "Cho"
    HYPHENATED = "with a hyphen"  # "3-D" and "over-fitting", not "3 D" and "over fitting"


def _table(words: str) -> tuple[str, ...]:
    return tuple(words.split())


# Words in -s that are no plural of what is left without the s, or seldom mean that
INVARIABLE = frozenset(
    _table("""
    news means series species mars lens gas bias atlas canvas alias pancreas sapiens siemens athens texas kansas
    arkansas vegas honduras christmas whereas overseas perhaps always besides thanks chaos cosmos ethos pathos asbestos
    bayes stokes kubernetes diabetes rabies herpes james thomas angeles naples odds goods commons customs securities
    humanities headquarters proceedings does goes
    """)
)
# Of the words in -ics these are plurals; the others name a field or a quality: dynamics, physics, semantics
_COUNTED_ICS = frozenset(
    _table(
        "topic metric heuristic characteristic epidemic pandemic antibiotic critic mosaic fabric clinic tactic rubric "
        "ceramic conic quadric dielectric"
    )
)
IRREGULAR = {
    "mouse": "mice", "louse": "lice", "goose": "geese", "tooth": "teeth", "foot": "feet", "man": "men",
    "woman": "women", "child": "children", "ox": "oxen", "shelf": "shelves", "knife": "knives", "wolf": "wolves",
    "calf": "calves", "half": "halves", "leaf": "leaves", "loaf": "loaves", "thief": "thieves", "quiz": "quizzes",
    "menu": "menus", "gpu": "gpus", "cpu": "cpus", "tpu": "tpus", "npu": "npus", "api": "apis", "taxi": "taxis",
    "emoji": "emojis", "corpus": "corpora", "genus": "genera", "schema": "schemata", "lemma": "lemmata",
    "stigma": "stigmata", "stoma": "stomata", "larynx": "larynges", "phalanx": "phalanges", "plateau": "plateaux",
    "bureau": "bureaux", "testis": "testes", "index": "indices", "matrix": "matrices", "vertex": "vertices",
    "appendix": "appendices", "vortex": "vortices", "simplex": "simplices", "cortex": "cortices", "helix": "helices",
    "codex": "codices", "apex": "apices", "radix": "radices", "cervix": "cervices",
}  # fmt: skip
# Latin and Greek endings, with the words that have them; "hypothesis" and all others in -sis, and those in -a, have
# no need of a list
_CLASSES: dict[tuple[str, str], str] = {
    ("us", "i"): "alumnus annulus bacillus cactus calculus coccus focus fungus gyrus hippocampus locus meniscus "
    "modulus nucleus radius rhombus stimulus sulcus syllabus terminus thalamus thesaurus thrombus torus tumulus villus",
    ("um", "a"): "addendum atrium bacterium colloquium compendium consortium continuum cranium curriculum endothelium "
    "epithelium equilibrium erratum extremum forum infimum maximum medium memorandum millennium minimum momentum "
    "optimum ovum phylum quantum referendum septum serum simulacrum spectrum stratum supremum symposium vacuum",
    ("on", "a"): "automaton criterion ganglion hedron mitochondrion phenomenon taxon",
}  # fmt: skip
ENDINGS = IRREGULAR | {
    word: word.removesuffix(singular) + plural
    for (singular, plural), words in _CLASSES.items()
    for word in words.split()
}
_SINGULARS = {plural: word for word, plural in ENDINGS.items()}
# What mostly means something else where no other words say which: "on the basis of", "quantum", "leaves", "the media"
_VAGUE_SINGULARS = frozenset(
    _table("""
    base basis codex complex continuum ellipsis focus half man maximum medium minimum momentum optimum quantum shelf
    stigma vacuum
    """)
)
_VAGUE_PLURALS = frozenset({"basis", "ellipsis", "half", "leaf", "medium"})
_SHORTEST_ENDING, _LONGEST_ENDING = 5, max(map(len, (*ENDINGS, *_SINGULARS)))  # "human" is no man
_ES = ("sses", "uses", "xes", "zes", "ches", "shes", "oes")
_OF_SIS = ("alyses", "olyses", "theses", "gnoses", "crises", "emphases")  # not of "analyse" and "diagnose"
_SHORT = 5  # letters of one part of a compound at least: "dataset", "wavefunction"
_SHORTEST = 3  # letters of a singular: "uses" is no plural of "us", and an "NP" is seldom one of the "NPs"
_WORD_IN_CAPITALS = 6  # letters of a word that is no acronym at least, whose plural may be in lower case

# What stands before, what the British write, what Americans write, what stands behind
_ENGLISHES = (
    ("[a-z]{3,}", "is", "iz", "e|es|ed|er|ers|ing|ation|ations|able"),
    ("anal|paral|catal", "ys", "yz", "e|ed|er|ers|ing"),
    ("behavi|col|fav|flav|harb|hum|lab|neighb|rum|tum|vap|vig|arm|endeav", "our", "or", "|s|al|ed|ing|able|hood|hoods"),
    ("cent|fib|lit|met|micromet|nanomet|millimet|centimet|kilomet|theat", "re", "er", "|s"),
    ("model|label|travel|signal|cancel|channel|tunnel|level|fuel", "l", "", "ed|ing|ings|er|ers"),
    ("catal|dial|anal", "ogue", "og", "|s"),
    ("def|off", "enc", "ens", "e|es"),
    ("", "sulph", "sulf", "[a-z]{2,}"),
    ("", "haem", "hem", "[a-z]{3,}"),
    ("an|leuk|isch|glyc|hypoglyc|hyperglyc|ur", "aem", "em", "ia|ic"),
    ("an", "aesth", "esth", "[a-z]{3,}"),
    ("", "paed", "ped", "iatric|iatrics|iatrician|iatricians"),
    ("", "oe", "e", "sophag[a-z]{2,}|strogen|strogens|dema|stradiol"),
    ("", "grey", "gray", "|s|scale"),
    ("", "alumini", "alumin", "um"),
)
# Alone these are mostly something else in the other English: an analogue of a theorem, a smart meter, a person
_VAGUE_SPELLINGS = frozenset(_table("analog analogs analogue analogues grey greys meter meters metre metres"))
_PATTERNS = [
    (re.compile(rf"\b({before}){have}({after})\b"), rf"\g<1>{put}\g<2>")
    for before, british, american, after in _ENGLISHES
    for have, put in ((british, american), (american, british))
]

_ANY_PATTERN = re.compile("|".join(pattern.pattern for pattern, _ in _PATTERNS))

# Compounds that are written as one word, with a hyphen, or as two words
_COMPOUNDS = (
    "data set|time step|time stamp|time scale|time series|fine tune|fine tuned|fine tuning|code base|data base|"
    "file system|file name|web site|web page|work flow|work load|run time|real time|life cycle|trade off|look up|"
    "back end|front end|health care|chat bot|check point|crowd sourcing|crowd sourced|ground truth|zero shot|few shot|"
    "one shot|black box|white box|long tail|low rank|test bed|test time|space time|feed forward|key frame|"
    "light weight|plug in|drop out|frame rate|bit rate|spread sheet|knowledge base|e mail|k means|"
    "x ray|re rank|re ranked|re ranker|re ranking|re identification|co design|co training|co evolution|de noise|"
    "de noised|de noising|de biasing|un learning|bi level|tri plane"
)
_APART = {compound.replace(" ", ""): compound for compound in _COMPOUNDS.split("|")}
_PREFIXES = _table(
    "anti auto hetero homo hyper inter intra macro meta micro mono multi nano neuro non poly pre pseudo quasi semi "
    "spatio sub super trans ultra"
)
# They stand alone, too, or are the beginning of words that have nothing to do with them: only with a hyphen
_PREFIX_WORDS = _table(
    "back bio co counter cross cyber de down electro extra geo hydro magneto mid mis out over para photo post proto "
    "radio re self socio tele thermo under up"
)
_PREFIX = re.compile(rf"({'|'.join(sorted((*_PREFIXES, *_PREFIX_WORDS), key=len, reverse=True))})([a-z]{{4,}})")
_ACRONYMS = re.compile("[A-Z0-9]{2,}s")
_BORDER = re.compile(r"(?<=[a-z])(?=\d)|(?<=\d)(?=[a-z])")


@lru_cache(maxsize=4096)
def spellings(written: str) -> dict[str, WordForm]:
    """The folded spellings that stand for the words as `written`: itself first, its plural, its singular, and variants.

    "fine-tuning" is found as "fine tuning" and "finetuning", "corpus" as "corpora", "modelling" as "modeling".
    """
    base = " ".join(fold(written).split())
    out = {base: WordForm.PLAIN}
    last = re.split(rf"[\s{DASHES}]", written.strip())[-1]
    for variant, form in _variants(base, hyphenated=any(dash in written for dash in DASHES)):
        out.setdefault(variant, form)
    form_of_others = (
        WordForm.ACRONYM
        if _is_acronym(last)
        else WordForm.CAPITALS
        if _ACRONYMS.fullmatch(last)
        else WordForm.INFLECTED
    )
    for variant, form in tuple(out.items()):
        for other in _inflections(variant, last):
            out.setdefault(other, form if form is WordForm.HYPHENATED else form_of_others)
    return out


def _is_acronym(word: str) -> bool:
    """Whether a word is written in capitals, and so is inflected by a small s alone."""
    return len(word) > 1 and word.isupper()


def _inflections(base: str, written: str) -> Iterator[str]:
    """The plural and the singular of the last word of `base`, which its owner has `written` so."""
    head, space, word = base.rpartition(" ")
    if len(word) < 2 or not word[-1].isalpha() or not word.isascii() or word.endswith("'s"):
        return  # "Alzheimer's" is no plural
    if _is_acronym(written):
        others: Iterable[str] = () if word.endswith("s") else (word + "s",)
    elif _ACRONYMS.fullmatch(written):
        others = (word[:-1],) if len(word) > _SHORTEST else ()
    else:
        others = singulars(word, alone=not head) or plurals(word, alone=not head)
    for other in others:
        yield head + space + other


def plurals(word: str, *, alone: bool = False) -> list[str]:
    """The plurals of a word in lower case, regular and irregular; `alone`: no other words say what it means."""
    made = [plural for plural in _by_ending(ENDINGS, word) if not (alone and word in _VAGUE_PLURALS)]
    if len(word) < _SHORTEST:
        return made
    if word.endswith(("sis", "xis")):
        made += [] if alone and word in _VAGUE_PLURALS else [word[:-2] + "es"]
    elif word.endswith(("s", "x", "z", "ch", "sh")):
        made.append(word + "es")
    elif word.endswith("y") and word[-2:-1] not in tuple("aeiou"):
        made.append(word[:-1] + "ies")
    else:
        made += [word + "s", *([word + "e"] if word[-1] == "a" else [word + "es"] if word[-1] == "o" else [])]
    return [plural for plural in made if plural not in INVARIABLE and not _is_field(plural)]


def singulars(word: str, *, alone: bool = False) -> list[str]:
    """The words in lower case whose plural `word` may be; `alone`: no other words say what it means."""
    if word in INVARIABLE or _is_field(word):
        return []
    if word.endswith(_OF_SIS):
        return [word[:-2] + "is"]
    made = [*_by_ending(_SINGULARS, word)]
    if word.endswith(("ses", "xes")) and not word.endswith("sses"):
        made.append(word[:-2] + "is")
    if word.endswith("ae"):
        made.append(word[:-1])
    if len(word) > _SHORTEST and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        if word.endswith("ies"):
            made.append(word[:-3] + "y")
        elif word.endswith(_ES) or word[:-2] in INVARIABLE:
            made.append(word[:-2])  # "losses" and "boxes"; "caches" and "bases" have only the s
        if not (word.endswith("ves") and word in _SINGULARS):  # "leaves" is no plural of "leave"
            made.append(word[:-1])
    return [one for one in made if len(one) >= _SHORTEST and not (alone and one in _VAGUE_SINGULARS)]


def _is_field(word: str) -> bool:
    """Whether a word in -ics names a field or a quality, as "dynamics" does, and "metrics" does not."""
    return word.endswith("ics") and word[:-1] not in _COUNTED_ICS


def _by_ending(table: dict[str, str], word: str) -> Iterator[str]:
    """What `table` has for a word, or for what it ends in: "submatrix", "octahedron"."""
    for at in range(max(len(word) - _LONGEST_ENDING, 0), len(word) - _SHORTEST_ENDING + 1):
        if other := table.get(word[at:]):
            yield word[:at] + other
            return
    if other := table.get(word):
        yield other


def _variants(base: str, *, hyphenated: bool) -> Iterator[tuple[str, WordForm]]:
    """Other spellings of the same words: of the two Englishes, joined, and apart."""
    for one in dict.fromkeys((base, *_both_englishes(base))):
        yield one, WordForm.PLAIN
        words = one.split(" ")
        for at, (first, second) in enumerate(pairwise(words)):
            short = min(len(first), len(second)) <= _SHORT
            digits = first[-1:].isdigit() and second[:1].isdigit()  # "Llama 3 8B" is no 38B
            if (short or hyphenated) and first.isalnum() and second.isalnum() and not digits:
                yield " ".join([*words[:at], first + second, *words[at + 2 :]]), WordForm.PLAIN
        for at, word in enumerate(words):
            for apart, form in _apart(word):
                yield " ".join([*words[:at], apart, *words[at + 1 :]]), form


def _both_englishes(base: str) -> Iterator[str]:
    if base not in _VAGUE_SPELLINGS and _ANY_PATTERN.search(base):
        for pattern, put in _PATTERNS:
            if pattern.search(base):
                yield pattern.sub(put, base)


def _apart(word: str) -> Iterator[tuple[str, WordForm]]:
    """A word in two: a compound, a prefix, letters and digits."""
    for one, plural in ((word, ""), (word.removesuffix("s"), "s")):
        if one in _APART and one + plural == word:
            yield _APART[one] + plural, WordForm.PLAIN
    if match := _PREFIX.fullmatch(word):
        yield f"{match[1]} {match[2]}", WordForm.HYPHENATED if match[1] in _PREFIX_WORDS else WordForm.PLAIN
    for border in _BORDER.finditer(word):
        first, second = word[: border.start()], word[border.start() :]
        # "FP 8" is FP8, but "a 100" is seldom an A100, nor "3 d" 3D
        loose = first.isalpha() and len(first) > 1
        yield f"{first} {second}", WordForm.PLAIN if loose else WordForm.HYPHENATED


def _is_inflected(text: str, start: int, end: int) -> bool:
    if not text[start:end].isupper():
        return text[end - 1] != "S"  # "iOS" and "SaaS" are no plurals
    # In a heading in capitals, words in capitals are just words
    return any(
        side.isupper() and sum(map(str.isalpha, side)) >= 5
        for side in (text[max(start - 9, 0) : start], text[end : end + 9])
    )


def _is_acronym_inflected(text: str, start: int, end: int) -> bool:
    last = text[start:end].replace("-", " ").rpartition(" ")[2]
    return (last[-1] == "s" and last[:-1].isupper()) or (last.islower() and len(last) > _WORD_IN_CAPITALS)


def _is_in_capitals(text: str, start: int, end: int) -> bool:
    return text[start:end].replace("-", " ").rpartition(" ")[2].isupper()


def _is_hyphenated(text: str, start: int, end: int) -> bool:
    return any(dash in text[start:end] for dash in DASHES)


# What a place in a text has to be, beside a whole word, to match a spelling of the form; None for nothing more
MATCHERS: dict[WordForm, Callable[[str, int, int], bool] | None] = {
    WordForm.PLAIN: None,
    WordForm.INFLECTED: _is_inflected,
    WordForm.ACRONYM: _is_acronym_inflected,
    WordForm.CAPITALS: _is_in_capitals,
    WordForm.HYPHENATED: _is_hyphenated,
}
