"""The texts of a day as words answer as the texts one by one do."""

import copy
import pickle
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import date

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.batch import Announcement, Batch, paper_from_plain, paper_to_plain
from core.model.paper import Author, Paper
from core.model.texts import BatchTexts, Sought, texts_to_plain
from core.text.fold import fold

texts = st.text(st.sampled_from("aAbBéØ αΣİ-\n\t‐𝔽\0"), max_size=12)
papers = st.lists(st.tuples(texts, texts, st.lists(texts.filter(str.strip), max_size=3)), max_size=6)


def _texts(papers: Sequence[tuple[str, str, Sequence[str]]]) -> BatchTexts:
    """Returns them as they are read from a store."""
    items = tuple(
        Announcement(Paper(str(n), 1, title, abstract, tuple(map(Author, names)), ("cs.DC",)), "new")
        for n, (title, abstract, names) in enumerate(papers)
    )
    return BatchTexts(orjson.loads(orjson.dumps(texts_to_plain(Batch(date(2026, 3, 6), items).to_plain()))))


@given(papers=papers, sought=st.lists(texts.filter(lambda text: text and "\0" not in text), min_size=1, max_size=2))
def test_papers_are_found_by_their_own_texts(papers: list[tuple[str, str, list[str]]], sought: list[str]) -> None:
    """Whatever stands beside them: in the title, in title or abstract, and in one name of an author."""
    clean = [
        (title.replace("\0", " "), abstract.replace("\0", " "), [name.replace("\0", " ") for name in names])
        for title, abstract, names in papers
    ]
    day = _texts(papers)
    words = [fold(word) for word in sought]
    fields: dict[str, Callable[..., list[str]]] = {
        "title": lambda title, _, __: [title],
        "text": lambda title, abstract, _: [f"{title}\n{abstract}"],
        "author": lambda _, __, names: names,
    }
    for field, of in fields.items():
        have = {f"{n}v1": list(map(fold, of(*paper))) for n, paper in enumerate(clean)}
        parts = {name for name, values in have.items() if any(word in value for value in values for word in words)}
        assert parts == day.containing(field, sought)
        wholes = {name for name, values in have.items() if any(word == value for value in values for word in words)}
        assert wholes == day.containing(field, sought, whole=True)
    assert frozenset() == day.containing("text", ["\0"])
    found = [
        (paper.title, paper.abstract, [one.name for one in paper.authors]) for paper in day.papers(range(len(clean)))
    ]
    assert clean == found


@pytest.mark.parametrize("count", [1, 20, 200, 5000])
def test_any_number_of_words_is_found(count: int) -> None:
    """One by one, by an expression, or where most papers have one of them; also beyond the characters of 16 bits."""
    words = [f"{n}x" for n in range(60_000)]
    day = _texts([(f"all {' '.join(words)}", "", []), ("many", " ".join(words[:count]), []), ("none", "y x1", [])])
    sought = words[:count]
    assert {0, 1} == day.with_any(map(Sought, sought))
    assert {0} == day.with_any([Sought("59999x")]) == day.with_any([Sought("59998x 59999x")])
    assert set() == day.with_any([Sought("60000x")])


def test_hints_rule_out_parts_of_words() -> None:
    """A whole word is not found inside another one, and of several words the first and the last one are whole."""
    day = _texts([("storage", "", []), ("RAG-based", "", []), ("a big data", "base", []), ("bigdata bases", "", [])])
    assert {0, 1} == day.with_any([Sought("rag")])
    assert {1} == day.with_any([Sought("rag", begins=True, ends=True)])
    assert {2, 3} == day.with_any([Sought("data base")])
    assert {2} == day.with_any([Sought("data base", begins=True)])
    assert {2} == day.with_any([Sought("data base", ends=True)])


def test_other_values_are_no_texts() -> None:
    """What is damaged is refused when it is read."""
    plain = texts_to_plain(Batch(date(2026, 3, 6), ()).to_plain())
    assert 0 == len(BatchTexts(plain))
    for damaged in ({**plain, "names": "1v1"}, {**plain, "of": [0]}, {**plain, "codes": "a !"}, {}, {"date": 5}):
        with pytest.raises((LookupError, TypeError, ValueError)):
            BatchTexts(damaged)


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
