"""Summaries without a model: the sentences of an abstract that state the problem, the limits of other work, the method
and the effect.

An abstract is split into sentences. What a sentence is about shows in which kinds of words follow each other in it, and
in its place: abstracts go from the problem over what is wrong with other work to what was done, and to its results.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, reduce
from operator import or_

from core.llm.reading import CLAIM_CHARACTERS, cut_at_clause
from core.llm.templates import EXTRACT, get_template
from core.model.layout import to_markdown
from core.model.paper import Paper, known_addresses
from core.model.summary import Summary
from core.text.markdown import harmless
from core.text.sanitize import plain

# A stop, then a blank, then what may begin a sentence: a capital, a digit, a formula, or a name such as "vLLM".
_END = re.compile(
    r"""[.!?]["”’')\]]*\s+(?=["“‘'(\[]*(?:[A-Z0-9$\\Α-ΩÀ-Þ]|[a-z]{1,4}[A-Z]))"""
    r"|(?<=[a-z]{3})\.(?=(?:However|In this|In the|It|Our|The|These|This|To|We)\b)"  # the blank was forgotten
)
# What ends with a stop, but no sentence with it
_SHORT = re.compile(
    r"(?:\b(?:e\.g|i\.e|vs|v|cf|al|approx|resp|w\.r\.t|a\.k\.a|ca|no|nos|figs?|eqs?|secs?|sects?|refs?|tabs?|chap|vol|pp|"
    r"dr|prof|mr|mrs|ms|st|inc|ltd|jr|dept|univ|u\.s|ph\.d)|(?:^|[\s(])[a-z](?:\.[a-z])*)\.$",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"^[(\[]?(?:\d{1,2}|[ivx]{1,4}|[a-z])[)\].]\s*\S{0,30}$"
)  # "(1) Detect.": the head of a sentence
_SHORTEST = 12  # characters; less is a part of something
_OPENED = re.compile(r"\([^()]*$")


def sentences(text: str) -> list[str]:
    """Returns the sentences of `text`, with every run of white space as one space."""
    text = " ".join(text.split())
    found: list[str] = []
    start = 0
    for match in _END.finditer(text):
        piece = text[start : match.end()].strip()
        if _goes_on(piece, text[match.end() :]):
            continue
        found.append(piece)
        start = match.end()
    return [*found, last] if (last := text[start:].strip()) else found


def _goes_on(piece: str, rest: str) -> bool:
    """Returns whether the stop at the end of `piece` does not end a sentence."""
    if (len(piece) < _SHORTEST and piece[-1] == ".") or _NUMBERED.match(piece):
        return True
    if _OPENED.search(piece[-200:]) and ")" in rest[:200] and "(" not in rest[: rest.find(")")]:
        return True
    return bool(_SHORT.search(piece[-12:]))


