"""Values to bytes and back."""

import json
import zlib
from contextlib import suppress
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.archive.marks import marks_from_plain
from core.model.batch import Announcement, Batch, make_batch
from core.model.errors import StoreError
from core.model.feed import Feed, parse_keyword
from core.model.manifest import BATCH_STATES, BatchRecord, Manifest
from core.model.paper import Author, Paper
from core.ranking.matching import score_batch
from core.store.codec import decode, decode_as, encode, scores_from_plain, scores_to_plain
from tests.support.tables import each_row

DAY = date(2026, 3, 6)
ANY = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | ANY,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(ANY, inner, max_size=5),
    max_leaves=20,
)


@given(JSON)
def test_values_come_back(value: Any) -> None:
    """Any JSON value comes back as it was, and equal values have equal bytes."""
    data = encode(value)
    assert value == decode(data)
    assert data == encode(json.loads(json.dumps(value)))


@pytest.mark.parametrize("size", [0, 1, 1000, 100_000])
def test_values_are_compressed(size: int) -> None:
    """Values of any size are compressed; what earlier versions left as it was is read too."""
    value = "x" * size
    assert (value, value) == (decode(encode(value)), decode(b"j" + json.dumps(value).encode()))
    assert len(encode(value)) <= 200


@given(st.dictionaries(ANY, ANY, max_size=5), st.data())
def test_damage_is_noticed(value: dict[str, str], data: st.DataObject) -> None:
    """A value of which a byte is another one, or the end is missing, is never read as another value."""
    sound = encode(value)
    at = data.draw(st.integers(0, len(sound) - 1))
    other = data.draw(st.integers(1, 255))
    for damaged in (sound[:at], sound[:at] + bytes([sound[at] ^ other]) + sound[at + 1 :]):
        with suppress(StoreError):
            assert value == decode(damaged)


FOREIGN = {
    "nothing": b"",
    "no value": b"j",
    "no compressed value": b"z",
    "half a value": encode({"a": [1, 2, 3]})[:-2],
    "half a compressed value": encode("x" * 5000)[:-5],
    "compressed, but no JSON": b"z" + zlib.compress(b"{"),
    "no text": b"j\xff\xfe\xfd",
    "another kind": b"x1",
    "plain JSON": b'{"a": 1}',
    "a plain number": b"12",
}


@each_row("data", FOREIGN.values())
def test_foreign_bytes(data: bytes) -> None:
    """Bytes that it did not make are an error of the store."""
    with pytest.raises(StoreError):
        decode(data)


@given(st.binary(max_size=50))
def test_any_bytes_are_a_value_or_an_error(data: bytes) -> None:
    """No bytes raise anything else than an error of the store."""
    for tried in (data, b"j" + data, b"z" + data, b"z" + zlib.compress(data)):
        try:
            decode(tried)
        except StoreError:
            continue


# -- batches and manifests

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
PAPERS = st.builds(
    Paper,
    id=st.from_regex(r"\d{4}\.\d{5}", fullmatch=True),
    version=st.integers(1, 9),
    title=TEXT,
    abstract=TEXT,
    authors=st.lists(st.builds(Author, TEXT, TEXT), max_size=3).map(tuple),
    categories=st.lists(st.sampled_from(["cs.AI", "cs.LG", "math.OC"]), min_size=1, unique=True).map(tuple),
    **dict.fromkeys(("title_tex", "abstract_tex", "licence", "doi", "journal_ref", "comment"), TEXT),
    published=TEXT,
    updated=TEXT,
)
ANNOUNCEMENTS = st.builds(Announcement, PAPERS, st.sampled_from(["new", "cross", "replace", "replace-cross"]))
BATCHES = st.lists(ANNOUNCEMENTS, max_size=6).map(lambda items: make_batch(DAY, items))


@given(BATCHES)
def test_batches_come_back(batch: Batch) -> None:
    """A batch comes back equal, with the same hash."""
    back = Batch.from_plain(decode(encode(batch.to_plain())))
    assert batch == back
    assert batch.hash == back.hash


RECORDS = st.builds(
    BatchRecord,
    date=st.dates(),
    state=st.sampled_from(BATCH_STATES),
    reason=TEXT,
    hash=st.sampled_from(["", "0123456789abcdef"]),
    total=st.integers(0, 5000),
    counts=st.dictionaries(TEXT, st.dictionaries(TEXT, st.integers(0, 9), max_size=2), max_size=2),
    fetched=TEXT,
    rejected=st.lists(st.dictionaries(TEXT, TEXT, max_size=2), max_size=2).map(tuple),
    validators=st.dictionaries(TEXT, st.dictionaries(TEXT, TEXT, max_size=2), max_size=2),
)


