"""From sentences and papers to rules: categories, keywords with weights, and a threshold that keeps to the topic."""

import pytest

from core.model.feed import Feed, parse_keyword
from core.model.fields import categories_of
from core.model.paper import Paper
from core.model.votes import Reference
from core.ranking.matching import make_scorer
from core.ranking.propose import Proposal, propose
from core.text.terms import terms_of
from tests.support.invented import make_paper


def proposed(sentence: str, references: tuple[Reference, ...] = (), papers: tuple[Paper, ...] = ()) -> Proposal:
    found = propose(sentence, references, papers, ("cs.LG",))
    assert found
    return found


def shows(proposal: Proposal, title: str) -> bool:
    """Whether a paper of this title reaches the proposed threshold."""
    feed = Feed("x", "", keywords=tuple(parse_keyword(text, weight) for text, weight in proposal.keywords))
    score = make_scorer(feed)(make_paper(1, "cs.LG", title=title, abstract=""))
    return bool(score and score.total >= proposal.enough)


# A sentence of each of ten fields: a category, a title that is on the topic, and one that is not
SENTENCES = (
    ("protein design by diffusion models", "q-bio.BM", "Designing proteins", "Diffusion models for images"),
    ("exoplanet atmospheres", "astro-ph.EP", "Clouds of an exoplanet", "Urban air quality"),
    ("auction theory", "cs.GT", "Sealed-bid auctions", "A theory of everything"),
    ("quantum error correction", "quant-ph", "Quantum error correction of spins", "Correction of typing errors"),
    ("perovskite solar cells", "cond-mat.mtrl-sci", "Perovskites on silicon", "Stem cells"),
    ("climate downscaling with deep learning", "physics.ao-ph", "Downscaling rain", "Deep learning of games"),
    ("medical image segmentation", "eess.IV", "Segmenting a medical image", "Customer segments"),
    ("topological insulators", "cond-mat.mes-hall", "A topological insulator", "Insulin"),
    ("limit order books and market making", "q-fin.TR", "A limit order book", "A notebook"),
    ("gravitational waves from binary mergers", "gr-qc", "Gravitational waves", "Water waves"),
)


@pytest.mark.parametrize(("sentence", "category", "on_topic", "other"), SENTENCES)
def test_ten_fields(sentence: str, category: str, on_topic: str, other: str) -> None:
    """Without any stored paper, a sentence leads to its field, and to words that tell its papers from others."""
    proposal = proposed(sentence)
    assert category in proposal.categories
    assert (True, False) == (shows(proposal, on_topic), shows(proposal, other))


def test_words_of_papers_add_little() -> None:
    """What the papers of a topic share, and one has in its title, is added with a weight that never suffices alone."""
    several = tuple(
        make_paper(n, "q-bio.BM", title=f"Protein design {n} of an enzyme", abstract="An enzyme binds, a ligand.")
        for n in range(5)
    )
    others = tuple(make_paper(100 + n, "cs.LG", title=f"Nets {n}", abstract="Layers of nets.") for n in range(200))
    weights = dict(proposed("protein design", papers=several + others).keywords)
    added = {text: weight for text, weight in weights.items() if weight < 1}
    assert {"enzyme"} == added.keys()
    assert sum(added.values()) < max(weights.values())


def test_categories_of_other_papers_on_the_topic() -> None:
    """Where enough papers of the topic are listed elsewhere only, their category is one of the feed as well."""
    elsewhere = tuple(
        make_paper(n, "cs.LG", title=f"Drug discovery {n} with molecule generation", abstract="") for n in range(4)
    )
    others = tuple(make_paper(100 + n, "cs.CV", title=f"Images {n}", abstract="A discovery.") for n in range(4))
    found = proposed("molecule generation for drug discovery", papers=elsewhere + others).categories
    assert ("q-bio.BM", True, False) == (found[0], "cs.LG" in found, "cs.CV" in found)


def test_papers_as_examples() -> None:
    """Papers lead to the words of their titles and to their categories, as they spell them."""
    known = make_paper(1, "cs.DC", title="Caches that forget", abstract="Eviction policies for caches.")
    proposal = proposed("", (Reference(known.title, known.abstract, known.id),), (known,))
    assert "cs.DC" in proposal.categories
    assert "caches" in dict(proposal.keywords)


@pytest.mark.parametrize("sentence", ["", "the of and", "I would like to follow papers", "?!", "2601.00001"])
def test_nothing_is_said(sentence: str) -> None:
    """No words of a topic, no rules."""
    assert propose(sentence, (), (), ("cs.LG",)) is None


def test_fields_know_their_words() -> None:
    """A phrase names a field more clearly than words that many have."""
    assert "quant-ph" == categories_of(terms_of("quantum error correction"))[0][0]
    assert [] == categories_of(terms_of("zebras"))