# A word that ends with "*" stands for all that begin so
_KINDS: dict[str, str] = {
    "we": "we",
    "our": "our this the present here, proposed",
    "paper": "paper work study article letter survey thesis chapter manuscript research report",
    "propose": (
        "propos* introduc* present presents presented presenting develop* design designs designed describe* formulat* "
        "devis* contribut* build* built construct* offer* creat* releas* establish* implement* advocat* outlin* "
        "provid* formaliz* formalis* unveil* deriv* curat* put"
    ),
    "study": (
        "address* tackl* investigat* study studies studied explor* examin* analyse* analyze* conduct* evaluat* "
        "compar* revisit* ask* characteri* review* survey* consider* argu* extend* adapt* appl* use uses leverag* "
        "train* focus* combin* quantif* benchmark* aim* perform performed test* measur* reformulat* treat* integrat* "
        "collect* employ* identif* interpret* overcom* resolv* isolat* suggest* give gives detail"
    ),
    "found": (
        "show* demonstrat* indicat* confirm* reveal* validat* achiev* prov* suggest* highlight* observ* find* found "
        "verif* outperform* surpass* yield* report* exhibit* corroborat* illustrat* exceed* deliver* attain* reach* "
        "improv* reduc* obtain* uncover* establish* guarantee* enabl*"
    ),
    "gain": (
        "outperform* surpass* exceed* achiev* improv* reduc* speedup* speed-up* faster accelerat* higher lower gain* "
        "superior* state-of-the-art accura* effectiv* robust* competitive better sav* boost* comparable increas* "
        "enhanc* preserv* converg* generaliz* generalis* success* feasib* efficac* performance consistent* "
        "significant*"
    ),
    "tried": (
        "experiment* evaluat* result results empirical* simulation* extensive validat* test tests tested finding* "
        "ablation* benchmark* numerical* comparison* analysis analyses case"
    ),
    "others": (
        "existing current prior previous conventional traditional recent most many state-of-the-art classical classic "
        "naive today's other earlier past typical these those common popular contemporary static manual modern "
        "general-purpose alternative* sota previously widely commonly approaches methods several various"
    ),
    "works": (
        "method* approach* work works model* system* technique* solution* studies framework* research algorithm* "
        "tool* benchmark* dataset* evaluation* literature baseline* strateg* paradigm* pipeline* architecture* "
        "implementation* agent* practice* scheme* effort* metric* design* detector* defense* mapping* librar* "
        "attempt* attack* accelerator* protocol* polic* simulator* theor* advances advancement* formulation* "
        "estimator* optimizer* assessment* generator* learners llms vlms mllms networks procedures guardrail* "
        "safeguard* metrics"
    ),
    "lacks": (
        "fail* suffer* limit* lack* overlook* neglect* ignor* struggl* cannot unable underexplor* under-explor* "
        "unexplored insufficient* inadequate* costly expensive inefficien* degrad* poor* hinder* hamper* restrict* "
        "prohibit* fall falls ill-suited unreliable brittle inapplicable black scarce unclear underdeveloped "
        "constrain* sacrific* bottleneck* rarely seldom hard difficult* challeng* unaddressed unsolved little rigid "
        "mismatch* suboptimal sub-optimal vulnerab* neither nor instabil* unstable impractical infeasib* incomplete "
        "inconsisten* biased error* narrow* gap gaps trade-off* tradeoff* heavily exclusively solely relies rely "
        "relied depend* remain* never opaque fragile slow slows burden* oversimplif* hallucinat* confin* impos* "
        "preclud* incur* shortcoming* drawback* miss misses sensitive blind fragmented scattered largely redundan* "
        "underestimat* overestimat* obscur* inaccura* lossy coarse* underutiliz* underutilis* inability unsuitable "
        "inflexib* energy-intensive time-consuming intensive demanding intractab* compromis*"
    ),
    "strong": (
        "fail* suffer* lack* overlook* neglect* ignor* struggl* cannot unable underexplor* under-explor* unexplored "
        "inefficien* fall falls ill-suited inapplicable underdeveloped insufficient* remain* unclear"
    ),
    "but": "however but yet nevertheless nonetheless unfortunately conversely though",
    "despite": "although though while despite whereas notwithstanding",
    "unlike": "unlike contrast instead rather",
    "trouble": (
        "question challeng* problem* crucial* critical* essential important importance demand* bottleneck* difficult* "
        "need needs requir* hinder* barrier* obstacle* issue* costly cost costs goal* growing grow* rising urgent "
        "necessary vital pressing risk* concern* threat* dominant intensive* overhead* constrain* error* vulnerab* "
        "limited limits lack* underexplored trade-off* tradeoff* must faults failure* face* suffer* despite whether "
        "overwhelm* complexit* variabil* heterogen* scarc* harm* privacy uncertain* hard burden* degrad* struggle* "
        "sensitive expensive remain* hallucinat* time-consuming energy-intensive prohibitive* unprecedented "
        "imperative mandatory hurdle* inefficien* underdeveloped intractab* compromis* bias* attack* malicious*"
    ),
    "hard": (
        "challeng* problem* bottleneck* barrier* hinder* critical* crucial* difficult* obstacle* urgent pressing "
        "imperative vulnerab* trade-off* prohibitive* struggle* suffer* hurdle* intractab*"
    ),
    "goal": "goal* aim* objective*",
    "new": "novel new first",
    "thing": (
        "framework* method* approach* algorithm* system* architecture* benchmark* dataset* compiler* scheme* model* "
        "pipeline* toolkit* mechanism* module* strategy technique* library paradigm* protocol* formulation*"
    ),
    "idea": "idea* insight* innovation* contribution*",
    "key": "key core main central",
    "prospects": (
        "pave* underscore* future broader open opens potential implication* practitioners pathway "
        "facilitat* need foundational"
    ),
    "shared": "available released release open-sourced open-source publicly",
    "goods": "code codes dataset* data model* implementation* weights demo* benchmark* project source suite",
    "next": (
        "second third finally additionally furthermore moreover also further addition thirdly secondly besides "
        "specifically particular"
    ),
    "bright": "promis* remarkabl* powerful impressive emerg* revolution*",
    "versus": "compar* baseline* over than versus against relative",
    "beat": "outperform* surpass* exceed* state-of-the-art",
    "solve": "handl* address* tackl* overcom* mitigat* optimiz* solv*",
    "be": "is are was were been",
}
BITS = {kind: 1 << place for place, kind in enumerate(_KINDS)}
_WORD = re.compile(r"[a-z][a-z'’-]*")


