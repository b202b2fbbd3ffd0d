"""Kinds of words of scientific English, by which sentences are told apart."""

import re
from functools import lru_cache

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
    "outlook": (
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
    """For each word of `text`, in lower case, the kinds that it belongs to: a sum of `BITS`."""
    return [_kinds(word) for word in _WORD.findall(text)]
