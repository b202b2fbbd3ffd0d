"""Digests as documents: what is in each style, and that nothing that a paper or a model says breaks them."""

import json
import re
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.model.digest import FRONT_MATTERS, STYLES, Digest, make_digest
from core.model.feed import Feed, Keyword
from core.model.paper import Author
from core.model.rubric import Criterion, Mark, Rubric, Scorecard
from core.model.sources import NAMES
from core.model.template import LANGUAGES
from core.render.digest.common import Site, institutions_of, venue_of
from core.render.digest.document import (
    DIGEST_MARKER,
    FEED_BYTES,
    digest_html,
    digest_item,
    digest_items,
    digest_json,
    digest_markdown,
    digest_title,
)
from core.render.feeds import render_feed
from core.render.messages import messages
from core.render.shapes import entry_to_plain
from tests.render import channel
from tests.support import rules
from tests.support.digests import ENTRIES, FEED, RECORD, SITE, card, digest, entry, summary
from tests.support.rules import (
    MATHML_TAGS,
    READER,
    SAFE_TAGS,
    atom_faults,
    body_of,
    html_faults,
    jsonfeed_faults,
    markdown_tokens,
    rss_faults,
)
from tests.support.tables import each_row
from tests.support.vectors import HOST, TEXTS, hostile_texts, joined_texts

DATA = Path(__file__).parents[1] / "data" / "digests"
HOSTS = re.compile(r"https://(arxiv\.org|www\.alphaxiv\.org|wire\.example|github\.com/sample|doi\.org)(/|$)")
PAGE_TAGS = SAFE_TAGS | MATHML_TAGS | {"h2", "details", "summary"}
CASES = [(style, language) for style in STYLES for language in LANGUAGES]


def headings(text: str) -> list[tuple[str, str]]:
    """The headings with their levels, as they are read."""
    tokens = READER.parse(body_of(text))
    pairs = [(token, tokens[at + 1]) for at, token in enumerate(tokens) if token.type == "heading_open"]
    return [(token.tag, "".join(child.content for child in inline.children or ())) for token, inline in pairs]


def tables(text: str) -> list[list[list[str]]]:
    """The tables: rows of cells, each as it is read."""
    out: list[list[list[str]]] = []
    tokens = READER.parse(body_of(text))
    for token, following in pairwise(tokens):
        if token.type == "table_open":
            out.append([])
        elif token.type == "tr_open":
            out[-1].append([])
        elif token.type in ("td_open", "th_open"):
            out[-1][-1].append("".join(child.content for child in following.children or ()))
    return out


@each_row(("style", "language"), CASES)
def test_golden(style: str, language: str) -> None:
    """The invented day gives just these bytes."""
    expected = (DATA / f"{style}.{language}.md").read_text("utf-8")
    assert expected == digest_markdown(digest(style, language), SITE)
    assert expected == digest_markdown(digest(style, language, entries=tuple(reversed(ENTRIES))), SITE)


def test_no_other_golden_files() -> None:
    """Each of the files is compared with something."""
    assert {f"{style}.{language}.md" for style, language in CASES} == {path.name for path in DATA.iterdir()}


@each_row("key", messages("digest", "en"))
def test_words(key: str) -> None:
    """Each language has all words, with the same values in them."""
    values = {tuple(sorted(re.findall(r"{(\w+)}", messages("digest", language)[key]))) for language in LANGUAGES}
    assert 1 == len(values)
    assert all(messages("digest", language)[key].strip() or key == "colon" for language in LANGUAGES)


# --- the styles, read back


