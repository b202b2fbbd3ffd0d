"""The builder: one query for the page, its preview and the feed; problems at their fields; nothing asked of arXiv."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from lxml import etree, html

from api.pages.build import amount, excerpt, fitting
from core.config.feed_table import read_feed
from core.config.settings import Settings
from core.config.url_rules import write_rules
from core.model.categories import CATEGORIES
from core.model.feed import Feed, Reason
from core.model.manifest import BatchRecord
from core.views.preview import Bar, Effect, Threshold, make_preview, try_vote
from tests.api import DAYS, MAIN, TOKEN, serving_days
from tests.conftest import serving_app
from tests.support.invented import FRIDAY, THURSDAY, make_entry, make_feed
from tests.support.model_server import MODEL, ModelServer
from tests.support.model_server import serving as serving_model
from tests.support.tables import each_row
from tests.support.upstream import Upstream

RULES = "category=cs.DC&category=cs.LG&keywords=cache:2%0D%0Akernel&min_score=2&max_entries=4&exclude=survey"
SECRET = "correct horse battery"


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a wire with three days in store."""
    with serving_days(tmp_path_factory.mktemp("build")) as client:
        yield client


def parsed(answer: httpx.Response, status: int = 200) -> etree._Element:
    """The page, of which it is checked that it is one."""
    assert (status, "text/html; charset=utf-8") == (answer.status_code, answer.headers["content-type"])
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    page = html.fromstring(answer.text)
    assert [] == page.xpath("//script[not(@src)] | //style | //@style | //@onclick")
    return page


def texts(page: etree._Element, path: str) -> list[str]:
    return [" ".join(one.text_content().split()) for one in page.xpath(path)]


def address_of(page: etree._Element, extension: str) -> str:
    """The address that the page offers to copy."""
    (field,) = page.xpath("//*[@id=$id]", id=f"address-{extension}")
    return field.get("value") or field.text_content()


def test_starts_with_what_is_fetched_here(wire: httpx.Client) -> None:
    """The empty form offers the categories of this wire's feeds, by archive with their names."""
    page = parsed(wire.get("/build"))
    first = "[not(ancestor::details)]"
    assert {"cs.DC", "cs.LG", "hep-th", "cs.AI"} == set(page.xpath(f"//input[@name='category']{first}/@value"))
    assert ["Computer Science", "High Energy Physics - Theory"] == texts(page, f"//p[@class='archive']{first}")
    assert ["cs.DC", "cs.LG"] == page.xpath("//input[@name='category'][@checked]/@value")
    assert "cs.DC Distributed, Parallel, and Cluster Computing" in texts(page, "//label")
    assert ["new"] == page.xpath("//input[@name='type'][@checked]/@value")


def test_every_category_of_arxiv_can_be_chosen(wire: httpx.Client) -> None:
    """Beside those of the feeds the form has all categories, each once; those that are not stored say so."""
    page = parsed(wire.get("/build"))
    offered = page.xpath("//input[@name='category'][@type='checkbox']/@value")
    archives = {name for name in CATEGORIES if any(other.startswith(f"{name}.") for other in CATEGORIES)}
    assert sorted(set(CATEGORIES) - archives) == sorted(offered)
    labels = texts(page, "//details//label[input/@name='category']")
    assert "astro-ph.EP Earth and Planetary Astrophysics not stored" in labels
    assert "in about a minute" in wire.get("/build?category=astro-ph.EP&keywords=planet").text


def proposed(wire: httpx.Client, about: str) -> etree._Element:
    """The page to which the box leads."""
    answer = wire.post("/build/propose", data={"about": about})
    assert 303 == answer.status_code
    return parsed(wire.get(answer.headers["Location"]))


