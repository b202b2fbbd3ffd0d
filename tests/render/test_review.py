"""Reviews as documents: golden Markdown in three languages, and nothing that a paper or a model says breaks them."""

import json
import re
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from core.model.digest import FRONT_MATTERS
from core.model.paper import Author
from core.model.review import POST, Failure, Review
from core.model.summary import Summary
from core.model.template import LANGUAGES
from core.render.feeds import render_feed
from core.render.messages import messages
from core.render.review import REVIEW_MARKER, review_document, review_html, review_items, review_json, review_markdown
from tests.render import channel
from tests.render.test_digests import BREAKERS, PAGE_TAGS
from tests.support import rules
from tests.support.invented import make_paper
from tests.support.reviewing import KEYS, TEMPLATE, reviewing
from tests.support.rules import atom_faults, html_faults, jsonfeed_faults, markdown_tokens, rss_faults
from tests.support.tables import each_row
from tests.support.vectors import TEXTS, hostile_texts, joined_texts

DATA = Path(__file__).parents[1] / "data" / "reviews"
HOSTS = re.compile(r"https://(arxiv\.org|wire\.example|github\.com/sample|doi\.org)(/|$)")
FAULTS = {"rss": rss_faults, "atom": atom_faults, "json": jsonfeed_faults}


def make_review(text: str = "Some text.", language: str = "en", **more: object) -> Review:
    """A complete review in which everything that anybody can say is `text`."""
    paper = make_paper(title=text, authors=(Author(text, text),))
    post = Summary("review", language, text, text, parts=tuple((part.key, text) for part in TEMPLATE.post), input="pdf")
    whole = Review(
        paper, language, text, "0" * 16, KEYS, "2026-03-06T10:00:00Z", "2026-03-06T17:00:00Z", "pdf", text,
        dict.fromkeys(KEYS, text), {}, post, frozenset(KEYS), (text, "topic"), prompts=dict.fromkeys(KEYS, text),
    )  # fmt: skip
    return replace(whole, **more)


@pytest.mark.parametrize("language", LANGUAGES)
def test_golden(language: str, tmp_path: Path) -> None:
    """A review that was asked for over HTTP, answered by the stand-in, stored and read again, is this very document."""
    with reviewing(tmp_path) as given:
        review = given.review(language=language).review
    assert "ready" == review.state
    for kind in FRONT_MATTERS if language == "en" else ["plain"]:
        golden = DATA / f"{language}{'' if kind == 'plain' else f'.{kind}'}.md"
        assert golden.read_text("utf-8") == review_markdown(review, TEMPLATE, kind)


def test_no_other_golden_files() -> None:
    """Every golden file is compared with something."""
    assert {*(f"{name}.md" for name in LANGUAGES), "en.share.md", "en.jekyll.md", "en.hugo.md"} == {
        path.name for path in DATA.iterdir()
    }


@each_row("key", messages("review", "en"))
def test_words(key: str) -> None:
    """Each term is there in each language, with the same places to fill in."""
    places = {tuple(sorted(re.findall(r"\{\w+\}", messages("review", language)[key]))) for language in LANGUAGES}
    assert 1 == len(places)
    assert all(messages("review", language)[key] for language in LANGUAGES)


@pytest.mark.parametrize("text", ["Plain", 'A "quoted": title', "---\nkey: value", "{{ liquid }}", "#1 {% raw %}"])
def test_front_matter(text: str) -> None:
    """Front matter has title, date, categories and tags, the identifier with its version first, whatever the title."""
    for kind in FRONT_MATTERS:
        document = review_markdown(make_review(text), TEMPLATE, kind)
        front = yaml.safe_load(document.split("---\n")[1])
        assert " ".join(text.split()) == front["title"]
        assert {"title", "date", "categories", "tags"} <= front.keys()
        assert "2601.00001v1" == front["tags"][0]
        assert "topic" in front["tags"]
        assert "2026-03-06" == str(front["date"])[:10]


def test_folds() -> None:
    """The questions are folded: as kramdown reads it for Jekyll, and not at all for Hugo, which leaves HTML out."""
    made = {kind: review_markdown(make_review(), TEMPLATE, kind) for kind in FRONT_MATTERS}
    assert "<details>\n<summary>Questions and answers</summary>" in made["plain"]
    assert '<details markdown="1">' in made["jekyll"]
    assert "<details" not in made["hugo"]
    assert all(part.heading["en"] in made["hugo"] for part in TEMPLATE.parts)
    assert ["# Some text.\n" in made[kind] for kind in FRONT_MATTERS] == [True, True, False, False]


def test_what_is_missing_is_said() -> None:
    """Questions without an answer say why, and the document says at its beginning how many there are of them."""
    answers = dict.fromkeys(KEYS[:7], "An answer.")
    failures = {KEYS[7]: Failure(KEYS[7], "empty", "The answer is empty")}
    begun = make_review(post=None, answers=answers, failures=failures)
    document = review_markdown(begun, TEMPLATE)
    assert "**7 of 12 questions answered; the review is not complete yet.**" in document
    assert "The post is not written yet." in document
    assert "Not answered: The answer is empty." in document
    assert 4 == document.count("Not answered yet.")
    partial = make_review(answers=answers, post_of=frozenset(answers), failures={})
    assert "partial" == partial.state
    assert "**7 of 12 questions answered; the post was written without the others.**" in review_markdown(
        partial, TEMPLATE
    )
    failed = replace(begun, failures={POST: Failure(POST, "busy", "Too much to do.")})
    assert "The post is not written yet. (Too much to do)" in review_markdown(failed, TEMPLATE)