def test_list() -> None:
    """The keyword bot's page has its parts in order, and a numbered heading for each paper that links to its page."""
    text = digest_markdown(digest("list"), SITE)
    found = headings(text)
    assert ("h1", FEED.title) == found[0]
    assert [
        "Statistics",
        "Recent papers",
        "Configuration",
        "How to customise",
        "Schedule",
        "How to trigger it by hand",
        "How to use",
    ] == [name for tag, name in found if tag == "h2"]
    assert [f"{n}. {e.paper.title}" for n, e in enumerate(ENTRIES, 1)] == [name for tag, name in found if tag == "h3"]
    links = [str(token.attrGet("href")) for token in markdown_tokens(text) if token.type == "link_open"]
    assert [e.paper.links["abs"] for e in ENTRIES] == [url for url in links if "arxiv.org" in url]
    assert "[![Deployed with Vercel](https://vercel.com/button)](<https://wire.example>)" in text
    assert ["AI summary (by example/model-1): click to open"] * 2 == re.findall(r"<summary>(.*)</summary>", text)
    assert [["Keyword", "Weight"], ["KV cache", "3"], ["ti:memory", "2"]] == tables(text)[0]
    assert "- **Score**: 9.0\n- **Type**: new\n- **arXiv ID**: 2603.90001v1\n" in text


@each_row(("source", "language"), [(source, "en") for source in NAMES] + [("huggingface", "ko"), ("huggingface", "zh")])
def test_list_of_other_sources(source: str, language: str) -> None:
    """A digest names its source, and says nothing of categories where there are none."""
    feed = replace(FEED, source=source, categories=(), keywords=())
    made = make_digest(feed, RECORD, (entry(1, 5, categories=()),), style="list", language=language)
    text, words = digest_markdown(made, SITE), messages("digest", language)
    assert not re.search(r"^- \*\*[^*]+\*\*[:：]\s*$", text, re.MULTILINE)
    assert words["categories monitored"] not in text
    assert words["no keywords"] not in text
    if source != "arxiv":
        assert f"\n{NAMES[source]}" in text
        assert words["intro"].partition("{")[0] not in text


def test_list_cuts_abstracts() -> None:
    """An abstract is cut after 300 characters, and only then has a sign of it."""
    abstracts = {"x" * 300: "x" * 300, "x" * 301: "x" * 300 + "…", "a  b\nc": "a b c"}
    for abstract, shown in abstracts.items():
        text = digest_markdown(digest("list", entries=(entry(1, 5, abstract=abstract),)), SITE)
        assert f"\n> {shown}\n" in text


def test_best_have_summaries() -> None:
    """The feed's number of papers have a summary in the list, others not, whatever is stored."""
    entries = tuple(entry(n, 20 - n, summary=summary(model="")) for n in range(1, 16))
    for most in (1, 4, 15):
        made = make_digest(replace(FEED, summaries=most), RECORD, entries, style="list")
        assert most == digest_markdown(made, SITE).count("<summary>Extracted from the abstract</summary>")


def test_deploy_badge_needs_an_address() -> None:
    """Without a public address there is no badge, and no address of the service."""
    text = digest_markdown(digest("list"), Site("Test wire"))
    assert "vercel.com" not in text
    assert "wire.example" not in text


