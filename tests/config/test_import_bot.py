"""From the keyword bot's config.json to feeds.toml, both ways of reading its keywords."""

import json
import tomllib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.config.feeds_file import read_feeds_file
from core.config.import_bot import to_env, to_feeds_toml
from core.model.errors import ConfigError
from core.model.feed import Feed, Keyword
from core.ranking.matching import make_scorer
from tests.support.invented import make_paper
from tests.support.tables import each_row

BOT: dict[str, Any] = {
    "categories": ["cs.DC", "cs.LG"],
    "keywords": ["LLM", "Framework", "framework", "KV cache", "I/O", "FRAMEWORK"],
    "exclude_keywords": ["survey", "review"],
    "max_papers": 25,
    "min_score": 2.5,
    "days_back": 7,
}


def migrated(bot: dict[str, Any], *, exact: bool = False) -> Feed:
    """The feed of the feeds.toml that comes of a config.json, read as the service reads it."""
    toml, _ = to_feeds_toml(json.dumps(bot), exact=exact)
    return read_feeds_file(toml, "feeds.toml").feeds["main"]


def test_import_as_whole_words() -> None:
    """By default keywords match whole words, count once, and the minimum is taken over."""
    expected = Feed(
        name="main",
        title="Imported feed",
        categories=("cs.DC", "cs.LG"),
        match="word",
        min_score=2.5,
        max_entries=25,
        keywords=(Keyword("LLM"), Keyword("Framework"), Keyword("KV cache"), Keyword("I/O")),
        exclude=("survey", "review"),
    )
    assert expected == migrated(BOT)


def test_import_of_the_exact_rule() -> None:
    """The exact import matches substrings, counts a keyword as often as it is listed, and has no minimum."""
    expected = Feed(
        name="main",
        title="Imported feed",
        categories=("cs.DC", "cs.LG"),
        match="substring",
        min_score=0,
        max_entries=25,
        keywords=(Keyword("LLM"), Keyword("Framework", 3), Keyword("KV cache"), Keyword("I/O")),
        exclude=("survey", "review"),
    )
    assert expected == migrated(BOT, exact=True)


@pytest.mark.parametrize("exact", [False, True])
def test_defaults(exact: bool) -> None:
    """Categories alone make a feed of everything in them, thirty a day."""
    expected = Feed(
        name="main",
        title="Imported feed",
        categories=("cs",),
        match="substring" if exact else "word",
        max_entries=30,
    )
    assert expected == migrated({"categories": ["cs"]}, exact=exact)


@pytest.mark.parametrize(("days", "expected"), [(1, 1), (30, 30), (366, 366), (4000, 366)])
def test_days_back_is_the_retention(days: int, expected: int) -> None:
    """What the bot kept for so many days is kept as long, a year at most."""
    toml, _ = to_feeds_toml(json.dumps(BOT | {"days_back": days}))
    assert read_feeds_file(toml, "feeds.toml").instance.retention_days == expected


@pytest.mark.parametrize("exact", [False, True])
def test_notes(exact: bool) -> None:
    """What has no place in feeds.toml is noted by name; nothing is noted where all was taken over."""
    _, notes = to_feeds_toml(json.dumps(BOT | {"openai_model": "x", "timezone": "UTC"}), exact=exact)
    assert notes == ["not taken over: openai_model", "not taken over: timezone"]
    assert to_feeds_toml(json.dumps(BOT), exact=exact)[1] == []


@pytest.mark.parametrize("exact", [False, True])
def test_the_bots_model_is_taken_over_as_settings(exact: bool) -> None:
    """Its endpoint, model and key are named as variables, how many papers it summarised is the feed's `summaries`."""
    wanted = {
        "enabled": True, "api_key_env": "SAMPLE_KEY", "base_url": "https://models.example/v1", "model": "sample-long",
        "prompt_file": "prompt.txt", "max_papers_to_summarize": 12, "max_workers": 3,
    }  # fmt: skip
    toml, notes = to_feeds_toml(json.dumps(BOT | {"ai_summary": wanted}), exact=exact)
    feed = read_feeds_file(toml, "feeds.toml").feeds["main"]
    assert ("key-findings", 12) == (feed.summary, feed.summaries)
    assert notes == [
        "ai_summary: set in the environment or in .env: LLM_BASE_URL=https://models.example/v1, LLM_MODEL=sample-long, "
        "LLM_API_KEY=<the value of SAMPLE_KEY>, LLM_CONCURRENCY=3",
        "not taken over: ai_summary.prompt_file",
    ]