def markdown_faults(text: str) -> list[str]:
    """Why Markdown is not only what the project itself has put there."""
    own = [(t.tag, t.level) for t in markdown_tokens(text) if t.type == "heading_open" and t.tag in ("h1", "h2")]
    headings = [] if own == [("h2", 0)] * 9 else [f"headings {own}"]
    return rules.markdown_faults(text, hosts=HOSTS, marker=REVIEW_MARKER) + headings


@hostile_texts
def test_hostile_texts(texts: tuple[str, ...]) -> None:
    """Whatever a paper or a model says, Markdown, pages and feeds have no tag, image or foreign link of it."""
    for text in [*joined_texts(2000, texts), *(BREAKERS if texts is TEXTS else BREAKERS[::4])]:
        assert_harmless(text)


def assert_harmless(text: str) -> None:
    hostile = make_review(text)
    assert [] == markdown_faults(review_markdown(hostile, TEMPLATE, "jekyll"))
    assert [] == html_faults(review_html(hostile, TEMPLATE), tags=PAGE_TAGS, hosts=HOSTS)
    (item,) = review_items([hostile], TEMPLATE, lambda _: "https://wire.example/reviews/1")
    assert [] == html_faults(item.html)
    json.loads(review_json(hostile, TEMPLATE))
    assert "<script" not in review_document(hostile, TEMPLATE).lower()


@hostile_texts
@pytest.mark.parametrize("kind", FAULTS)
def test_feeds(kind: str, texts: tuple[str, ...]) -> None:
    """Reviews are valid feeds; of those that were written in the same second, each has a time of its own."""
    for text in ["Some text.", *joined_texts(4000, texts)]:
        assert_valid_feed(kind, text)


def assert_valid_feed(kind: str, text: str) -> None:
    reviews = [make_review(text, language) for language in LANGUAGES]
    items = review_items(reviews, TEMPLATE, lambda review: f"https://wire.example/reviews/1?language={review.language}")
    made = channel(kind)
    assert [] == FAULTS[kind](render_feed(kind, made, items), made.self_url)
    assert datetime.fromisoformat(reviews[0].updated) == items[0].time


def test_json() -> None:
    """JSON has the questions in order with answers or problems, the parts of the post, and how far it is."""
    failures = {KEYS[0]: Failure(KEYS[0], "refused", "The model refuses to answer")}
    answers = dict.fromkeys(KEYS[1:], "An answer.")
    plain = json.loads(review_json(make_review(answers=answers, failures=failures), TEMPLATE))
    assert ("2601.00001", 1, "partial", 11, 12) == tuple(
        plain[k] for k in ("id", "version", "state", "answered", "total")
    )
    assert list(KEYS) == [question["key"] for question in plain["questions"]]
    assert "The model refuses to answer" == plain["questions"][0]["problem"]
    assert "An answer." == plain["questions"][1]["answer"]
    assert "Some text." == plain["post"]["parts"]["tldr"]


def test_what_the_front_matter_records() -> None:
    """Front matter has the summary line, the reading time, the model and the cover; the model is a category too."""
    post = make_review("A $x_1$ text. " * 400).post
    assert post
    review = replace(make_review(), model="example/model-1", post=replace(post, markdown="word " * 1150))
    front = yaml.safe_load(review_markdown(review, TEMPLATE, "jekyll").split("---\n")[1])
    assert ("example/model-1", 5) == (front["model"], front["reading_time"])
    assert "example/model-1" in front["categories"]
    assert front["description"].startswith("A x₁ text.")
    assert front["image"] == f"https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/{review.paper.id}.png"
    old = replace(review, paper=replace(review.paper, id="hep-th/9901001"))
    assert "image" not in yaml.safe_load(review_markdown(old, TEMPLATE, "jekyll").split("---\n")[1])


def test_formulas_and_diagrams() -> None:
    """Formulas and Mermaid survive in Markdown; a page has MathML, and the diagram as text."""
    review = make_review(
        "Flow:\n\n```mermaid\nflowchart TD\n  A --> B\n```\n\n$$\nL = \\sum_i x_i\n$$\n\nand $\\hat{x}_i$"
    )
    text, page = review_markdown(review, TEMPLATE), review_html(review, TEMPLATE)
    assert (
        text.count("\n\n```mermaid\nflowchart TD\n  A --> B\n```\n\n$$\nL = \\sum_i x_i\n$$\n\nand $\\hat{x}_i$") > 12
    )
    assert "and $$\\hat{x}_i$$" in review_markdown(review, TEMPLATE, "jekyll")
    assert page.count('<math display="block">') > 12
    assert "flowchart TD" in page


def test_headings_of_answers_are_below_the_questions() -> None:
    """No heading of an answer is as high as that of its question, and none is left out between them."""
    page = review_html(make_review("### Deep\n\n# Top\n\ntext"), TEMPLATE)
    levels = [int(level) for level in re.findall(r"<h(\d)", page)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert "<h4>Top</h4>" in page