def test_staged() -> None:
    """The staged digest has its statistics, bands and tables, as the rubric sorts the papers."""
    text = digest_markdown(digest("staged"), SITE)
    (fence,) = [token.content for token in markdown_tokens(text) if token.type == "fence"]
    assert [
        "Stage 1 (abstract screening): collected 224 → 7 prioritised",
        "  screened: 6",
        "    for deep analysis (predicted ≥ 4): 5",
        "    skipped (predicted < 4): 1",
        "  not analysed yet: 1",
        "Stage 2 (PDF): analysed 4",
        "  must-read (≥ 5): 2",
        "    8 points: 2603.90001",
        "    5 points: 2603.90002",
        "  review (≥ 3, < 5): 1",
        "    3 points: 2603.90003",
        "  skip (< 3): 1",
        "    1 points: 2603.90004",
        "  waiting for analysis: 1",
    ] == fence.splitlines()
    found = [name for tag, name in headings(text) if tag in ("h2", "h3")]
    assert [
        "Analysis statistics",
        "High-scoring papers (final ≥ 5)",
        "[8 points] Prefetching the KV cache",
        "[5 points] Flash | for models: $O(n^2)$ writes & <reads>",
        "Papers to review (final ≥ 3, < 5)",
        "Waiting for analysis",
        "Not analysed yet",
        "Skipped papers",
    ] == found
    four, rubric, _, review, waiting, unscreened, skipped = tables(text)
    assert ["a) Problem solved", "b) Limits of existing approaches", "c) Proposed method", "d) Effect"] == [
        row[0] for row in four[1:]
    ]
    assert "Offloading waits for PCIe | and SSDs." == four[2][1]
    assert ["Direct storage", "3/3", "Because of Direct storage."] == rubric[1]
    assert [["1", "Checkpoints in the cloud", "4 → 3", "Latency falls by 38 % on bench-1.", "2603.90003v1"]] == review[
        1:
    ]
    assert [["Waiting for its analysis", "2603.90005v1", "7", "5"]] == waiting[1:]
    assert [["Not looked at", "2603.90007v1", "–", "3"]] == unscreened[1:]
    assert ["A graph", "2603.90006v1", "1", "It is about graphs | only."] == skipped[2]
    for line in (
        "**Institutions**: Institute of Examples",
        "**Venue**: SampleConf 2026",
        "**Predicted → final**: 6 → 8",
    ):
        assert line in text
    assert "**Venue**: Symposium of Samples 2026" in text
    assert "The summary failed: the model's answer was cut off." in text
    assert text.startswith("---\nshare: true\n---\n\n# Storage for models: Digest — 2026-03-06\n")


@each_row(
    ("known", "expected"),
    [
        ({"scorecard": card(6, 3, 3, 2, venue="arXiv preprint"), "journal_ref": "J. Samples 3"}, "J. Samples 3"),
        ({"comment": "Published as a conference paper at ICLR 2026"}, "ICLR 2026"),
        ({"comment": "NeurIPS 2025 (Spotlight), 12 pages"}, "NeurIPS 2025"),
        ({"comment": "SOSP '26"}, "SOSP '26"),
        ({"comment": "Submitted to ICML 2026"}, ""),
        ({"comment": "12 pages, code for GPT-2024"}, ""),
        ({"scorecard": card(6, 3, 3, 2, venue="OSDI 2026"), "journal_ref": "J. Samples"}, "OSDI 2026"),
    ],
)  # fmt: skip
def test_venue(known: dict[str, Any], expected: str) -> None:
    """The venue is that of the text, of the journal's reference, or of the comment, unless the paper was only sent."""
    assert expected == venue_of(entry(1, 5, **known))


def test_institutions_once() -> None:
    """Institutions that differ in spelling alone are named once, as they come first."""
    names = ("Example Lab", "The Example Laboratory", "University of Sample", "Sample Univ.", "Sample Institute")
    found = institutions_of(entry(1, 5, scorecard=card(6, 3, 3, 2, institutions=names)))
    assert "Example Lab, University of Sample, Sample Institute" == found


@pytest.mark.parametrize("language", ["ko", "zh"])
def test_no_english_sentences(language: str) -> None:
    """Other languages have no sentence in English but those of papers and models."""
    for style in STYLES:
        made = digest(style, language, entries=tuple(replace(e, paper=replace(e.paper, abstract="")) for e in ENTRIES))
        text = body_of(digest_markdown(made, SITE))
        for words in ("encrypted", "cut off", "cross-list", "new\n", "Extracted", "click", "failed"):
            assert words not in text


def test_daily_is_of_its_source() -> None:
    """The daily blog has tags of its own, and AlphaXiv's overview in its language."""
    made = replace(digest("daily", "ko"), feed=replace(FEED, source="huggingface", categories=()))
    text = digest_markdown(made, SITE)
    assert 'tags: ["papers", "huggingface"]' in text
    assert "(<https://www.alphaxiv.org/ko/overview/2603.90001>)" in text
    assert 'tags: ["papers", "arxiv", "cs.DC", "cs.LG"]' in digest_markdown(digest("daily"), SITE)