def test_a_bot_without_summaries_stays_without() -> None:
    """Where it had a model that was switched off, nothing is summarised."""
    toml, notes = to_feeds_toml(json.dumps(BOT | {"ai_summary": {"enabled": False, "model": "sample-long"}}))
    assert ("", []) == (read_feeds_file(toml, "feeds.toml").feeds["main"].summary, notes)


def test_the_text_is_plain_toml() -> None:
    """The result is a file that an owner goes on with: three tables, keys quoted only where they must be."""
    toml, _ = to_feeds_toml(json.dumps(BOT | {"keywords": ["LLM", 'a "b" \\c', "été"]}))
    assert toml == (
        '[instance]\ntitle = "My arXiv wire"\ncontact = ""\nretention_days = 7\n\n'
        '[feeds.main]\ntitle = "Imported feed"\ncategories = ["cs.DC", "cs.LG"]\nmatch = "word"\nmin_score = 2.5\n'
        'max_entries = 25\nexclude = ["survey", "review"]\n\n'
        '[feeds.main.keywords]\nLLM = 1\n"a \\"b\\" \\\\c" = 1\n"été" = 1\n'
    )


@each_row(
    ("text", "problem"),
    [
        ("", "config.json: not JSON: Expecting value: line 1 column 1 (char 0)"),
        ("{", "config.json: not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("[]", "config.json: an object was expected, with categories and keywords"),
        ("null", "config.json: an object was expected, with categories and keywords"),
        ("{}", "config.json: categories: Field required"),
        ('{"categories": []}', "config.json: categories: List should have at least 1 item after validation, not 0"),
        ('{"categories": "cs.LG"}', "config.json: categories: Input should be a valid list"),
        ('{"categories": ["cs.LG"], "keywords": [1]}', "config.json: keywords.0: Input should be a valid string"),
        (
            '{"categories": ["cs.LG"], "max_papers": 0}',
            "config.json: max_papers: Input should be greater than or equal to 1",
        ),
        (
            '{"categories": ["cs.LG"], "min_score": "high"}',
            "config.json: min_score: Input should be a valid number, unable to parse string as a number",
        ),
        (
            '{"categories": ["cs.LX"]}',
            "config.json: feeds.main.categories: 'cs.LX' is not an archive or category of arXiv; "
            "near it: cs.PL, cs.LO, cs.LG",
        ),
        (
            '{"categories": ["cs.LG"], "exclude_keywords": [""]}',
            "config.json: feeds.main.exclude: '' has nothing to look for",
        ),
    ],
)
def test_broken_input(text: str, problem: str) -> None:
    """A config.json that cannot be taken over is refused with the place and the reason."""
    with pytest.raises(ConfigError) as caught:
        to_feeds_toml(text)
    assert caught.value.problems == (problem,)


def test_all_mistakes_at_once() -> None:
    """Each mistake of a config.json has a line of its own."""
    with pytest.raises(ConfigError) as caught:
        to_feeds_toml('{"keywords": "LLM", "days_back": 0}')
    assert [line.split(":")[1].strip() for line in caught.value.problems] == ["categories", "keywords", "days_back"]


def attempt(bot: dict[str, Any], *, exact: bool = False) -> Feed | ConfigError:
    try:
        return migrated(bot, exact=exact)
    except ConfigError as error:
        return error


def test_more_papers_than_a_feed_shows() -> None:
    """A bot that published more than a feed may show is imported with the most there may be, and told so."""
    toml, notes = to_feeds_toml(json.dumps(BOT | {"max_papers": 1000}))
    assert read_feeds_file(toml, "feeds.toml").feeds["main"].max_entries == 500
    assert notes == ["max_papers: 1000 becomes 500, the most entries a day"]


@each_row("exact", [False, True])
@each_row(
    "keyword",
    [
        "KV cache",
        "I/O",
        "C++",
        "été",
        "中文",
        "a\tb",
        'q"uote',
        "back\\slash",
        "new\nline",
        "\x01",
        "a\x7fb",
        "😀",
        "#",
    ],
)
def test_keywords_of_any_characters(exact: bool, keyword: str) -> None:
    """Whatever characters a keyword has, it is in the feed as it was; but for what no text has, unless exactly so."""
    if not exact and not keyword.isprintable() and not any(map(str.isspace, keyword)):
        with pytest.raises(ConfigError, match="control characters"):
            to_feeds_toml(json.dumps({"categories": ["cs.LG"], "keywords": [keyword]}))
        return
    assert migrated({"categories": ["cs.LG"], "keywords": [keyword]}, exact=exact).keywords == (Keyword(keyword),)


words = st.lists(st.sampled_from(["LLM", "llm", "KV cache", "KV-cache", "kv-CACHE", "Rl", "RL", "naive", "naïve"]))
passages = st.lists(st.sampled_from(["LLM ", "kv", "-", " ", "cache ", "world ", "naïve", "survey", "\n"])).map("".join)


@given(words, passages, passages)
@example(["KV cache", "KV cache", "KV-cache"], "", "KV cache")
def test_exact_import_scores_as_the_bot_did(listed: list[str], title: str, abstract: str) -> None:
    """Under the exact import every paper has the score that the bot gave it, keywords listed twice included."""
    feed = migrated({"categories": ["cs.LG"], "keywords": listed, "exclude_keywords": ["survey"]}, exact=True)
    text = f"{title} {abstract}".lower()
    expected = sum(1.0 * (k.lower() in text) + 0.5 * (k.lower() in title.lower()) for k in listed)
    made = make_scorer(feed)(make_paper(title=title, abstract=abstract))
    assert made is None if "survey" in text else made is not None and expected == made.total


@given(
    st.fixed_dictionaries(
        {"categories": st.lists(st.sampled_from(["cs.LG", "cs", "math.CO"]), min_size=1)},
        optional={
            "keywords": st.lists(st.text(max_size=8), max_size=5),
            "exclude_keywords": st.lists(st.text(min_size=1, max_size=5), max_size=3),
            "max_papers": st.integers(1, 500),
            "min_score": st.floats(-1000, 1000),
            "days_back": st.integers(1, 1000),
            "other": st.integers() | st.text(),
        },
    ),
    st.booleans(),
)
def test_the_result_is_valid(bot: dict[str, Any], exact: bool) -> None:
    """What comes of any config.json is a valid feeds.toml with each of its keywords once, or an explanation."""
    found = attempt(bot, exact=exact)
    if isinstance(found, ConfigError):
        assert all(line.startswith("config.json: ") for line in found.problems)
        return
    toml, notes = to_feeds_toml(json.dumps(bot), exact=exact)
    assert set(tomllib.loads(toml)) == {"instance", "feeds"}
    assert {k.strip().lower() for k in bot.get("keywords", []) if k.strip()} == {
        written.lower() for written in tomllib.loads(toml)["feeds"]["main"]["keywords"]
    }
    assert len(notes) == ("other" in bot)


def test_least_score_of_a_bot_without_one() -> None:
    """A bot's config without `min_score` becomes a feed that shows what has points; the exact one shows everything."""
    plain = {"categories": ["cs.LG"], "keywords": ["LLM"]}
    assert 1 == migrated(plain).min_score
    assert 0 == migrated(plain | {"min_score": 0}).min_score
    assert 0 == migrated(plain, exact=True).min_score


def test_the_model_goes_to_a_env() -> None:
    """The bot's model becomes variables; what the file has stays, and the key is read from where the bot reads it."""
    text = json.dumps(
        {
            "categories": ["cs.LG"],
            "ai_summary": {
                "api_key_env": "BOT_KEY",
                "base_url": "https://llm.example/v1",
                "model": "m-1",
                "max_workers": 2,
            },
        }
    )
    made = to_env(text, "LLM_MODEL=mine", {"BOT_KEY": "secret"})
    assert 'LLM_MODEL=mine\nLLM_BASE_URL="https://llm.example/v1"\nLLM_CONCURRENCY="2"\nLLM_API_KEY="secret"\n' == made
    assert made == to_env(text, made, {})
    assert "# LLM_API_KEY=<the value of BOT_KEY>\n" in to_env(text, "", {})
    assert "A=1\n" == to_env(json.dumps({"categories": ["cs.LG"], "ai_summary": {"enabled": False}}), "A=1\n", {})