@pytest.mark.parametrize(
    ("about", "category", "keyword"),
    [
        ("Protein design by diffusion models", "q-bio.BM", "protein design:4"),
        ("I am interested in recent papers about exoplanet atmospheres", "astro-ph.EP", "exoplanet*:4"),
        ("auction theory", "cs.GT", "auction*:4"),
        ("quantum error correction", "quant-ph", "quantum error OR error correction:4"),
        ("arXiv:2603.90301", "cs.DC", "cache:2"),
        ("@article{a, title={Auctions with budget constraints}}", "cs.GT", "auctions:2"),
    ],
)
def test_a_sentence_becomes_rules(wire: httpx.Client, about: str, category: str, keyword: str) -> None:
    """A sentence, a link and BibTeX lead to categories, weighted keywords and a preview, with the text still there."""
    page = proposed(wire, about)
    assert category in page.xpath("//input[@name='category'][@checked]/@value")
    assert keyword in page.xpath("string(//textarea[@id='keywords'])").split("\n")
    assert about in page.xpath("string(//textarea[@id='about'])")
    assert page.xpath("//h2[@data-summary]")
    assert not page.xpath("//*[@class='trouble']")


@pytest.mark.parametrize(
    ("about", "words"), [("the of and", "Name the thing"), ("arXiv:2001.00001", "not stored here")]
)
def test_a_sentence_that_says_nothing(wire: httpx.Client, about: str, words: str) -> None:
    """What says nothing of papers leads back to the form, with the next step."""
    page = proposed(wire, about)
    assert words in page.text_content()
    assert page.xpath("//textarea[@id='keywords']")


RULES_OF_MODEL = {
    "title": "Caches that forget",
    "categories": ["cs.DC", "cs.XX", "cs.LG"],
    "keywords": [
        {"rule": "cache eviction OR cache", "weight": 4},
        {"rule": "(", "weight": 2},
        {"rule": "LRU", "weight": 9},
    ],
}


def ask_as_owner(wire: httpx.Client, about: str) -> httpx.Response:
    """The page to which the box leads the owner."""
    with httpx.Client(base_url=wire.base_url, headers={"Origin": str(wire.base_url).rstrip("/")}) as owner:
        assert 303 == owner.post("/sign-in", data={"token": TOKEN}).status_code
        return owner.post("/build/propose", data={"about": about}, follow_redirects=True)


def test_a_model_proposes_rules_for_the_owner(tmp_path: Path) -> None:
    """It is asked once, for the owner alone; what is no category and no rule is left out, weights are within limits.

    Where it fails, or says what cannot be used, the rules are those without a model.
    """
    with serving_model(ModelServer()) as model:
        more = {"llm_base_url": model.url, "llm_model": MODEL, "admin_token": TOKEN}
        with serving_days(tmp_path, {FRIDAY: DAYS[FRIDAY]}, **more) as wire:
            model.write = lambda _: json.dumps(RULES_OF_MODEL)
            assert "no model was asked" in proposed(wire, "cache eviction").text_content()
            assert [] == model.requests
            page = parsed(ask_as_owner(wire, "cache eviction"))
            assert "A model wrote categories and keywords" in page.text_content()
            assert ["cs.DC", "cs.LG"] == page.xpath("//input[@name='category'][@checked]/@value")
            lines = page.xpath("string(//textarea[@id='keywords'])").split()
            assert ["LRU:4", True] == [lines[-1], "(" not in "".join(lines)]
            (asked,) = model.requests
            assert "cache eviction" in asked["messages"][-1]["content"]
            for text in ("{}", '{"title": "x", "categories": ["cs.XX"], "keywords": [{"rule": "(", "weight": 1}]}'):
                model.write = lambda _, text=text: text
                assert "no model was asked" in ask_as_owner(wire, "cache eviction").text


def test_a_proposed_threshold() -> None:
    """It lets about ten papers of a day pass, and none that is not on the topic."""
    entries = [make_entry(n, score=float(n % 10), announced=day) for day in (FRIDAY, THURSDAY) for n in range(100)]
    records = [BatchRecord(day, "complete", hash="a", total=100) for day in (FRIDAY, THURSDAY)]
    assert 9.0 == fitting(entries, records, 4.0)
    assert 4.0 == fitting(entries[:15], records, 4.0)