@pytest.mark.parametrize("style", STYLES)
def test_headings_in_order(style: str) -> None:
    """No heading is more than one level below the one before it, whatever headings a summary has."""
    written = tuple(replace(e, summary=summary(markdown="#### Deep\n\n# Top\n\n### Low", parts=())) for e in ENTRIES)
    found = headings("# Title\n\n" + body_of(digest_markdown(digest(style, entries=written), SITE, "jekyll")))
    levels = [int(tag[1]) for tag, _ in found]
    assert all(below <= above + 1 for above, below in pairwise(levels))


def test_staged_without_a_rubric() -> None:
    """A feed without a rubric says so, and shows its papers as not analysed."""
    feed = replace(FEED, rubric=None)
    made = make_digest(feed, RECORD, [replace(e, scorecard=None) for e in ENTRIES], style="staged")
    text = digest_markdown(made, SITE)
    assert "This feed has no rubric" in text
    assert [e.paper.title for e in ENTRIES] == [row[0] for row in tables(text)[0][1:]]


def test_other_templates_in_staged() -> None:
    """A summary by another template is shown as it is."""
    other = summary(template="key-findings", markdown="# Findings\n\nA *finding*.", parts=())
    text = digest_markdown(digest("staged", entries=(entry(1, 9, scorecard=card(6, 3, 3, 2), summary=other),)), SITE)
    assert "### Findings\n\nA *finding*." in text


def test_daily() -> None:
    """The blog's post has numbered headings that link, and each paper's AlphaXiv overview."""
    text = digest_markdown(digest("daily"), SITE)
    assert {"layout": "post", "title": "Daily Papers — 2026-03-06", "lang": "en"}.items() <= front(text).items()
    assert "h1" not in dict(headings(text))
    links = [str(token.attrGet("href")) for token in markdown_tokens(text) if token.type == "link_open"]
    assert [
        url for e in ENTRIES for url in (e.paper.links["abs"], f"https://www.alphaxiv.org/overview/{e.id}")
    ] == links


@each_row("style", STYLES)
@each_row(("language", "mark"), [("en", " (withdrawn)"), ("ko", " (철회됨)"), ("zh", "（已撤稿）")])
def test_withdrawn_papers_are_marked(style: str, language: str, mark: str) -> None:
    """The title of a withdrawn paper says so, in every style and language, and no other does."""
    gone = entry(1, 9, comment="Withdrawn by the authors", scorecard=card(6, 3, 3, 2))
    made = digest(style, language, entries=(gone, entry(2, 8, scorecard=card(5, 2, 2, 1))))
    text = digest_markdown(made, SITE)
    assert (True, False) == (f"Paper 1{mark}" in text, f"Paper 2{mark}" in text)


@each_row(("style", "language"), CASES)
def test_partial_days_say_so_first(style: str, language: str) -> None:
    """A batch that is not complete is told of before any paper, with the reason."""
    made = digest(style, language, state="partial", reason="cs.LG failed | twice")
    text = body_of(digest_markdown(made, SITE))
    reason = "cs.LG failed" if language == "en" else "cs.LG"
    assert 0 < text.index(reason) < text.index(ENTRIES[0].paper.title)
    assert language == "en" or "failed" not in text[: text.index(ENTRIES[0].paper.title)]
    assert ("cs.LG failed | twice" if language == "en" else "cs.LG") in digest_html(made, SITE)


@pytest.mark.parametrize("style", STYLES)
def test_what_is_missing_is_said(style: str) -> None:
    """Summaries that wait are counted, late papers too, and a day without papers says so."""
    waiting = tuple(replace(e, summary=summary(state="budget", markdown="")) for e in ENTRIES)
    late = (replace(waiting[0], late="2026-03-09T05:00:00Z"), *waiting[1:])
    text = digest_markdown(digest(style, entries=late), SITE)
    assert "4 of 4 summaries are not there yet." in text
    assert "1 papers came after their day." in text
    assert "The summary waits: the budget of models is spent for now." in text
    assert "No paper of this day meets the feed's rules." in digest_markdown(digest(style, entries=()), SITE)