def _table(begin: bool) -> dict[str, int]:
    table: dict[str, int] = {}
    for kind, words in _KINDS.items():
        for word in words.split():
            if word.endswith("*") == begin:
                table[word.rstrip("*")] = table.get(word.rstrip("*"), 0) | BITS[kind]
    return table


_WHOLE, _BEGIN = _table(begin=False), _table(begin=True)


@lru_cache(maxsize=8192)
def _kinds(word: str) -> int:
    bits = _WHOLE.get(word, 0)
    for end in range(2, len(word) + 1):
        bits |= _BEGIN.get(word[:end], 0)
    return bits


def kinds_of_words(text: str) -> list[int]:
    """Returns the kinds of each word of `text`, in lower case, as a sum of `BITS`."""
    return [_kinds(word) for word in _WORD.findall(text)]


_NUMBER = re.compile(r"\d\s?(?:%|\\%|x\b|×|percent|times|-?fold|points?\b|pp\b)|\\times|\b\d+\.\d")
_DENIAL = re.compile(r"\b(?:do|does|did|is|are|has|have|may|can) not\b(?! only)")
_ANY = -100.0
_EITHER = 4.0  # points for limits from which a sentence on the problem may state them as well
_TO_THIS = re.compile(r"to (?:\w+ ){0,2}(?:this|these|that|such)\b")  # "to address these issues", "to this end"
_MOST = 40  # sentences; a longer text is not an abstract
_LEAST = {"problem": 2.0, "limits": 4.0, "method": 3.0, "effect": 3.5}  # points; with fewer a sentence does not fit


class _Sentence:
    """The features of a sentence."""

    __slots__ = ("all", "bits", "link", "number", "to_this")

    def __init__(self, text: str) -> None:
        low = _DENIAL.sub("cannot", text.lower()).replace("state of the art", "state-of-the-art")
        self.bits = kinds_of_words(low)
        self.all = reduce(or_, self.bits, 0)
        self.number = bool(_NUMBER.search(low))
        self.link = "http" in low
        self.to_this = bool(_TO_THIS.match(low))

    def has(self, *kinds: str) -> bool:
        """Returns whether the sentence has a word of each of these kinds."""
        for kind in kinds:  # noqa: SIM110 - it is called a hundred times for a sentence
            if not self.all & BITS[kind]:
                return False
        return True

    def begins(self, kind: str, within: int = 1) -> bool:
        """Returns whether one of the first `within` words has this kind."""
        return any(bits & BITS[kind] for bits in self.bits[:within])

    def follow(self, first: str, *steps: tuple[int, str]) -> bool:
        """Returns whether words of these kinds follow each other, each within the given number of words."""
        for kind in (first, *[kind for _, kind in steps]):  # most sentences lack one
            if not self.all & BITS[kind]:
                return False
        places: Iterable[int] = [at for at, bits in enumerate(self.bits) if bits & BITS[first]]
        for most, kind in steps:
            bit = BITS[kind]
            places = {
                at for place in places for at in range(place + 1, min(place + 1 + most, len(self.bits)))
                if self.bits[at] & bit
            }  # fmt: skip
        return bool(places)


