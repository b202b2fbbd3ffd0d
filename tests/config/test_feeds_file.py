"""feeds.toml: the shipped one, overrides from the environment, and what is said about mistakes."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.config.feed_table import Instance, read_feed
from core.config.feeds_file import FeedsFile, load_feeds_file, read_feeds_file
from core.config.settings import ROOT
from core.model.categories import CATEGORIES
from core.model.errors import ConfigError, FeedError
from core.model.feed import Feed, Keyword
from core.model.rules import remarks
from core.ranking.matching import ENGINES, make_scorer
from tests.support.invented import make_paper
from tests.support.tables import each_row

MAIN = '[feeds.main]\ntitle = "Main"\ncategories = ["cs.LG"]\n'
KEYS = (
    "title, description, source, urls, categories, announce_types, match, title_bonus, min_score, max_entries, "
    "keywords, exclude, summary, summaries, language, hold, hold_hours, digest, interest, rubric, screen, "
    "expand, vote_links"
)


def keywords(toml: str, match: str = "word") -> str:
    return f'{MAIN}match = "{match}"\n[feeds.main.keywords]\n{toml}\n'


def read(toml: str) -> Feed:
    return read_feeds_file(toml, "feeds.toml").feeds["main"]


def problems(toml: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        read_feeds_file(toml, "feeds.toml")
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


def test_shipped_file() -> None:
    """The feeds.toml that is shipped is valid, with three feeds and the keywords of efficient language models."""
    feeds = load_feeds_file(ROOT / "feeds.toml").feeds
    main = feeds["main"]
    assert list(feeds) == ["main", "storage", "daily"]
    assert (main.categories, main.match, main.min_score) == (("cs.AI", "cs.CL", "cs.DC", "cs.LG"), "word", 4)
    assert Keyword("quantiz* OR FP8 OR FP4 OR low-bit", 3) in main.keywords
    assert {1.0, 2.0, 3.0} == {keyword.weight for keyword in main.keywords}
    assert ("ti:survey", "ti:review", "ti:tutorial") == main.exclude
    assert {"cs.OS", "cs.AR", "cs.DB", "cs.PF"} <= set(feeds["storage"].categories)
    assert Keyword("KV cache", 3) in feeds["storage"].keywords
    written = [(rule, feed.match) for feed in feeds.values() for rule in (*feed.labels, *feed.exclude)]
    assert [] == [remark for rule in written for remark in remarks(*rule)]
    daily = feeds["daily"]
    assert ("huggingface", (), ("new",), 30) == (
        daily.source, daily.categories, daily.announce_types, daily.max_entries,
    )  # fmt: skip
    assert (0, "daily", "sections") == (daily.min_score, daily.digest, daily.summary)


@pytest.mark.parametrize("match", ["word", "substring", "regex"])
def test_upvotes_as_a_rule(match: str) -> None:
    """A rule may ask for a number of upvotes, whatever else keywords are taken for."""
    toml = f"{MAIN}match = '{match}'\n[feeds.main.keywords]\n'hf:20' = 2\n'hf: 100' = 3\n20 = 1"
    assert (Keyword("20", 2, "upvotes"), Keyword("100", 3, "upvotes"), Keyword("20", 1)) == read(toml).keywords


@each_row("text", ["", "0", "-1", "+5", "2.5", "020", "1e3", "many", "20+", "٣", "9" * 8, "1 000"])
def test_upvotes_that_are_no_number(text: str) -> None:
    """What is no whole number from one on is refused with the way to write it."""
    toml = f"{MAIN}[feeds.main.keywords]\n'hf:{text}' = 2"
    expected = f"{f'hf:{text}'!r} needs a whole number from 1 on, so many upvotes on Hugging Face: hf:20"
    (problem,) = problems(toml)
    assert expected in problem


def test_shipped_rubric() -> None:
    """The storage feed that is shipped is judged by three criteria worth 3, 3 and 2 points, in stages."""
    storage = load_feeds_file(ROOT / "feeds.toml").feeds["storage"]
    rubric = storage.rubric
    assert rubric
    expected = {"Direct storage": 3, "Algorithmic": 3, "System impact": 2}
    assert expected == {criterion.name: criterion.max for criterion in rubric.criteria}
    assert (8, 4, 5, 3) == (rubric.max, rubric.deep_at, rubric.must_read_at, rubric.review_at)
    assert ("four-point", "staged") == (storage.summary, storage.digest)


def test_smallest_file() -> None:
    """A title and a category are enough; everything else has its default."""
    assert Feed(name="main", title="Main", categories=("cs.LG",)) == read(MAIN)
    assert read_feeds_file(MAIN, "feeds.toml").instance == Instance(
        title="My arXiv wire", contact="", retention_days=30
    )


def test_every_field_of_a_feed_is_a_key() -> None:
    """The keys of a feed are the fields of `Feed`, and a feed in the shape of the file is read as that feed."""
    feed = read(MAIN)
    assert (
        set(KEYS.split(", "))
        == {field.name for field in fields(Feed)} - {"name", "learned", "lessons"}
        == feed.to_plain().keys()
    )
    assert {"title": "Main", "categories": ("cs.LG",)} == feed.to_plain(defaults=False)
    for name, shipped in load_feeds_file(ROOT / "feeds.toml").feeds.items():
        assert shipped == read_feed(name, shipped.to_plain()) == read_feed(name, shipped.to_plain(defaults=False))


def test_full_file() -> None:
    """Every key finds its place in the feed."""
    toml = f"""