# --- front matter


def front(text: str) -> dict[str, Any]:
    """The front matter, as YAML has it."""
    found: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return found


EVIL = ("a\" 'b: #c\\d", "x\n---\nlayout: evil\n", "{{ site.x }} {% raw %}", "- [a]: &b *c !d", "%YAML\t\u2028e", "…'")


@hostile_texts
@each_row("kind", FRONT_MATTERS)
def test_titles_in_front_matter(kind: str, texts: tuple[str, ...]) -> None:
    """No title can end the front matter, or add anything to it."""
    for title in [*EVIL, *joined_texts(texts=texts)]:
        feed = replace(FEED, title=title)
        made = make_digest(feed, RECORD, ENTRIES, style="list")
        text = digest_markdown(made, SITE, kind)
        if kind in ("jekyll", "hugo"):
            assert {"title": digest_title(made), "tags": ["arxiv", "cs.DC", "cs.LG"]}.items() <= front(text).items()
            assert {"layout", "date", "title", "tags", "categories", "lang", "draft"} >= front(text).keys()
            assert "Statistics" == headings(text)[0][1]
        else:
            assert 1 == [tag for tag, _ in headings(text)].count("h1")


def test_dates_in_front_matter() -> None:
    """Jekyll and Hugo get the time at which the batch was due, with its zone."""
    text = {kind: digest_markdown(digest("list"), SITE, kind) for kind in FRONT_MATTERS}
    assert "2026-03-06 00:20:00 -0500" == front(text["jekyll"])["date"]
    assert "2026-03-06T00:20:00-05:00" == front(text["hugo"])["date"]
    assert {"share": True} == front(text["share"])
    assert not text["plain"].startswith("---")


def test_folds() -> None:
    """kramdown is told to read the Markdown that is folded; for Hugo, which drops HTML, nothing is folded."""
    text = {kind: digest_markdown(digest("list"), SITE, kind) for kind in FRONT_MATTERS}
    counts = {k: (t.count("<details>"), t.count('<details markdown="1">'), t.count("<")) for k, t in text.items()}
    assert {"plain": (2, 0), "share": (2, 0), "jekyll": (0, 2), "hugo": (0, 0)} == {k: c[:2] for k, c in counts.items()}
    assert text["hugo"].count("**AI summary (by example/model-1): click to open**") == 2


# --- hostile texts


def hostile(text: str) -> Digest:
    """A day on which everything that can be said by anybody says `text`."""
    rubric = Rubric((Criterion(text, 8),))
    scorecard = Scorecard("analysed", 6, text, (Mark(text, 8, 8, text),), "pdf", text, (text,), text, note=text)
    written = summary(markdown=text, model=text, parts=tuple((k, text) for k in ("problem", "limits", "method")))
    papers: dict[str, Any] = {"title": text, "authors": (Author(text, text),)}
    # What an abstract names, a summary may link to: texts of papers and of models are in different ones
    plain = replace(scorecard, venue="", marks=(Mark("a", 8, 8, "b"),))
    said: dict[str, Any] = {"abstract": text, "comment": f"Accepted to {text}"}
    entries = (
        entry(1, 9, scorecard=scorecard, summary=written, **papers),
        entry(2, 8, scorecard=replace(scorecard, marks=(Mark(text, 3, 8, text),)), summary=written, **papers),
        entry(3, 7, scorecard=replace(scorecard, marks=(Mark(text, 1, 8, text),)), **papers),
        entry(4, 6, scorecard=Scorecard("screened", 1, text), summary=summary(state="failed", problem=text), **papers),
        entry(5, 5, scorecard=Scorecard("screened", 7, text), **papers, **said),
        entry(6, 4, **papers, **said),
        entry(7, 3, scorecard=plain, **papers, **said),
    )
    feed = Feed(**{**vars_of(FEED), "title": text, "keywords": (Keyword(text),), "exclude": (text,), "rubric": rubric})
    return make_digest(feed, replace(RECORD, state="partial", reason=text), entries)