def _of_others(s: _Sentence) -> bool:
    return s.follow("others", (4, "works"), (60, "lacks"))


def _by_us(s: _Sentence, verb: str) -> bool:
    return s.follow("we", (7, verb)) or s.follow("our", (2, "paper"), (7, verb))


def _is_result(s: _Sentence) -> bool:
    return (s.begins("tried", 8) and s.follow("tried", (25, "found"))) or s.follow("our", (2, "tried"), (6, "found"))


def _is_contrast(s: _Sentence) -> bool:
    """Returns whether the sentence contrasts the paper with other work."""
    return s.begins("unlike") and (s.has("lacks") or s.follow("others", (4, "works")))


def _is_drawback(s: _Sentence) -> bool:
    """Returns whether the sentence names a drawback without naming other work."""
    return s.has("lacks") and not s.has("gain") and not s.begins("our", 3)


def _is_notice(s: _Sentence) -> bool:
    """Returns whether the sentence says where code and data are available."""
    return s.link or s.follow("goods", (12, "shared")) or s.follow("shared", (4, "goods"))


# Evidence for a role, and against it, in points
_SIGNS: dict[str, tuple[tuple[float, Callable[[_Sentence], bool]], ...]] = {
    "problem": (
        (2.0, lambda s: s.has("trouble")),
        (1.5, lambda s: s.has("hard")),
        (1.0, lambda s: s.begins("but")),
        (0.5, lambda s: s.has("but")),
        (1.5, lambda s: s.follow("goal", (3, "be"))),
        (-2.5, lambda s: s.has("bright") and not (s.has("but") or s.has("despite"))),
        (-2.5, lambda s: s.follow("solve", (3, "hard"))),  # it names a way out already
        (-2.0, lambda s: s.has("we", "tried")),
        (-3.0, lambda s: s.begins("next") or s.follow("key", (2, "idea"))),
        (-6.0, _is_notice),
    ),
    "limits": (
        (4.0, _of_others),
        (3.0, lambda s: s.follow("works", (12, "strong"))),
        (1.0, lambda s: s.follow("others", (4, "works"))),
        (1.0, lambda s: s.begins("others", 3)),
        (1.0, lambda s: s.has("lacks")),
        (1.5, lambda s: s.has("strong")),
        (1.0, lambda s: s.has("but")),
        (0.5, lambda s: s.begins("despite")),
        (-3.0, lambda s: s.begins("we", 3) or _by_us(s, "study")),
        (-6.0, _is_notice),
    ),
    "method": (
        (1.5, lambda s: s.has("propose")),
        (3.5, lambda s: _by_us(s, "propose") or (_by_us(s, "study") and not s.has("propose"))),
        (2.0, lambda s: _by_us(s, "study") and not _by_us(s, "propose") and s.has("propose")),
        (2.5, lambda s: s.follow("be", (4, "thing"), (8, "propose"))),
        (2.0, lambda s: s.follow("key", (2, "idea"))),
        (1.5, lambda s: s.to_this),
        (1.0, lambda s: s.follow("new", (8, "thing"))),
        (1.0, lambda s: s.has("thing")),
        (-2.0, lambda s: s.begins("next")),
        (-2.0, lambda s: s.has("prospects") and not s.begins("we", 3)),
        (-4.0, lambda s: _is_result(s) and not s.begins("we", 3)),
        (-6.0, _is_notice),
    ),
    "effect": (
        (4.0, _is_result),
        (4.0, lambda s: s.number),
        (1.0, lambda s: s.number and s.has("versus")),
        (2.0, lambda s: s.has("gain")),
        (1.5, lambda s: s.follow("found", (5, "gain"))),
        (1.5, lambda s: s.has("beat")),
        (1.5, lambda s: _by_us(s, "found")),
        (1.0, lambda s: s.has("tried")),
        (-4.0, lambda s: s.has("prospects")),
        (-4.0, lambda s: s.begins("others", 4) and _of_others(s)),
        (-6.0, _is_notice),
    ),
}