def test_what_keywords_do() -> None:
    """A keyword is in papers, in selected ones, and the only reason for some; the nearest below are named."""
    feed = make_feed("x", "y", min_score=2.0)
    reasons = {name: Reason(name, points, "title", 0, 1, name) for name, points in (("x", 2.0), ("y", 1.0))}
    entries = [
        replace(make_entry(1, score=3, matched=("x", "y")), reasons=(reasons["x"], reasons["y"])),
        replace(make_entry(2, score=1, matched=("y",)), reasons=(reasons["y"],)),
    ]
    preview = make_preview(feed, entries, [BatchRecord(FRIDAY, "complete", hash="a")])
    assert (Effect("x", 1, 1, 1), Effect("y", 2, 1, 0)) == preview.effects
    assert [entries[1].id] == [entry.id for entry in preview.near]


def test_a_page_for_rules_in_an_address(wire: httpx.Client) -> None:
    """It lists what the feed at this address has, keeps the rules when it is filtered, and offers to save them."""
    page = parsed(wire.get(f"/feeds/custom?{RULES}"))
    items = wire.get(f"/api/feeds/custom.json?{RULES}").json()["items"]
    assert [item["_paperwire"]["id"] for item in items] == page.xpath("//li/@data-id")
    assert any(link.startswith("/settings/edit?category=") for link in page.xpath("//a/@href"))
    sent = {
        field.get("name"): field.get("value") for field in page.xpath("//form[@role='search']//input[@type='hidden']")
    }
    filtered = parsed(wire.get("/feeds/custom", params=sent | {"q": "fusion"}))
    assert ["2603.90302"] == filtered.xpath("//li/@data-id")
    assert 422 == wire.get(f"/feeds/custom?{RULES}&score~=1").status_code


def test_every_field_has_a_label(wire: httpx.Client) -> None:
    """Each control that can be seen is named, and its description exists."""
    page = parsed(wire.get(f"/build?{RULES}"))
    for control in page.xpath("//form//*[self::input or self::textarea or self::select][not(@type='hidden')]"):
        labels = page.xpath("//label[@for=$id]", id=control.get("id")) if control.get("id") else []
        assert labels or control.xpath("ancestor::label"), control.get("name")
        for described in (control.get("aria-describedby") or "").split():
            assert 1 == len(page.xpath("//*[@id=$id]", id=described))


def test_shows_what_the_feed_has(wire: httpx.Client) -> None:
    """The preview counts and shows just what the feed at its address has, with scores, reasons and marked words."""
    page = parsed(wire.get(f"/build?{RULES}"))
    address = address_of(page, "json")
    feed = httpx.get(address).json()
    dates = [item["_paperwire"]["announced"] for item in feed["items"]]
    shown = dict(
        zip(page.xpath("//tbody//time/@datetime"), texts(page, "//tbody/tr/td[@class='number'][1]"), strict=True)
    )
    assert {day: str(dates.count(day)) for day in shown} == {day: text.split()[0] for day, text in shown.items()}
    assert "4 best of 5" == shown["2026-03-06"]
    best = feed["items"][0]
    assert best["title"].partition("] ")[2] or best["title"] in texts(page, "//section[@id='preview']//li[1]//h4")[0]
    assert texts(page, "//section[@id='preview']//li[1]//mark")
    chips = [one.lower().replace("+", " +").split() for one in texts(page, "//ul[@class='chips']/li")]
    assert {("cache", "+2"), ("caches", "+2"), ("cache", "+3"), ("caches", "+3")} & set(map(tuple, chips))
    assert f"{amount((4 + 2 + 1) / 3)} papers a day" == texts(page, "//h2[@data-summary]")[0]