def vars_of(feed: Feed) -> dict[str, Any]:
    """The fields of a feed."""
    return {name: getattr(feed, name) for name in Feed.__dataclass_fields__}


def markdown_faults(text: str) -> list[str]:
    """Why Markdown is not only what the project itself has put there."""
    end = [] if text.endswith(f"\n\n{DIGEST_MARKER}\n") else ["end"]
    return rules.markdown_faults(text, hosts=HOSTS, marker=DIGEST_MARKER) + end


@cache
def shape(style: str) -> list[tuple[str, int]]:
    """Headings of the project's own and cells of its tables, where the texts are harmless."""
    return shape_of(digest_markdown(replace(hostile("harmless"), style=style), SITE))


def shape_of(text: str) -> list[tuple[str, int]]:
    tokens = READER.parse(body_of(text))
    return [(t.tag, t.level) for t in tokens if t.type in ("tr_open", "td_open", "th_open", "list_item_open")]


@hostile_texts
@each_row("style", STYLES)
def test_hostile_markdown(style: str, texts: tuple[str, ...]) -> None:
    """Whatever is said anywhere, Markdown has no HTML, image or link of it."""
    for text in joined_texts(texts=texts):
        made = replace(hostile(text), style=style)
        for kind in ("jekyll", "hugo"):
            assert [] == markdown_faults(digest_markdown(made, SITE, kind)), text


BREAKERS = (
    *("a | b", "| a |\n|---|\n| b |", "x\n\n---\n\ny", "---", "```", "`a|b`", "]()", "](x)[", "# a", "- a", "1. a"),
    *("> a", "\\", "a\\", "\\|", "<!--", "</details>", "<details>", "a\n===", "* * *", "[x]: y", "&#124;", "&lt;"),
    *("$a|b$", "$", "**", "_", "~~~", "{: .x}", "{% raw %}", "a  \nb", "a\u2028b", "| --- |", "é" * 5000),
)


@each_row("text", BREAKERS)
def test_staged_tables_stand(text: str) -> None:
    """No text adds a row or a cell to a table, or takes one away."""
    made = replace(hostile(text), style="staged")
    assert shape("staged") == shape_of(digest_markdown(made, SITE))
    assert [] == markdown_faults(digest_markdown(made, SITE))


@hostile_texts
@each_row("style", STYLES)
def test_hostile_html(style: str, texts: tuple[str, ...]) -> None:
    """Whatever is said anywhere, HTML is balanced, of harmless tags, and links nowhere else: in pages and in feeds."""
    for text in [*joined_texts(2000, texts), *(BREAKERS if texts is TEXTS else BREAKERS[::4])]:
        made = replace(hostile(text), style=style)
        assert [] == html_faults(digest_html(made, SITE), tags=PAGE_TAGS, hosts=HOSTS), text
        assert [] == html_faults(digest_html(made, SITE, in_feed=True), hosts=HOSTS), text


def test_the_checkers_see_what_is_wrong() -> None:
    """HTML, images and links that are not the project's own are found."""
    for bad in ("<b>x</b>", "<script>x</script>", "![x](https://arxiv.org/)", f"[x](https://{HOST}/)", "{{ x }}"):
        assert markdown_faults(f"a {bad}\n\n{DIGEST_MARKER}\n")
    for bad in ("<b>x</b>", "<p onclick=x>", "<p>", "</p>", f"<a href='https://{HOST}'>x</a>", "<!-- x -->"):
        assert html_faults(bad, tags=PAGE_TAGS, hosts=HOSTS)


