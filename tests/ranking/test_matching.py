"""Finding keywords: three modes, five prefixes, exclude words, and laws that hold for any text."""

import asyncio
import re
from time import thread_time
from typing import Any

import pytest
import re2
from hypothesis import example, given
from hypothesis import strategies as st

from core.model.batch import make_batch
from core.model.errors import QueryError
from core.model.feed import Feed, Keyword, Reason
from core.model.paper import Author
from core.model.rules import Term
from core.model.scoring import Score, field_text
from core.ranking.matching import ENGINES, make_scorer, score_batch
from core.views.entries import score_custom
from tests.support.invented import FRIDAY, announce, make_feed, make_paper, tricky
from tests.support.tables import each_row


def score(feed: Feed, title: str = "", abstract: str = "", **more: Any) -> Score:
    """The score of a paper with that title and abstract, which no exclude word may hit."""
    found = make_scorer(feed)(make_paper(title=title, abstract=abstract, **more))
    assert found is not None
    return found


def found(feed: Feed, text: str) -> str | None:
    """What the feed's only keyword is found as in an abstract that is `text`."""
    reasons = score(feed, "", text).reasons
    assert len(reasons) <= 1
    return reasons[0].text if reasons else None


WORDS = [
    # keyword, text, what is found
    ("RL", "RL", "RL"),
    ("RL", "An RL agent.", "RL"),
    ("RL", "(rl)", "rl"),
    ("RL", "our world", None),
    ("RL", "RLHF", None),
    ("RL", "URL", None),
    ("RL", "RL2", None),
    ("RL", "RL_2", None),
    ("RL", "world RLHF RL", "RL"),
    # singular and plural
    ("LLM", "LLMs", "LLMs"),
    ("LLM", "the LLM's", "LLM"),
    ("LLMs", "an LLM", "LLM"),
    ("LLM", "LLMss", None),
    ("Parkinson's", "Parkinson's tremor", "Parkinson's"),
    ("Parkinson's", "Parkinson’s tremor", "Parkinson’s"),
    ("Parkinson's disease", "Parkinson's diseases", "Parkinson's diseases"),
    ("Parkinson", "in Parkinson's", "Parkinson"),
    ("KV cache", "KV caches", "KV caches"),
    ("KV caches", "a KV cache", "KV cache"),
    ("policy", "policies", "policies"),
    ("policies", "a policy", "policy"),
    ("batch", "batches", "batches"),
    ("batches", "one batch", "batch"),
    ("losses", "a loss", "loss"),
    ("loss", "los", None),
    # hyphens and spaces
    ("fine-tuning", "fine tuning", "fine tuning"),
    ("fine tuning", "fine-tuning", "fine-tuning"),
    ("fine-tuning", "fine–tuning", "fine–tuning"),
    ("fine-tuning", "fine\ntuning", "fine\ntuning"),
    ("fine-tuning", "finetuning", "finetuning"),
    ("finetuning", "fine tuning", "fine tuning"),
    ("fine-tuning", "fine", None),
    ("fine  tuning", "fine tuning", "fine tuning"),
    ("state space", "State-Space models", "State-Space"),
    ("attention", "self-attention", "attention"),
    ("self-attention", "attention", None),
    # case and accents
    ("moe", "MoE", "MoE"),
    ("naive", "a naïve way", "naïve"),
    ("Naïve", "a naive way", "naive"),
    ("Schrödinger", "SCHRODINGER", "SCHRODINGER"),
    ("resume", "résumé", "résumé"),
    ("sum", "résumé", None),
    # what is not made of letters
    ("FP8", "in FP8.", "FP8"),
    ("FP8", "FP80", None),
    ("FP8", "FP8s", None),
    ("C++", "C++ code", "C++"),
    ("C++", "C++11", "C++"),
    ("C++", "C+", None),
    ("I/O", "I/O-bound", "I/O"),
    ("3D", "3D", "3D"),
    ("中文", "中文", "中文"),
    ("😀", "x😀y", "😀"),
]