def test_all_formats_are_offered(wire: httpx.Client) -> None:
    """The addresses to copy are those of the feed in each format, and work; readers on the web get the RSS.

    They are not offered where they could not reach it: on one's own machine.
    """
    page = parsed(wire.get(f"/build?{RULES}&name=A+%26+B"))
    for extension in ("rss", "atom", "json"):
        address = address_of(page, extension)
        answer = httpx.get(address)
        assert (200, True) == (answer.status_code, "A &amp; B" in answer.text or "A & B" in answer.text)
    assert [] == page.xpath("//a[text()='Feedly']/@href")
    public = parsed(wire.get(f"/build?{RULES}&name=A+%26+B", headers={"Host": "wire.example"}))
    (feedly,) = public.xpath("//a[text()='Feedly']/@href")
    assert feedly.startswith(
        "https://feedly.com/i/subscription/feed%2Fhttp%3A%2F%2Fwire.example%2Fapi%2Ffeeds%2Fcustom.rss"
    )
    assert "&" not in feedly


def test_the_preview_is_the_same_part(wire: httpx.Client) -> None:
    """What is fetched while somebody types is the very part of the page that it replaces."""
    page, part = wire.get(f"/build?{RULES}").text, wire.get(f"/build/preview?{RULES}").text
    posted = wire.post("/build/preview", content=RULES, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert part.strip() in page
    assert "<html" not in part
    assert texts(html.fromstring(part), "//h4") == texts(html.fromstring(posted.text), "//h4")


@pytest.mark.parametrize("name", ["main", "replaced", "everything"])
def test_starts_from_a_feed(wire: httpx.Client, name: str) -> None:
    """`feed=` fills the form with a feed's rules, and its address selects the same papers in the same order."""
    page = parsed(wire.get(f"/build?feed={name}"))
    address = address_of(page, "json")
    custom, own = (httpx.get(url).json()["items"] for url in (address, f"{wire.base_url}/api/feeds/{name}.json"))
    ids = [[item["_paperwire"]["id"] for item in items] for items in (custom, own)]
    assert ids[0] == ids[1]
    assert ids[0]


def test_a_feed_with_the_rules_of_main_has_its_papers(wire: httpx.Client) -> None:
    """Ids and order are those of main; filters and pages work beside the rules."""
    rules = write_rules(make_main(wire))
    items = wire.get(f"/api/feeds/custom.json?{rules}").json()["items"]
    assert MAIN == [item["_paperwire"]["id"] for item in items]
    first = wire.get(f"/api/feeds/custom.json?{rules}&score>=3&limit=2").json()
    second = httpx.get(first["next_url"]).json()
    of_main = wire.get("/api/feeds/main.json?score>=3&limit=4").json()
    assert [item["_paperwire"]["id"] for item in of_main["items"]] == [
        item["_paperwire"]["id"] for item in first["items"] + second["items"]
    ]
    answer = wire.get(f"/api/feeds/custom.rss?{rules}")
    again = wire.get(f"/api/feeds/custom.rss?{rules}", headers={"If-None-Match": answer.headers["etag"]})
    assert (304, b"") == (again.status_code, again.content)


def make_main(wire: httpx.Client) -> Feed:
    """The main feed as the API describes it."""
    plain = next(feed for feed in wire.get("/api/feeds").json()["feeds"] if feed["name"] == "main")
    return read_feed("main", {name: value for name, value in plain.items() if name not in ("name", "links")})


def test_unknown_feed(wire: httpx.Client) -> None:
    """A name of no feed is told with those that there are."""
    answer = wire.get("/build?feed=mian")
    assert (404, ["main", "replaced", "everything"]) == (answer.status_code, answer.json()["known"])


PROBLEMS = [
    ("category=cs.LG&keywords=%22cache", "keywords", '"cache', "is not closed"),
    ("category=cs.LG&min_score=1e9", "min_score", "1e9", "'1e9' is not a number from -1000 to 1000"),
    ("category=cs.LG&title_bonus=-1", "title_bonus", "-1", "'-1' is not a number from 0 to 10"),
    ("category=cs.LG&max_entries=9999", "max_entries", "9999", "a whole number from 0 to 500"),
    (f"category=cs.LG&name={'x' * 301}", "name", "x" * 301, "a title of up to 300 characters"),
    (f"category=cs.LG&exclude={'x' * 9000}", "exclude", "x" * 9000, "a URL takes up to 8,000"),
    ("category=cs.LG&keywords=<script>alert(1)</script>:9999", "keywords", "<script>", "allowed are numbers"),
]


@pytest.mark.parametrize(("query", "name", "kept", "words"), PROBLEMS)
def test_problems_are_at_their_fields(wire: httpx.Client, query: str, name: str, kept: str, words: str) -> None:
    """What is wrong is told at the field, which keeps its text; there is nothing to subscribe to."""
    page = parsed(wire.get("/build", params=query), 422)
    (control,) = page.xpath("//form//*[@name=$name]", name=name)
    (error,) = page.xpath("//*[@id=$id]", id=f"{name}-error")
    assert ("true", True) == (control.get("aria-invalid"), f"{name}-error" in control.get("aria-describedby"))
    assert words in error.text_content()
    assert kept in (control.get("value") or control.text_content())
    assert [] == page.xpath("//*[@id='address-rss']")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("keywords=x", "at least one category is needed"),
        ("category=cs.XX", "near it: "),
    ],
)
def test_categories_that_are_not_there(wire: httpx.Client, query: str, words: str) -> None:
    """What is no category of arXiv is told with those near it."""
    page = parsed(wire.get(f"/build?{query}"), 422)
    assert words in texts(page, "//*[@id='category-error']")[0]
    sent = re.findall(r"category=([\w.]+)", query)
    assert sorted(sent) == sorted(page.xpath("//input[@name='category'][@checked]/@value"))