[instance]
title = "A Wire"
contact = "first@example.org"
retention_days = 7

{MAIN}
description = "About"
source = "arxiv"
announce_types = ["new", "cross", "new"]
match = "word"
title_bonus = 0.25
min_score = -1.5
max_entries = 12
exclude = ["survey", "review", "survey"]

[feeds.main.keywords]
LLM = 1
"KV cache" = 2.5
"ti: quantization" = -2
"au:First Sample" = 5
"cat:cs.DC" = 1

[feeds.other]
title = "Other"
categories = ["cs", "math.CO", "cs"]
"""
    file = read_feeds_file(toml, "feeds.toml")
    assert file.instance == Instance(title="A Wire", contact="first@example.org", retention_days=7)
    expected = Feed(
        name="main",
        title="Main",
        categories=("cs.LG",),
        description="About",
        announce_types=("new", "cross"),
        match="word",
        title_bonus=0.25,
        min_score=-1.5,
        max_entries=12,
        keywords=(
            Keyword("LLM", 1),
            Keyword("KV cache", 2.5),
            Keyword("quantization", -2, "title"),
            Keyword("First Sample", 5, "authors"),
            Keyword("cs.DC", 1, "categories"),
        ),
        exclude=("survey", "review"),
    )
    assert expected == file.feeds["main"]
    assert file.feeds["other"].categories == ("cs", "math.CO")


def mistakes() -> list[tuple[str, str]]:
    """The texts in tests/data/feeds_mistakes.txt, and what is to be said of each."""
    text = (ROOT / "tests" / "data" / "feeds_mistakes.txt").read_text("utf-8").partition("\n\n")[2]
    rows = re.findall(r"((?:.*\n)*?)=> (.*)\n\n?", text)
    return [(toml.removesuffix("\n"), explained.replace("{KEYS}", KEYS)) for toml, explained in rows]


@each_row(("toml", "explained"), mistakes())
def test_mistakes_are_explained(toml: str, explained: str) -> None:
    """A mistake is explained with the file, the key, the value that was found, and what is allowed."""
    assert problems(toml) == (f"feeds.toml: {explained}",)


def test_all_mistakes_are_explained_at_once() -> None:
    """Each mistake has a line of its own, over the whole file."""
    toml = MAIN + "match = 'fuzzy'\nmin_scor = 1\n[feeds.other]\ntitle = 'Other'\n[instance]\nretention_days = 0\n"
    assert problems(toml) == (
        "feeds.toml: instance.retention_days = 0: Input should be greater than or equal to 1",
        "feeds.toml: feeds.main.match = 'fuzzy': Input should be 'word', 'substring' or 'regex'",
        f"feeds.toml: feeds.main.min_scor: unknown key; allowed here: {KEYS}",
        "feeds.toml: feeds.other.categories: name at least one category or archive, such as cs.CL or cs",
    )


@each_row(
    ("toml", "match", "expected"),
    [
        ("Framework = 1\nframework = 1", "word", ("Framework",)),
        ("'KV-cache' = 2\n'kv cache' = 2\n'KV–Cache' = 2", "word", ("KV-cache",)),
        ("naive = 1\n'naïve' = 1", "word", ("naive",)),
        ("LLM = 1\n'ti:LLM' = 2\n'abs:LLM' = 3", "word", ("LLM", "ti:LLM", "abs:LLM")),
        ("'KV-cache' = 1\n'KV cache' = 1", "substring", ("KV-cache", "KV cache")),
        (r"'FP\d' = 1" + "\n" + r"'FP\D' = 1", "regex", (r"FP\d", r"FP\D")),
    ],
)
def test_a_keyword_in_two_spellings(toml: str, match: str, expected: tuple[str, ...]) -> None:
    """Spellings of one keyword with the same weight are one rule, the first one; different rules stay."""
    assert expected == tuple(keyword.label for keyword in read(keywords(toml, match)).keywords)


@pytest.mark.parametrize(
    ("toml", "match"),
    [
        ("'KV-cache' = 1\n'KV cache' = 2", "substring"),
        ("'naïve' = 1\nnaive = 2", "substring"),
        (r"'FP\d' = 1" + "\n" + r"'FP\D' = 2", "regex"),
        ("'KV-cache' = 1\n'KV cache' = 2", "regex"),
    ],
)
def test_different_rules_may_weigh_differently(toml: str, match: str) -> None:
    """What is one keyword as whole words may be two as substrings or regular expressions, with two weights."""
    assert [keyword.weight for keyword in read(keywords(toml, match)).keywords] == [1, 2]


@pytest.mark.parametrize("other", ['"LLM "', '" LLM"', '"llm "'])
def test_white_space_makes_no_other_keyword(other: str) -> None:
    """A keyword that is listed again with spaces around it, and another weight, is a mistake."""
    (line,) = problems(keywords(f"LLM = 1\n{other} = 3"))
    assert "are the same keyword, but weigh 1 and 3" in line


@given(
    st.sampled_from(sorted(ENGINES)),
    st.lists(st.text("abAB-–. ()|*+é\\", min_size=1, max_size=4), min_size=1, max_size=3, unique=True),
    st.booleans(),
)
@example("word", ["-"], False)
@example("word", ["—"], True)
@example("regex", ["a-b"], False)
def test_what_is_accepted_can_be_used(mode: str, words: list[str], excluded: bool) -> None:
    """A file that is accepted scores any paper: mistakes are reported when it is read, not when it is used."""
    try:
        given = {"exclude": words} if excluded else {"keywords": dict.fromkeys(words, 1.0)}
        feed = read_feed("main", {"title": "Main", "categories": ["cs.LG"], "match": mode} | given)
    except FeedError:
        return
    score = make_scorer(feed)
    for abstract in ("a b", "a-b (b) é", ""):
        made = score(make_paper(abstract=abstract))
        assert made is None or made.total >= 0


def attempt(toml: str) -> Feed | None:
    """The main feed, or None if the file is refused."""
    try:
        return read(toml)
    except ConfigError:
        return None


def test_expressions_that_are_too_large_together() -> None:
    """Regular expressions that are too large taken together are refused with the file, not when papers are scored."""
    feed = attempt(keywords("\n".join(rf"'\pL{{3,40}}ing w{n}' = 1" for n in range(5)), "regex"))
    assert feed is None or make_scorer(feed)(make_paper()) is not None


@pytest.mark.parametrize("pattern", [r"\b", r"\B", r"\b|x"])
def test_expressions_that_match_no_text(pattern: str) -> None:
    """A regular expression that matches places without text is refused, or gives no reason that shows nothing."""
    feed = attempt(keywords(f"'{pattern}' = 1", "regex"))
    made = make_scorer(feed)(make_paper()) if feed else None
    assert made is None or [reason for reason in made.reasons if not reason.text] == []


@pytest.mark.parametrize(
    ("name", "value", "key", "expected"),
    [
        ("PAPERWIRE_FEEDS__MAIN__MIN_SCORE", "4", "min_score", 4.0),
        ("PAPERWIRE_FEEDS__MAIN__TITLE", "Another Title", "title", "Another Title"),
        ("PAPERWIRE_FEEDS__MAIN__MATCH", "substring", "match", "substring"),
        ("PAPERWIRE_FEEDS__MAIN__CATEGORIES", '["cs.CL", "cs.AI"]', "categories", ("cs.CL", "cs.AI")),
        ("PAPERWIRE_FEEDS__MAIN__EXCLUDE", '["survey"]', "exclude", ("survey",)),
        (
            "PAPERWIRE_FEEDS__MAIN__KEYWORDS",
            '{"LLM": 3, "RL": 2}',
            "keywords",
            (Keyword("LLM", 3), Keyword("cache", 1), Keyword("RL", 2)),
        ),
        ("paperwire_feeds__main__max_entries", "9", "max_entries", 9),
    ],
)
def test_environment_overrides_the_file(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, key: str, expected: object
) -> None:
    """A value in the environment replaces that of the file, and leaves the others as they are."""
    toml = keywords("LLM = 1\ncache = 1").replace('title = "Main"', 'title = "Main"\nmin_score = 2\nmax_entries = 5')
    before = read(toml)
    monkeypatch.setenv(name, value)
    after = read(toml)
    assert expected == getattr(after, key)
    assert {k: v for k, v in vars(before).items() if k != key} == {k: v for k, v in vars(after).items() if k != key}


def test_environment_overrides_the_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    """The contact may come from the environment, where the file has no [instance] at all."""
    monkeypatch.setenv("PAPERWIRE_INSTANCE__CONTACT", "first@example.org")
    assert read_feeds_file(MAIN, "feeds.toml").instance.contact == "first@example.org"


def test_environment_overrides_one_of_two_feeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """An override reaches the feed that it names and no other, and adds no feed."""
    monkeypatch.setenv("PAPERWIRE_FEEDS__OTHER_1__MIN_SCORE", "4")
    feeds = read_feeds_file(MAIN + MAIN.replace("main", "other_1"), "feeds.toml").feeds
    assert {name: feed.min_score for name, feed in feeds.items()} == {"main": 0, "other_1": 4}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PAPERWIRE_FEEDS__MAIN__MIN_SCORE", "high", ("feeds.main.min_score", "'high'", "valid number")),
        ("PAPERWIRE_FEEDS__MAIN__MATCH", "fuzzy", ("feeds.main.match", "'fuzzy'", "'word', 'substring' or 'regex'")),
        ("PAPERWIRE_FEEDS__MAIN__MIN_SCOR", "3", ("feeds.main.min_scor", "unknown key; allowed here", KEYS)),
        ("PAPERWIRE_INSTANCE__RETENTION_DAYS", "0", ("instance.retention_days", "'0'", "greater than or equal to 1")),
        ("PAPERWIRE_FEEDS__MAIN__CATEGORIES", "cs.CL", ("feeds",)),
        ("PAPERWIRE_FEEDS__MAIN__EXCLUDE", "[survey", ("feeds",)),
        ("PAPERWIRE_FEEDS", "main", ("feeds",)),
        ("PAPERWIRE_INSTANCE", "main", ("instance",)),
    ],
)
def test_mistakes_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: tuple[str, ...]
) -> None:
    """A wrong value in the environment is explained like one in the file."""
    monkeypatch.setenv(name, value)
    explained = "\n".join(problems(MAIN))
    assert [word for word in words if word.lower() not in explained.lower()] == []


@pytest.mark.parametrize("content", [None, b"\xff\xfe[feeds]"], ids=["missing", "not UTF-8"])
def test_unreadable_files(tmp_path: Path, content: bytes | None) -> None:
    """A file that is not there or not text is named by its path."""
    path = tmp_path / "feeds.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_feeds_file(path)
    assert str(caught.value).startswith(f"{path}: cannot be read: ")


def test_files_are_named_in_explanations(tmp_path: Path) -> None:
    """A mistake in a file is reported with that file's name."""
    path = tmp_path / "mine.toml"
    path.write_text(MAIN + "min_scor = 3", "utf-8")
    with pytest.raises(ConfigError, match=r"^mine\.toml: feeds\.main\.min_scor: unknown key"):
        load_feeds_file(path)


@given(st.sampled_from(sorted(CATEGORIES)))
def test_every_category_is_accepted(name: str) -> None:
    """Each archive and category of the table can be collected."""
    assert read(MAIN.replace("cs.LG", name)).categories == (name,)


def test_feeds_keep_their_order() -> None:
    """The first feed of the file is the main one, whatever its name."""
    toml = "".join(MAIN.replace("main", name) for name in ("zebra", "apple", "main"))
    file: FeedsFile = read_feeds_file(toml, "feeds.toml")
    assert list(file.feeds) == ["zebra", "apple", "main"]


def test_backslashes_in_double_quotes() -> None:
    """What TOML makes of a regular expression in double quotes is an error, with the mend."""
    for rule in (r"\d+", r"\bLLM\b"):
        with pytest.raises(ConfigError, match="single quotes"):
            read_feeds_file(f'{MAIN}match = "regex"\n[feeds.main.keywords]\n"{rule}" = 1\n', "feeds.toml")