SUBSTRINGS = [
    ("RL", "our world", "rl"),
    ("LLM", "llms", "llm"),
    ("LLMs", "an LLM", None),
    ("KV cache", "KV-cache", None),
    ("KV cache", "KV\ncache", None),
    ("naive", "naïve", None),
    ("ÉTÉ", "un été", "été"),
    ("C++", "c++11", "c++"),
    ("σ", "ΣΑ", "Σ"),
    ("izmir", "😀 IZMIR", "IZMIR"),
    ("x", "İİx", "x"),
    ("İzmir", "near İzmir", "İzmir"),
]

REGEXES = [
    (r"FP\d+", "in fp16 and FP8", "fp16"),
    (r"\bRL\b", "world RL", "RL"),
    (r"\bRL\b", "our world", None),
    (r"kv[- ]cache", "a KV-cache", "KV-cache"),
    (r"(?:pre|de)fill", "defill", "defill"),
    (r"^an", "An abstract", "An"),
    (r"cach.{0,3}$", "caches, caching", "caching"),
    (r"é\w", "😀 un été", "ét"),
    (r"C\+\+", "C++", "C++"),
    (r"x{2,3}", "xxxx", "xxx"),
]


@each_row(("keyword", "text", "expected"), WORDS)
def test_words(keyword: str, text: str, expected: str | None) -> None:
    """Whole words match with their plural, singular, hyphen and space variants, whatever their case and accents."""
    assert expected == found(make_feed(keyword), text)


@each_row(("keyword", "text", "expected"), SUBSTRINGS)
def test_substrings(keyword: str, text: str, expected: str | None) -> None:
    """In substring mode a keyword matches anywhere, whatever the case and nothing else."""
    assert expected == found(make_feed(keyword, match="substring"), text)


@each_row(("keyword", "text", "expected"), REGEXES)
def test_regexes(keyword: str, text: str, expected: str | None) -> None:
    """In regex mode a keyword is a regular expression, whatever the case."""
    assert expected == found(make_feed(keyword, match="regex"), text)


def test_regex_found_in_title_and_abstract() -> None:
    """A regular expression earns its weight and the title bonus, and its reason points to the match."""
    made = score(make_feed(r"ca\w+", match="regex"), "😀 KV cache", "Caching")
    assert Reason(r"ca\w+", 1.0, "title", 5, 10, "cache") == made.reasons[0]
    assert made.total == 1.5


@pytest.mark.parametrize("mode", ENGINES)
def test_feed_without_keywords(mode: str) -> None:
    """A feed without keywords takes everything, with a score of nothing."""
    assert score(make_feed(match=mode), "KV cache", "LLM") == Score(0, (), ())


@each_row("mode", ENGINES)
@each_row(
    ("keyword", "expected"),
    [
        ("cache", [("title", "cache"), ("title", "cache")]),
        ("ti:cache", [("title", "cache")]),
        ("abs:cache", [("abstract", "cache")]),
        ("ti:serving", []),
        ("abs:serving", [("abstract", "serving")]),
        ("au:Sample", [("authors", "First Sample")]),
        ("au:Second Sample", [("authors", "Second Sample")]),
        ("au:cache", []),
        ("cat:cs.LG", [("categories", "cs.LG")]),
        ("cat:cs.DC", [("categories", "cs.DC")]),
        ("cat:cs", [("categories", "cs.LG")]),
        ("cat:cs.CL", []),
        ("cat:LG", []),
        ("sample", []),
        ("cs.LG", []),
    ],
)
def test_prefixes(mode: str, keyword: str, expected: list[tuple[str, str]]) -> None:
    """A prefix restricts a keyword to title, abstract, authors or categories; without one it is title or abstract."""
    reasons = score(make_feed(keyword, match=mode), "A cache", "Serving with a cache", categories=("cs.LG", "cs.DC"))
    if keyword == "au:Sample" and mode != "word":  # there authors are a text like others
        expected = [("authors", "Sample")]
    assert expected == [(r.field, r.text if r.field != "abstract" else r.text.lower()) for r in reasons.reasons]