def test_categories_that_no_feed_has_yet(wire: httpx.Client) -> None:
    """It is said plainly when they will be there; the form keeps them, and the feed of these rules says the same."""
    rules = "category=astro-ph.ep&category=cs.LG&keywords=planet"
    page = parsed(wire.get(f"/build?{rules}"), 200)
    told = "astro-ph.EP will be fetched when"
    assert told in " ".join(page.text_content().split())
    assert {"astro-ph.EP", "cs.LG"} <= set(page.xpath("//input[@name='category'][@checked]/@value"))
    answer = wire.get(f"/api/feeds/custom.json?{rules}")
    assert 200 == answer.status_code
    assert told in answer.json()["items"][0]["content_html"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("category=cs.LG&keywords=zebrafish&min_score=1", "None of the keywords is in any paper"),
        ("category=cs.LG&keywords=cache&min_score=900", "no paper has 900 points"),
        ("category=cs.LG&min_score=1", "Without keywords papers have no points"),
        ("category=hep-th&type=cross", "There is no such announcement"),
    ],
)
def test_nothing_is_selected(wire: httpx.Client, query: str, words: str) -> None:
    """Where rules select nothing, the page says why, and what would help."""
    page = parsed(wire.get(f"/build?{query}"))
    assert "Nothing is selected" == texts(page, "//h2[@data-summary]")[0]
    assert words in texts(page, "//p[@class='tell warn']")[0]


def test_filters_are_told(wire: httpx.Client) -> None:
    """The home of a feed with filters in its address leads here: that they are no rules is said."""
    page = parsed(wire.get("/build?category=cs.LG&score>=3&title~x"))
    assert "score>=3&title~x" in unescape(texts(page, "//p[@class='tell']")[0])


def test_rules_are_text(wire: httpx.Client) -> None:
    """Markup in rules stays text wherever it is shown."""
    attack = "%3C/textarea%3E%3Cscript%3Ealert(1)%3C/script%3E%22%3E"
    for query in (f"category=cs.LG&keywords={attack}", f"category={attack}", f"category=cs.LG&name={attack}"):
        for path in ("/build", "/build/preview", "/settings/edit"):
            assert "<script>alert" not in wire.get(f"{path}?{query}").text


def test_nothing_is_fetched(upstream: Upstream, settings: Settings) -> None:
    """With nothing in store the page says so; no request goes to arXiv, whatever is asked for."""
    with serving_app(settings) as url, httpx.Client(base_url=url) as client:
        page = parsed(client.get("/build?category=cs.CL&keywords=x"))
        assert "Nothing is stored yet" == texts(page, "//h2[@data-summary]")[0]
        assert page.xpath("//*[@id='address-rss']")
        client.get("/build/preview?category=cs.CL&keywords=y")
        client.get("/build")
        assert [] == upstream.requests