def test_models_cannot_link_to_other_papers_addresses() -> None:
    """A summary may lead to what its own paper names, not to what another one does."""
    text = "See [a](https://github.com/sample/one) and [b](https://github.com/sample/two)."
    papers = [
        entry(n, 9 - n, abstract=f"At https://github.com/sample/{name}.", summary=summary(markdown=text, parts=()))
        for n, name in ((1, "one"), (2, "two"))
    ]
    found = re.findall(r"github\.com/sample/(\w+)>\)", digest_markdown(digest("daily", entries=tuple(papers)), SITE))
    assert ["one", "two"] == found
    assert ["one", "two"] == re.findall(r'href="https://github\.com/sample/(\w+)"', digest_html(
        digest("daily", entries=tuple(papers)), SITE))  # fmt: skip


# --- JSON and feeds


def test_json() -> None:
    """JSON has what is known of the day, numbers that add up, and the entries as everywhere else."""
    plain = json.loads(digest_json(digest("staged", state="partial", reason="one failed")))
    assert {
        "feed": "main",
        "title": "Storage for models: Digest — 2026-03-06",
        "date": "2026-03-06",
        "style": "staged",
        "language": "en",
        "state": "partial",
        "reason": "one failed",
        "fetched": "2026-03-06T05:20:04Z",
    }.items() <= plain.items()
    assert [e.id for e in ENTRIES] == [shown["id"] for shown in plain["entries"]]
    for one, shown in zip(ENTRIES, plain["entries"], strict=True):
        assert json.loads(json.dumps(entry_to_plain(one))).items() <= shown.items()
    groups = [shown["group"] for shown in plain["entries"]]
    assert ["must-read", "must-read", "review", "skip", "awaiting", "passed", "unscreened"] == groups
    assert plain["statistics"]["screened"] == 6
    assert plain["entries"][0]["scorecard"]["points"] == 8
    assert "null" not in digest_json(digest()).decode()


@hostile_texts
@pytest.mark.parametrize("kind", ["rss", "atom", "json"])
def test_feeds_of_digests(kind: str, texts: tuple[str, ...]) -> None:
    """A feed of digests is as valid as one of papers, whatever is in it."""
    for text in ["harmless", *joined_texts(3000, texts)]:
        assert_valid_feed(kind, text)


def assert_valid_feed(kind: str, text: str) -> None:
    made = [replace(hostile(text), style=style) for style in STYLES]
    days = [replace(d, record=replace(RECORD, date=RECORD.date.replace(day=6 - n))) for n, d in enumerate(made)]
    head = channel(kind, language="ko", title="Digests")
    items = [digest_item(d, SITE, f"{SITE.deployed}/{d.record.date}", f"{SITE.deployed}/x.html") for d in days]
    body = render_feed(kind, head, items)
    check = {"rss": rss_faults, "atom": atom_faults, "json": jsonfeed_faults}[kind]
    assert [] == check(body, head.self_url)


def test_many_authors() -> None:
    """Of 3,000 authors ten are named."""
    text = digest_markdown(digest("list"), SITE)
    assert "Author9 Sample and 2,990 more" in text
    assert "Author10 Sample" not in text


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES)
def test_feed_of_large_days_fits(style: str) -> None:
    """Fourteen days of 475 papers are at most as long as Vercel sends; each day has its best and a link to all."""
    papers = tuple(
        entry(n, 500 - n, abstract=f"{n} <b> " * 400, summary=summary() if n < 100 else None) for n in range(1, 476)
    )
    feed = replace(FEED, max_entries=0, summaries=100, rubric=None)
    days = [make_digest(feed, RECORD, papers, style=style)] * 14
    items = digest_items(days, SITE, lambda _: ("https://wire.example/x", "https://wire.example/x.html"))
    assert len(items) == 14
    for kind in ("rss", "json"):
        assert len(render_feed(kind, channel(), items)) < 4_500_000
    assert all(">Paper 1<" in item.html for item in items)
    if len(digest_html(days[0], SITE, in_feed=True)) * 14 > FEED_BYTES:
        listed = len(re.findall(r"<h\d>\d+\. <a", items[0].html))
        assert f"{475 - listed} more papers of this day" in items[0].html
        assert 'href="https://wire.example/x.html"' in items[0].html