def test_accents_in_names() -> None:
    """Authors are found without accents, and their affiliations are not searched."""
    authors = (Author("Zoë Sample", "Cache Institute"), Author("Émile Sample"))
    made = score(make_feed("au:Emile Sample", "au:cache"), authors=authors)
    assert [(r.rule, r.start, r.end, r.text) for r in made.reasons] == [("au:Emile Sample", 12, 24, "Émile Sample")]


@each_row("mode", ENGINES)
@each_row(
    ("title", "abstract", "expected"),
    [
        ("cache", "cache", 4.5),
        ("cache", "nothing", 4.5),
        ("nothing", "cache", 3),
        ("nothing", "cache, cache, cache", 3),
        ("cache cache", "cache", 4.5),
        ("nothing", "nothing", 0),
    ],
)
def test_a_keyword_counts_once(mode: str, title: str, abstract: str, expected: float) -> None:
    """However often a keyword is found it earns its weight once, and the title bonus once."""
    assert expected == score(make_feed(Keyword("cache", 3), match=mode), title, abstract).total


def test_keywords_that_share_spellings() -> None:
    """Rules with the same or overlapping text are all found, each with its own reason."""
    feed = make_feed("LLM", "ti:LLM", "LLMs", "abs:LLM", "LLM cache", "cache", title_bonus=0)
    assert score(feed, "An LLM cache", "Nothing").matched == ("LLM", "ti:LLM", "LLMs", "LLM cache", "cache")


@each_row(
    ("mode", "exclude", "title", "abstract", "excluded"),
    [
        ("word", "survey", "A survey", "", True),
        ("word", "survey", "", "Two Surveys", True),
        ("word", "survey", "We surveyed", "", False),
        ("word", "systematic review", "", "a systematic-review of", True),
        ("word", "systematic review", "A systematic", "review", False),
        ("substring", "survey", "We surveyed", "", True),
        ("substring", "Survey", "", "SURVEYS", True),
        ("substring", "systematic review", "A systematic", "review", True),
        ("substring", "survey", "A review", "", False),
        ("regex", r"surv\w+", "We surveyed", "Nothing", True),
        ("regex", r"surv\w+", "A cache", "Nothing", False),
    ],
)
def test_exclude_words(mode: str, exclude: str, title: str, abstract: str, excluded: bool) -> None:
    """A paper with an exclude word in title or abstract has no score at all, whatever else it has."""
    feed = make_feed("cache", match=mode, exclude=("nowhere", exclude))
    assert excluded is (make_scorer(feed)(make_paper(title=title, abstract=f"{abstract} cache")) is None)


def test_straddling_match_counts_once_in_substring_mode() -> None:
    """The bot searched title and abstract joined: a match over the border counts, but is in neither of the two."""
    feed = make_feed("cache prefill", "ti:cache prefill", "abs:cache prefill", match="substring")
    made = score(feed, "KV cache", "prefill it")
    assert (made.total, made.matched) == (1.0, ("cache prefill",))


def test_no_straddling_match_in_word_mode() -> None:
    """Whole words are searched in title and abstract by themselves."""
    assert score(make_feed("cache prefill"), "KV cache", "prefill it").total == 0


def test_score_batch() -> None:
    """Papers in the feed's categories have a score by versioned identifier, None if excluded; others have none."""
    batch = make_batch(
        FRIDAY,
        [
            announce(1, "cs.LG", title="A cache"),
            announce(2, "cs.CL", "cs.LG", title="A survey", version=3),
            announce(3, "cs.CL", title="A cache"),
            announce(4, "stat.ML", title="A cache"),
        ],
    )
    feed = make_feed("cache", exclude=("survey",), categories=("cs.LG", "stat"))
    scores = {name: made and made.total for name, made in score_batch(feed, batch).items()}
    assert scores == {"2601.00001v1": 1.5, "2601.00002v3": None, "2601.00004v1": 1.5}