@pytest.mark.parametrize(
    ("categories", "heading", "days"),
    [("econ.EM,math.CO", "Nothing of econ.EM, math.CO is stored yet", 0), ("cs.DC,math.CO", "1.7 papers a day", 3)],
)
def test_categories_that_are_not_stored(wire: httpx.Client, categories: str, heading: str, days: int) -> None:
    """Where none of the categories is stored nothing is counted nor advised; else it says which one lacks."""
    page = parsed(wire.get(f"/build?category={categories}&keywords=cache:2,zebra&min_score=2"))
    assert heading == texts(page, "//h2[@data-summary]")[0]
    assert "math.CO will be fetched when you save this feed" in " ".join(texts(page, "//*[@class='tell']"))
    assert (days, False) == (
        len(page.xpath("//table[@class='yields']/tbody/tr")),
        bool(page.xpath("//*[@class='tell warn']")),
    )


def test_strangers_have_nothing_fetched(wire: httpx.Client) -> None:
    """A feed of categories that no feed of this wire has is a notice that says so, and nothing else."""
    (item,) = wire.get("/api/feeds/custom.json?category=math.CO&keywords=graph").json()["items"]
    assert item["title"].startswith("Notice: this feed is not complete")
    assert "math.CO will be fetched when a feed with it is saved" in item["content_html"]


def test_private_copies_sign_what_is_built(tmp_path: Path) -> None:
    """On a private copy the addresses open by themselves, those of other rules do not, and forms send the key."""
    with serving_days(tmp_path, {FRIDAY: DAYS[FRIDAY]}, feed_key=SECRET) as client:
        assert 401 == client.get(f"/build?{RULES}").status_code
        page = parsed(client.get(f"/build?{RULES}", params={"key": SECRET} | dict(httpx.QueryParams(RULES))))
        assert [SECRET] == page.xpath("//form[@method='get']//input[@name='key']/@value")
        address = address_of(page, "rss")
        assert SECRET not in address
        assert 200 == httpx.get(address).status_code
        assert 401 == httpx.get(address.replace("cache", "kernel")).status_code
        for link in page.xpath("//a[starts-with(@href, '/')]/@href"):
            assert "key=" in urlsplit(link).query, link


# What a preview says of entries


def test_thresholds_that_are_proposed() -> None:
    """For several amounts the score that comes next to it, over complete days only."""
    feed = make_feed("x", min_score=2.0)
    entries = [make_entry(n, score=float(n % 10), announced=day) for day in (FRIDAY, THURSDAY) for n in range(100)]
    entries += [make_entry(999, score=50.0, announced=FRIDAY.replace(day=4))]
    records = [
        BatchRecord(FRIDAY, "complete", hash="a", total=100),
        BatchRecord(THURSDAY, "complete", hash="b", total=100),
        BatchRecord(FRIDAY.replace(day=4), "partial", hash="c", total=1),
    ]
    preview = make_preview(feed, entries, records)
    assert (80.0, [80, 80, 1]) == (preview.a_day, [day.shown for day in preview.days])
    assert (Threshold(6.0, 40.0), Threshold(8.0, 20.0), Threshold(9.0, 10.0)) == preview.thresholds
    capped = make_preview(make_feed("x", min_score=2.0, max_entries=15), entries, records)
    assert (15.0, [(80, 15), (80, 15), (1, 1)]) == (capped.a_day, [(day.found, day.shown) for day in capped.days])
    assert (Threshold(9.0, 10.0),) == capped.thresholds