@given(st.lists(RECORDS, max_size=4, unique_by=lambda record: record.date), st.integers(0, 2**53), TEXT)
def test_manifests_come_back(records: list[BatchRecord], version: int, updated: str) -> None:
    """A manifest comes back equal."""
    manifest = Manifest(version, updated, {record.date: record for record in records}, {"reason": updated})
    assert manifest == Manifest.from_plain(decode(encode(manifest.to_plain())))


# -- scores

WORDS = ("LLM", "KV cache", "cache", "kernel", "Größe", "in title", "upvotes")
PREFIXES = st.sampled_from(["", "ti:", "abs:", "au:", "cat:"])
WRITTEN = st.tuples(PREFIXES, st.sampled_from([*WORDS, "cs.LG", "Sample"])) | st.just(("hf:", "20"))
KEYWORDS = st.lists(
    st.builds(
        lambda written, weight: parse_keyword("".join(written), weight),
        WRITTEN,
        st.integers(-8, 40).map(lambda n: n / 8),
    ),
    max_size=8,
    unique_by=lambda keyword: (keyword.field, keyword.text),
).map(tuple)
FEEDS = st.builds(
    Feed,
    name=st.just("main"),
    title=st.just("Main"),
    categories=st.just(("cs.AI", "cs.LG")),
    match=st.sampled_from(["word", "substring", "regex"]),
    title_bonus=st.sampled_from([0.0, 0.5, 1 / 3]),
    keywords=KEYWORDS,
    exclude=st.sampled_from([(), ("survey",)]),
    source=st.sampled_from(["arxiv", "huggingface"]),
)
SENTENCES = st.lists(st.sampled_from([*WORDS, "survey", "of", "🦉", "KV-caches", "É"]), max_size=10).map(" ".join)
SCORED = st.lists(
    st.builds(
        Announcement,
        st.builds(
            Paper,
            id=st.from_regex(r"2603\.\d{5}", fullmatch=True),
            version=st.just(1),
            title=SENTENCES,
            abstract=SENTENCES,
            authors=st.just((Author("First Sample"), Author("Second Sample"))),
            categories=st.sampled_from([("cs.LG",), ("math.OC", "cs.AI"), ("math.OC",)]),
            upvotes=st.sampled_from([None, 0, 7, 42]),
        ),
        st.just("new"),
    ),
    max_size=6,
).map(lambda items: make_batch(DAY, items))


def _stored(feed: Feed, batch: Batch) -> Any:
    papers = {item.paper.versioned: item.paper for item in batch.announcements}
    scores = score_batch(feed, batch)
    return scores, scores_from_plain(feed, papers, decode(encode(scores_to_plain(feed, scores))))


@given(FEEDS, SCORED)
def test_scores_come_back(feed: Feed, batch: Batch) -> None:
    """Scores with all their reasons come back as they were made, and excluded papers stay excluded."""
    made, stored = _stored(feed, batch)
    assert made == stored


@each_row(
    "written",
    [
        ("LLM", "LLM in title"),
        ("LLM in title", "LLM"),
        ("ti:LLM", "LLM"),
        ("x:LLM", "LLM"),
        ("LLM", "llm"),
        (":LLM", "LLM"),
    ],
)
def test_keywords_that_look_like_others(written: tuple[str, ...]) -> None:
    """A keyword that reads like the name of another rule is not taken for it."""
    feed = Feed("main", "Main", ("cs.LG",), match="substring", keywords=tuple(map(parse_keyword, written)))
    paper = Paper("2603.00001", 1, "x:LLM in title and :LLM", "LLM in title", (), ("cs.LG",))
    made, stored = _stored(feed, make_batch(DAY, [Announcement(paper, "new")]))
    assert made == stored


@each_row("plain", [{}, [], None, 3, {"version": 1}, {"version": 1, "updated": "", "records": {"x": 1}}])
def test_values_of_another_version(plain: Any) -> None:
    """A value of another shape than this version writes is an error of the store that says what to do."""
    with pytest.raises(StoreError, match="another version wrote it"):
        decode_as(Manifest.from_plain, encode(plain))


def test_what_a_reader_refuses() -> None:
    """What reads a stored value may read what people send too: what it refuses is an error of the store like others."""
    with pytest.raises(StoreError, match="another version wrote it"):
        decode_as(marks_from_plain, encode({"2603.00001": "2603.00001v1"}))