def _weigh(role: str, s: _Sentence) -> float:
    return sum([points for points, holds in _SIGNS[role] if holds(s)])


def by_role(sentences: Sequence[str], enough: str = "") -> dict[str, int]:
    """Returns the number of the best sentence for each role, without roles that no sentence fits.

    A sentence serves one role. Where the role of "effect" is `enough`, none is looked for that comes after it.
    """
    seen = [_Sentence(text) for text in sentences[:_MOST]]
    chosen: dict[str, int] = {}

    def choose(
        role: str, places: Iterable[int], prefer: float = 0.0, like: str = "", least: float | None = None
    ) -> None:
        if role in chosen:
            return
        points = {at: _weigh(like or role, seen[at]) for at in places if at not in chosen.values()}
        best = max(points, key=lambda at: (points[at] + prefer * at, -at), default=-1)
        if best >= 0 and points[best] >= (_LEAST[like or role] if least is None else least):
            chosen[role] = best

    everywhere = range(len(seen))
    choose("method", everywhere, prefer=-0.3)
    turn = chosen.get("method", 0)
    choose("effect", everywhere[turn:], prefer=0.1)
    if enough in chosen:
        return chosen
    choose("limits", everywhere[:turn], prefer=0.2)
    choose("limits", [at for at in everywhere if _is_contrast(seen[at])], least=_ANY)
    choose("problem", everywhere[:turn])
    choose("problem", everywhere[:turn], like="limits")  # two on the limits: one of them states the problem
    choose("limits", [at for at in everywhere[:turn] if _is_drawback(seen[at])], like="problem")
    if not turn and "method" in chosen:  # it begins with what was done
        choose(
            "problem",
            [at for at in everywhere[: chosen.get("effect")] if _is_drawback(seen[at]) and seen[at].has("hard")],
        )
    return _in_order(seen, chosen, turn)


def _in_order(seen: Sequence[_Sentence], chosen: dict[str, int], turn: int) -> dict[str, int]:
    """Returns the choice with the problem before the limits, if both sentences fit either role."""
    problem, limits = chosen.get("problem"), chosen.get("limits", turn)
    if limits >= turn:
        return chosen
    if problem is None and not _of_others(seen[limits]):  # it says what is wrong, but not with others' work
        return {role: at for role, at in chosen.items() if role != "limits"} | {"problem": limits}
    if problem is not None and limits < problem < turn and _weigh("limits", seen[problem]) >= _EITHER:
        return chosen | {"problem": limits, "limits": problem}
    return chosen


def extract_claim(paper: Paper) -> Summary:
    """Returns as much of the extract of a paper as its claim is taken from: the effect, or all parts without one."""
    found = sentences(paper.abstract)
    chosen = by_role(found, enough="effect")
    known = known_addresses(paper)
    return Summary(
        EXTRACT, "en", "", "", parts=tuple((role, harmless(found[at], known)) for role, at in chosen.items())
    )


def extract(paper: Paper, language: str) -> Summary:
    """Returns the four points of a paper as sentences of its abstract, labelled as an extract; headings in `language`.

    A point that no sentence fits is absent from the parts, and the Markdown says so.
    """
    template = get_template(EXTRACT)
    found = sentences(paper.abstract)
    chosen = by_role(found)
    known = known_addresses(paper)
    parts = tuple(
        (key, harmless(found[chosen[key]], known)) for key in (s.key for s in template.parts) if key in chosen
    )
    texts = dict(parts)
    said = texts.get("effect") or texts.get("method") or (found[0] if found else "")
    claim = cut_at_clause(" ".join(plain(said).split()), CLAIM_CHARACTERS)
    return Summary(EXTRACT, language, "", to_markdown(template, language, parts), parts=parts, claim=claim)