def test_the_distribution_of_scores() -> None:
    """Bars of equal width count the papers that have points; the threshold divides them, and ten a day are marked."""
    entries = [make_entry(n, score=float(n % 20)) for n in range(100)]
    records = [BatchRecord(FRIDAY, "complete", hash="a", total=100)]
    chart = make_preview(make_feed("x", min_score=15.0), entries, records).histogram
    assert (1.0, 95, 18.0) == (chart.step, sum(bar.papers for bar in chart.bars), chart.usual)
    assert (Bar(14.0, 5, reaches=False), Bar(15.0, 5, reaches=True)) == chart.bars[13:15]
    assert (0.0, 1.0) == (chart.place(-3.0), chart.place(99.0))
    few = make_preview(make_feed("x", min_score=15.0), entries[:9], records).histogram
    assert (None, 8) == (few.usual, sum(bar.papers for bar in few.bars))
    assert () == make_preview(make_feed("x"), [make_entry(1, score=0.0)], records).histogram.bars


def test_what_a_vote_would_change() -> None:
    """A like raises papers that are like it more than a dislike does; what crosses the threshold is named."""
    kernels = [
        make_entry(n, score=1.9, title=f"Kernels of a compiler {n}", abstract="Kernel fusion.") for n in range(3)
    ]
    others = [make_entry(9 + n, score=0.0, title=f"Verbs in verse {n}", abstract="Poems.") for n in range(40)]
    feed, entries = make_feed("x", min_score=2.0), kernels + others
    liked = try_vote(feed, entries, kernels[0].id, 1)
    disliked = try_vote(feed, entries, kernels[0].id, -1)
    assert liked
    assert disliked
    assert {one.id for one in kernels[1:]} == {entry.id for entry in liked.enters}
    assert {one.id for one in kernels[1:]} == {entry.id for entry, _ in liked.rises[:2]}
    assert sum(points for _, points in disliked.rises) < sum(points for _, points in liked.rises)
    assert () == disliked.enters
    assert try_vote(feed, entries, "2603.99999", 1) is None


def test_a_vote_is_tried_on_the_page(wire: httpx.Client) -> None:
    """A link tries a vote on a paper that the rules select; nothing is stored, and unknown papers change nothing."""
    page = parsed(wire.get(f"/build?{RULES}"))
    (link,) = page.xpath("//*[@id='vote']//a[starts-with(@data-vote, 'like=')][1]/@href")[:1]
    tried = parsed(wire.get(link))
    assert "If you liked" in texts(tried, "//*[@id='vote']")[0]
    assert "If you liked" in wire.get(link.replace("/build?", "/build/preview?")).text
    assert "If you liked" not in wire.get(f"/build?{RULES}&like=nothing").text
    assert "filters" not in " ".join(texts(tried, "//p[@class='tell']"))


def test_keywords_are_counted() -> None:
    """Each keyword with the papers that have it, also below the threshold; those in none are named."""
    feed = make_feed("x", "y", min_score=5.0)
    entries = [make_entry(1, score=1, matched=("x",)), make_entry(2, score=1, matched=("x",), type="cross")]
    preview = make_preview(feed, entries, [BatchRecord(FRIDAY, "complete", hash="a")])
    assert ((("x", 1), ("y", 0)), ("y",), 0) == (preview.keywords, preview.unused, preview.total)


def test_a_preview_of_nothing() -> None:
    """Without days there is nothing to divide by."""
    preview = make_preview(make_feed("x"), [], [])
    assert ((), 0.0, (), (), 0) == (preview.days, preview.a_day, preview.thresholds, preview.best, preview.most)


@each_row(("a_day", "shown"), [(0, "0"), (0.25, "0.2"), (1, "1"), (4.46, "4.5"), (9.96, "10"), (30, "30")])
def test_amounts(a_day: float, shown: str) -> None:
    """A digit after the point only where it matters."""
    assert shown == amount(a_day)


def test_excerpts_show_the_match() -> None:
    """A long abstract is shown around its first match, cut between words."""
    text = "word " * 100 + "cache " + "word " * 100
    shown = excerpt(text, [(500, 505)])
    assert "<mark>cache</mark>" in shown
    assert shown.startswith("…word ")
    assert len(shown) < 300
    assert "word word" == excerpt("word word", [])