# Keywords, and texts that are made of them and of what may stand between, so that matches are frequent
PIECES = ["KV", "cache", "LLM", "rl", "é", "É", "naïve", "Σ", "ß", "😀", "C++", "FP8", "I/O", "ſ", "ﬁ"]
BETWEEN = ["", "", " ", "-", "–", "\n", "s", "es", "x", "_", ".", ", ", "中", "\u0301"]
keywords = st.lists(
    st.lists(st.sampled_from([*PIECES, " ", "-", "s"]), min_size=1, max_size=3)
    .map("".join)
    .map(str.strip)
    .filter(lambda text: text.strip("-– ")),
    min_size=1,
    max_size=5,
    unique=True,
)
passages = st.lists(st.sampled_from([*PIECES, *BETWEEN]), max_size=12).map("".join) | tricky


def rules(mode: str, texts: list[str], prefix: str = "") -> list[str]:
    return [prefix + (re2.escape(text) if mode == "regex" else text) for text in texts]


@pytest.mark.parametrize("mode", ENGINES)
@pytest.mark.parametrize("prefix", ["", "ti:", "abs:"])
@given(texts=keywords, title=passages, abstract=passages)
def test_reasons_point_into_the_text(mode: str, prefix: str, texts: list[str], title: str, abstract: str) -> None:
    """Every reason's text is what stands between its offsets in its field, and is not empty."""
    paper = make_paper(title=title, abstract=abstract)
    made = make_scorer(make_feed(*rules(mode, texts, prefix), match=mode))(paper)
    assert made is not None
    for reason in made.reasons:
        assert 0 <= reason.start < reason.end <= len(field_text(paper, reason.field))
        assert reason.text == field_text(paper, reason.field)[reason.start : reason.end]


@given(keywords, passages, passages)
def test_no_reason_points_inside_a_word(texts: list[str], title: str, abstract: str) -> None:
    """In word mode no match begins or ends between two letters, digits or underscores of the original text."""
    paper = make_paper(title=title, abstract=abstract)
    made = make_scorer(make_feed(*texts))(paper)
    assert made is not None
    for reason in made.reasons:
        text = field_text(paper, reason.field)
        for edge in (reason.start, reason.end):
            assert not re.fullmatch(r"\w\w", text[max(edge - 1, 0) : edge + 1])


@given(st.lists(st.text("abc", min_size=3, max_size=4), min_size=1, max_size=4), st.text("abcs _-.\n2", max_size=30))
def test_words_are_those_of_a_regular_expression(texts: list[str], text: str) -> None:
    """In word mode those keywords are found that stand in the text as words, or, from three letters, in the plural."""
    expected = {k for k in texts if re.search(rf"(?<!\w){k}s?(?!\w)", text, re.IGNORECASE)}
    assert expected == set(score(make_feed(*dict.fromkeys(texts)), "", text).matched)


@pytest.mark.parametrize("mode", ENGINES)
@given(texts=keywords, title=passages, abstract=passages, weights=st.lists(st.floats(0.001, 100), min_size=5))
def test_another_keyword_never_lowers_a_score(
    mode: str, texts: list[str], title: str, abstract: str, weights: list[float]
) -> None:
    """With positive weights, a feed with one keyword more gives the same score or a higher one."""
    made = [Keyword(text, weight) for text, weight in zip(rules(mode, texts), weights, strict=False)]
    totals = [score(make_feed(*made[:n], match=mode), title, abstract).total for n in range(len(made) + 1)]
    assert sorted(totals) == totals


def bot_score(keywords: list[str], title: str, abstract: str) -> float:
    """The keyword bot's rule, from its description."""
    text = f"{title} {abstract}".lower()
    once = [k.lower() for k in keywords]
    return sum(1.0 * (k in text) + 0.5 * (k in title.lower()) for k in once)


words_and_passages = st.tuples(keywords, passages, passages) | st.tuples(
    st.lists(st.text("ab ", min_size=1, max_size=3).filter(str.strip), max_size=4),
    st.text("abAB ", max_size=6),
    st.text("abAB ", max_size=6),
)


@given(words_and_passages)
@example((["cache prefill"], "KV cache", "prefill it"))
@example((["σ", "ς"], "ΑΣ", "ΑΣ"))
def test_substring_mode_is_the_bots_rule(drawn: tuple[list[str], str, str]) -> None:
    """In substring mode the score is exactly the keyword bot's."""
    written, title, abstract = drawn
    texts = list(dict.fromkeys(text.strip() for text in written))
    assert bot_score(texts, title, abstract) == score(make_feed(*texts, match="substring"), title, abstract).total


