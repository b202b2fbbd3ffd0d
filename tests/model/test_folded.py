"""A day's folded texts in one piece answer as the texts one by one do."""

import copy
import pickle
from dataclasses import fields, replace

from hypothesis import given
from hypothesis import strategies as st

from core.model.batch import paper_from_plain, paper_to_plain
from core.model.folded import FoldedDay
from core.model.paper import Author, Paper
from core.text.fold import fold

texts = st.text(st.sampled_from("aAbBéØ αΣİ-\n\t‐𝔽\0"), max_size=12)
papers = st.lists(st.tuples(texts, texts, st.lists(texts.filter(bool), max_size=3)), max_size=6)


@given(papers=papers, sought=st.lists(texts.filter(lambda text: text and "\0" not in text), min_size=1, max_size=2))
def test_papers_are_found_by_their_own_texts(papers: list[tuple[str, str, list[str]]], sought: list[str]) -> None:
    """Whatever stands beside them: in the title, in title or abstract, and in one name of an author."""
    day = FoldedDay((f"{n}v1", *paper) for n, paper in enumerate(papers))
    words = [fold(word) for word in sought]
    for field, has in {
        "title": lambda word, title, _, __: word in fold(title),
        "text": lambda word, title, abstract, _: word in fold(f"{title}\n{abstract}"),
        "author": lambda word, _, __, names: any(word in part for name in names for part in fold(name).split("\0")),
    }.items():
        expected = {f"{n}v1" for n, paper in enumerate(papers) if any(has(word, *paper) for word in words)}
        assert expected == day.containing(field, sought)
    for n, (title, abstract, _) in enumerate(papers):
        assert fold(title) == day.title(f"{n}v1")
        assert fold(f"{title}\n{abstract}") == day.text(f"{n}v1")
    assert frozenset() == day.containing("text", ["\0"])


def test_a_stored_paper_is_the_paper() -> None:
    """Its authors are made when they are needed; nobody can tell."""
    paper = Paper(
        "2601.00001", 1, "T", "A", (Author("Ada Sample"), Author("Bo Li")), ("cs.DC",), published="2026-01-05"
    )
    read = paper_from_plain(paper_to_plain(paper))
    assert paper == read
    assert read == paper
    assert hash(paper) == hash(read)
    assert paper == copy.deepcopy(paper_from_plain(paper_to_plain(paper)))
    assert paper == pickle.loads(pickle.dumps(read))
    assert replace(paper, title="U") == replace(read, title="U") != read
    assert all(getattr(paper, field.name) == getattr(read, field.name) for field in fields(Paper))
    with_affiliation = replace(paper, authors=(Author("Ada Sample", "Institute"),))
    assert with_affiliation == paper_from_plain(paper_to_plain(with_affiliation)) != paper
