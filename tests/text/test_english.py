"""English words in the plural and the singular, and the spellings that are one."""

import pytest

from core.text.english import INVARIABLE, WordForm, spellings
from tests.support.tables import each_row

BOTH_WAYS = [
    # regular
    ("cache", "caches"),
    ("batch", "batches"),
    ("box", "boxes"),
    ("loss", "losses"),
    ("lens", "lenses"),
    ("gas", "gases"),
    ("bias", "biases"),
    ("virus", "viruses"),
    ("policy", "policies"),
    ("cookie", "cookies"),
    ("survey", "surveys"),
    ("echo", "echoes"),
    ("photo", "photos"),
    ("size", "sizes"),
    ("database", "databases"),
    ("topic", "topics"),
    ("metric", "metrics"),
    ("heuristic", "heuristics"),
    # Latin and Greek
    ("corpus", "corpora"),
    ("analysis", "analyses"),
    ("meta-analysis", "meta-analyses"),
    ("hypothesis", "hypotheses"),
    ("synthesis", "syntheses"),
    ("axis", "axes"),
    ("matrix", "matrices"),
    ("submatrix", "submatrices"),
    ("index", "indices"),
    ("vertex", "vertices"),
    ("appendix", "appendices"),
    ("simplex", "simplices"),
    ("criterion", "criteria"),
    ("phenomenon", "phenomena"),
    ("automaton", "automata"),
    ("polyhedron", "polyhedra"),
    ("spectrum", "spectra"),
    ("bacterium", "bacteria"),
    ("equilibrium", "equilibria"),
    ("extremum", "extrema"),
    ("radius", "radii"),
    ("nucleus", "nuclei"),
    ("stimulus", "stimuli"),
    ("modulus", "moduli"),
    ("formula", "formulae"),
    ("nebula", "nebulae"),
    ("genus", "genera"),
    ("schema", "schemata"),
    ("Gröbner basis", "Gröbner bases"),
    ("porous medium", "porous media"),
    ("local minimum", "local minima"),
    # irregular
    ("mouse", "mice"),
    ("child", "children"),
    ("woman", "women"),
    ("tooth", "teeth"),
    ("wolf", "wolves"),
    ("interleave", "interleaves"),
    ("quiz", "quizzes"),
    # acronyms
    ("LLM", "LLMs"),
    ("GPU", "GPUs"),
    ("API", "APIs"),
    ("KV cache", "KV caches"),
]

LEFT_ALONE = [
    ("news", "new"),
    ("new", "news"),
    ("TOPS", "top"),
    ("AIDS", "aid"),
    ("SARS", "SAR"),
    ("dynamics", "dynamic"),
    ("dynamic", "dynamics"),
    ("physics", "physic"),
    ("robotics", "robotic"),
    ("economics", "economic"),
    ("semantics", "semantic"),
    ("statistics", "statistic"),
    ("series", "serie"),
    ("species", "specie"),
    ("means", "mean"),
    ("mean", "means"),
    ("goods", "good"),
    ("commons", "common"),
    ("odds", "odd"),
    ("securities", "security"),
    ("bases", "basis"),  # alone, it is on the basis of something
    ("media", "medium"),  # medium-sized
    ("quanta", "quantum"),
    ("analysis", "analysi"),
    ("corpus", "corpu"),
    ("loss", "los"),
    ("bus", "bi"),
    ("minus", "mini"),
    ("human", "humen"),
    ("uses", "us"),
    ("does", "do"),
    ("leaves", "leave"),
    ("proceedings", "proceeding"),
    ("complexes", "complex"),
    ("foci", "focus"),  # most papers focus on something
    ("ellipses", "ellipsis"),
    ("men", "man"),
    ("NPs", "NP"),
    ("Llama-3-8B", "Llama-38B"),
    ("Spectre", "Specter"),
    ("analog", "analogue"),
    ("grey", "gray"),
    ("metre", "meter"),
    ("FP8", "FP8s"),
    ("C++", "C++s"),
]

ONE_SPELLING = [
    ("fine-tuning", "finetuning", "fine tuning"),
    ("data set", "dataset", "data-set"),
    ("data sets", "datasets", "data-sets"),
    ("pre-training", "pretraining", "pre training"),
    ("multi-modal", "multimodal"),
    ("GPT-4", "GPT4", "GPT 4"),
    ("Llama-3", "Llama3"),
    ("COVID-19", "COVID19"),
    ("k-means", "kmeans"),
    ("optimise", "optimize"),
    ("generalisation bound", "generalization bound"),
    ("quantisation", "quantization"),
    ("ionisation", "ionization"),
    ("analyse", "analyze"),
    ("behaviour", "behavior"),
    ("colour", "color"),
    ("modelling", "modeling"),
    ("catalogue", "catalog"),
    ("fibre", "fiber"),
    ("analogue circuit", "analog circuit"),
    ("grey literature", "gray literature"),
    ("square metre", "square meter"),
    ("centimetre", "centimeter"),
]


def folded(written: str) -> str:
    return next(iter(spellings(written)))


@each_row(("singular", "plural"), BOTH_WAYS)
def test_both_ways(singular: str, plural: str) -> None:
    """A word stands for its plural, and the plural for the word."""
    assert folded(plural) in spellings(singular)
    assert folded(singular) in spellings(plural)


@each_row(("written", "other"), LEFT_ALONE)
def test_left_alone(written: str, other: str) -> None:
    """Mass words, fields in -ics, acronyms in capitals and endings that only look like a plural are not inflected."""
    assert folded(other) not in spellings(written)


@each_row("names", ONE_SPELLING)
def test_one_spelling(names: tuple[str, ...]) -> None:
    """Words with a hyphen, with a space and joined are one, as are the British and the American ones."""
    for one in names:
        assert set(map(folded, names)) <= spellings(one).keys()


@pytest.mark.parametrize(
    ("written", "other"),
    [("3D", "3-D"), ("A100", "A-100"), ("overfitting", "over-fitting"), ("underestimate", "under-estimate")],
)
def test_apart_with_a_hyphen_only(written: str, other: str) -> None:
    """Where two words mean something else, as "over all" does, a hyphen has to be between them."""
    assert spellings(written)[folded(other)] is WordForm.HYPHENATED
    assert spellings(other)[folded(written)] is WordForm.PLAIN


def test_spellings_are_folded_and_few() -> None:
    """The word as written comes first; no table makes many of one."""
    assert "kv cache" == folded(" KV–Cache ")
    assert all(len(spellings(word)) <= 6 for word in INVARIABLE)