def test_rules_that_take_too_long() -> None:
    """Scoring ends at its deadline: with an error, not with some of the scores."""
    feed = make_feed(Keyword("cache"))
    batch = make_batch(FRIDAY, [announce(title="A cache")])
    assert 1 == len(score_batch(feed, batch, thread_time() + 60))
    with pytest.raises(TimeoutError):
        score_batch(feed, batch, thread_time() - 1)
    with pytest.raises(QueryError, match="take longer than"):
        asyncio.run(score_custom(feed, [batch], -1))


def test_one_match_of_each_regular_expression() -> None:
    """Of each regular expression the first match in a text is looked for: `.` matches in every place."""
    find, _ = ENGINES["regex"]
    assert [(0, 0, 1), (1, 2, 7)] == list(find([Term("."), Term("cache")])("a cache, a cache"))


# -- upvotes


@each_row("mode", ENGINES)
@each_row(
    ("upvotes", "expected"),
    [
        (None, []),
        (0, []),
        (4, []),
        (5, ["hf:5"]),
        (19, ["hf:5"]),
        (20, ["hf:5", "hf:20"]),
        (1234, ["hf:5", "hf:20"]),
    ],
)
def test_rules_on_upvotes(mode: str, upvotes: int | None, expected: list[str]) -> None:
    """A paper with as many upvotes as a rule asks for, or more, gets its points once; numbers in its text count not."""
    feed = make_feed("hf:5", "hf:20", match=mode)
    made = score(feed, "hf:5 with 20 upvotes", "20 and 5", upvotes=upvotes)
    assert [Reason(rule, 1.0, "upvotes", 0, len(str(upvotes)), str(upvotes)) for rule in expected] == list(made.reasons)
    assert (len(expected), tuple(expected)) == (made.total, made.matched)


@pytest.mark.parametrize("mode", ENGINES)
def test_numbers_that_are_keywords(mode: str) -> None:
    """A keyword that is a number is found in the text, and has nothing to do with upvotes."""
    assert ("20",) == score(make_feed("20", "hf:30", match=mode), "The top 20", upvotes=25).matched


DAILY = {"source": "huggingface", "categories": ()}


def test_upvotes_are_points_of_daily_papers() -> None:
    """In a feed of Hugging Face's papers each upvote is a point, to which keywords add; they are no keyword."""
    made = score(make_feed("cache", "hf:20", **DAILY), "A cache", upvotes=42)
    assert [
        Reason("upvotes", 42.0, "upvotes", 0, 2, "42"),
        Reason("cache", 1.0, "title", 2, 7, "cache"),
        Reason("cache", 0.5, "title", 2, 7, "cache", bonus=True),
        Reason("hf:20", 1.0, "upvotes", 0, 2, "42"),
    ] == list(made.reasons)
    assert (44.5, ("cache", "hf:20")) == (made.total, made.matched)
    assert Score(0, (), ()) == score(make_feed(**DAILY), upvotes=0)
    assert 0 == score(make_feed(), upvotes=42).total  # another source's feed


def test_daily_papers_of_a_batch() -> None:
    """Of a batch such a feed takes what Hugging Face picked, whatever its categories, unless it names some."""
    picks = [
        announce(1, categories=(), upvotes=3),
        announce(2, "math.CO", upvotes=0),
        announce(3, "cs.LG", upvotes=7, title="A survey"),
        announce(4, "cs.LG"),
    ]
    batch = make_batch(FRIDAY, picks)

    def totals(**more: Any) -> dict[str, float | None]:
        made = score_batch(make_feed(**(DAILY | more)), batch)
        return {name.partition("v")[0][-1]: score and score.total for name, score in made.items()}

    assert {"1": 3, "2": 0, "3": None} == totals(exclude=("survey",))
    assert {"3": 7} == totals(categories=("cs.LG",))
    assert {"3v1", "4v1"} == {name[-3:] for name in score_batch(make_feed(), batch)}
