"""Votes and libraries over HTTP: what is liked comes first, with reasons; what is taken back leaves nothing behind."""

import random
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from lxml import html

from api.vote_links import is_vote_signed
from core.app import Paperwire
from core.util.signing import sign_vote
from tests.api import FRIDAY, THURSDAY, TOKEN, WEDNESDAY, make_settings, store_days
from tests.conftest import serving_app
from tests.support.reading import CACHES, ROBOTS, a_day

OWNER = {"Authorization": f"Bearer {TOKEN}"}
RULES = """
[instance]
title = "Reading"
contact = "owner@example.org"
[feeds.main]
title = "Main"
categories = ["cs.LG"]
[feeds.main.keywords]
benchmark = 1
latency = 1
throughput = 1
accuracy = 1
memory = 1
[feeds.other]
title = "Other"
categories = ["cs.LG"]
keywords = {sampling = 1}
[feeds.bot]
title = "Bot"
categories = ["cs.LG"]
match = "substring"
keywords = {theory = 1}
"""
DAYS = {day: a_day(number) for number, day in enumerate((WEDNESDAY, THURSDAY, FRIDAY))}
CACHE_IDS = [f"2603.{10000 + number}" for number in range(0, 60, 3)]
ROBOT_IDS = [f"2603.{10000 + number}" for number in range(1, 60, 3)]


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a wire with three days of three topics."""
    place = tmp_path_factory.mktemp("votes")
    settings = make_settings(place, feeds_toml=RULES)
    store_days(settings, DAYS)
    with serving_app(settings) as address, httpx.Client(base_url=address, timeout=120) as client:
        yield client


@pytest.fixture(autouse=True)
def _no_votes(wire: httpx.Client) -> Iterator[None]:
    yield
    for name in ("main", "other", "bot"):
        wire.delete(f"/api/feeds/{name}/votes", headers=OWNER)


def vote(client: httpx.Client, votes: dict[str, int], feed: str = "main") -> dict[str, Any]:
    """The answer to votes."""
    answer = client.put(f"/api/feeds/{feed}/votes", json={"votes": votes}, headers=OWNER)
    assert 200 == answer.status_code, answer.text
    return dict(answer.json())


def ranked(client: httpx.Client, feed: str = "main", day: date = FRIDAY) -> list[dict[str, Any]]:
    """All papers of a day in the feed's order."""
    answer = client.get(f"/api/papers?feed={feed}&sort=-score&score>=-1000&announced={day}&limit=200")
    return list(answer.json()["papers"])


def share_of(papers: list[dict[str, Any]], words: tuple[str, ...]) -> float:
    """How many of the first fifteen papers speak of `words`."""
    found = [any(word in paper["title"].lower() for word in words) for paper in papers[:15]]
    return sum(found) / len(found)


def test_what_is_liked_comes_first(wire: httpx.Client) -> None:
    """Votes of one day put the topic first on another day, with the terms and their places as reasons; taken back, all
    is as it was.
    """
    before = ranked(wire)
    votes = dict.fromkeys(CACHE_IDS[:10], 1) | dict.fromkeys(ROBOT_IDS[:10], -1)
    report = vote(wire, votes)
    assert (10, 10, votes) == (report["likes"], report["dislikes"], report["changed"])
    after = ranked(wire)
    assert share_of(after, CACHES) >= 0.9 > share_of(before, CACHES)
    assert 0 == share_of(after, ROBOTS)
    best = after[0]
    assert abs(best["score"] - sum(reason["points"] for reason in best["reasons"])) < 0.01
    assert abs(best["score"] - best["words"] - best["learned"]) < 0.01
    terms = [reason for reason in best["reasons"] if reason.get("learned") == "liked"]
    assert terms
    for reason in terms:
        assert f"(in {reason['papers']} papers you liked)" in reason["rule"]
        assert reason["papers"] >= 2
        assert reason["text"] == best[reason["field"]][reason["start"] : reason["end"]]
    vote(wire, report["undo"])
    assert before == ranked(wire)


def test_votes_belong_to_one_feed(wire: httpx.Client) -> None:
    """What one feed learns changes no other feed; the keyword bot's rule stays exactly as it was without votes."""
    others = [ranked(wire, name) for name in ("other", "bot")]
    vote(wire, dict.fromkeys(CACHE_IDS[:5], 1))
    assert others == [ranked(wire, name) for name in ("other", "bot")]
    assert all(reason["rule"] in ("theory", "theory in title") for p in others[1] for reason in p["reasons"])


def test_found_by_learning(wire: httpx.Client) -> None:
    """Papers without a keyword are at most a third of a feed, and say why; those with one are all there."""
    by_words = {paper["id"] for paper in wire.get(f"/api/papers?announced={FRIDAY}&limit=200").json()["papers"]}
    vote(wire, dict.fromkeys(CACHE_IDS[:10], 1))
    papers = wire.get(f"/api/papers?announced={FRIDAY}&limit=200").json()["papers"]
    found = [paper for paper in papers if paper.get("found_by") == "learning"]
    assert 0 < len(found) <= len(papers) / 3
    assert by_words == {paper["id"] for paper in papers} - {paper["id"] for paper in found}
    assert "found by what you liked" in wire.get("/api/feeds/main.rss").text


def test_filters(wire: httpx.Client) -> None:
    """`learned` and `words` filter and sort; `vote` does for the owner alone."""
    vote(wire, dict.fromkeys(CACHE_IDS[:10], 1) | {ROBOT_IDS[0]: -1})
    papers = wire.get("/api/papers?learned>0&sort=-learned&limit=300").json()["papers"]
    points = [paper["learned"] for paper in papers]
    assert points == sorted(points, reverse=True)
    assert all(paper["words"] >= 1 for paper in wire.get("/api/papers?words>=1").json()["papers"])
    refused = wire.get("/api/papers?vote=1")
    assert (422, "vote=1") == (refused.status_code, refused.json()["token"])
    mine = wire.get("/api/papers?vote=1&score>=-1000", headers=OWNER)
    assert "no-store" == mine.headers["cache-control"]
    assert set(CACHE_IDS[:10]) == {paper["id"] for paper in mine.json()["papers"]}
    assert 422 == wire.get("/api/papers?vote=1&score>=-1000").status_code


def test_wrong_votes(wire: httpx.Client) -> None:
    """What cannot be a vote changes nothing, and the answer says what is wrong."""
    address = "/api/feeds/main/votes"
    assert 401 == wire.put(address, json={"votes": {CACHE_IDS[0]: 1}}).status_code
    assert 401 == wire.get(address).status_code
    cases: list[tuple[Any, str]] = [
        ({"votes": {CACHE_IDS[0]: 2}}, "1 is a like"),
        ({"votes": {CACHE_IDS[0]: True}}, "1 is a like"),
        ({"votes": {"nothing": 1}}, "is not an arXiv identifier"),
        ({"votes": {CACHE_IDS[0]: 1, "2501.99999": 1}}, "no stored paper of this wire is 2501.99999"),
        ({"votes": {CACHE_IDS[0]: 1, f"{CACHE_IDS[0]}v1": -1}}, "two different votes"),
        ({"votes": {}}, '"votes" is an object'),
        ([], "not an object"),
        ({"votes": [{"paper": 3}]}, "not an export"),
    ]
    for sent, message in cases:
        answer = wire.put(address, json=sent, headers=OWNER)
        assert (422, True) == (answer.status_code, message in answer.json()["detail"]), answer.text
    assert 422 == wire.put(address, content=b"{", headers=OWNER).status_code
    assert 404 == wire.put("/api/feeds/none/votes", json={"votes": {CACHE_IDS[0]: 1}}, headers=OWNER).status_code
    assert [] == wire.get(address, headers=OWNER).json()["votes"]


def test_export_undo_and_forgetting(wire: httpx.Client) -> None:
    """An export is imported again as it was; undo puts back the last change; what is forgotten is gone."""
    address = "/api/feeds/main/votes"
    vote(wire, dict.fromkeys(CACHE_IDS[:3], 1))
    exported = wire.get(address, headers=OWNER).json()
    assert "This concerns" in exported["votes"][0]["abstract"]
    wire.delete(address, headers=OWNER)
    assert 3 == wire.put(address, json=exported, headers=OWNER).json()["likes"]
    assert exported == wire.get(address, headers=OWNER).json()
    assert 0 == wire.post(f"{address}/undo", headers=OWNER).json()["likes"]
    assert 3 == wire.post(f"{address}/undo", headers=OWNER).json()["likes"]
    assert 3 == wire.delete(f"{address}?before=2026-03-01", headers=OWNER).json()["likes"]
    assert 0 == wire.delete(f"{address}?before=2026-03-09", headers=OWNER).json()["likes"]
    assert 422 == wire.delete(f"{address}?before=yesterday", headers=OWNER).status_code


def test_library(wire: httpx.Client) -> None:
    """A library in BibTeX puts its topic first; the answer counts what could be used."""
    before = share_of(ranked(wire), CACHES)
    entry = "@misc{{key{n}, title = {{{{{word}}} for systems}}, abstract = {{On {word} and {other}.}}, year = 2026}}"
    entries = [entry.format(n=n, word=word, other=CACHES[n - 1]) for n, word in enumerate(CACHES)]
    sent = "\n".join([*entries, "@misc{broken, title = {never closed", "@misc{empty, year = 2020}"])
    answer = wire.post("/api/feeds/main/library", content=sent, headers=OWNER)
    assert (200, "BibTeX", 6) == (answer.status_code, answer.json()["format"], answer.json()["library"])
    assert share_of(ranked(wire), CACHES) > before
    assert 401 == wire.post("/api/feeds/main/library", content=sent).status_code
    refused = wire.post("/api/feeds/main/library", content=b"%PDF-1.5", headers=OWNER)
    assert (422, True) == (refused.status_code, "binary file" in refused.json()["detail"])
    assert 0 == wire.delete("/api/feeds/main/library", headers=OWNER).json()["library"]


def test_another_instance_sees_the_votes(tmp_path: Path) -> None:
    """A process that starts after a vote serves the same order from what is stored."""
    settings = make_settings(tmp_path, feeds_toml=RULES)
    store_days(settings, DAYS)
    with serving_app(settings) as address, httpx.Client(base_url=address, timeout=120) as client:
        vote(client, dict.fromkeys(CACHE_IDS[:6], 1))
        here = ranked(client)
    with serving_app(settings) as address, httpx.Client(base_url=address, timeout=120) as client:
        assert here == ranked(client)


LINKED = RULES.replace('[feeds.main]\ntitle = "Main"', '[feeds.main]\ntitle = "Main"\nvote_links = true')


def vote_links(client: httpx.Client, feed: str = "main") -> list[str]:
    """The paths of the links to like, in the order of the feed."""
    items = client.get(f"/api/feeds/{feed}.json").json()["items"]
    pages = [html.fromstring(item["content_html"]) for item in items if "2603." in item["id"]]
    found = [link for page in pages for link in page.xpath("//a[text()='More like this']/@href")]
    return [urlsplit(link).path for link in found]


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The same wire with links to vote in the feed `main`."""
    settings = make_settings(tmp_path_factory.mktemp("links"), feeds_toml=LINKED)
    store_days(settings, DAYS)
    with serving_app(settings) as address, httpx.Client(base_url=address, timeout=120) as client:
        yield client


def test_a_vote_from_a_feed_reader(linked: httpx.Client) -> None:
    """The link of an entry shows a button, which likes the paper and nothing else; undo takes it back."""
    before = linked.get("/api/feeds/main.json").text
    path = vote_links(linked)[0]
    votes = "/api/feeds/main/votes"
    for method in ("GET", "HEAD", "OPTIONS"):
        linked.request(method, path, headers={"Sec-Purpose": "prefetch"})
    assert [] == linked.get(votes, headers=OWNER).json()["votes"]
    page = html.fromstring(linked.get(path).text)
    (form,) = page.forms
    assert ("POST", [None], ["Like"]) == (form.method, [form.get("action")], form.xpath(".//button/text()"))
    done = linked.post(path)
    assert 200 == done.status_code
    (known,) = linked.get(votes, headers=OWNER).json()["votes"]
    assert (1, True) == (known["sign"], path.endswith(known["paper"]))
    again = linked.post(path)
    assert "nothing has changed" in again.text
    assert before != linked.get("/api/feeds/main.json").text
    (undo,) = html.fromstring(done.text).forms
    assert 200 == linked.post(undo.action).status_code
    assert [] == linked.get(votes, headers=OWNER).json()["votes"]


def test_a_signature_is_for_one_vote(linked: httpx.Client) -> None:
    """A signature opens neither another vote, feed nor paper, and forged ones nothing."""
    path = vote_links(linked)[0]
    _, _, feed, direction, signature, paper = path.split("/")
    other = vote_links(linked)[1].rpartition("/")[2]
    forged = [f"{int(signature, 16) ^ (1 << bit):032x}" for bit in range(128)]
    paths = [
        f"/vote/{feed}/down/{signature}/{paper}",
        f"/vote/other/{direction}/{signature}/{paper}",
        f"/vote/{feed}/{direction}/{signature}/{other}",
        f"/vote/{feed}/{direction}/{signature[:-1]}/{paper}",
        *(f"/vote/{feed}/{direction}/{one}/{paper}" for one in forged),
    ]
    assert {404} == {linked.post(one).status_code for one in paths}
    assert 404 == linked.get(paths[0]).status_code
    assert [] == linked.get("/api/feeds/main/votes", headers=OWNER).json()["votes"]


def test_ten_thousand_forged_signatures(tmp_path: Path) -> None:
    """None of them opens anything: guesses, and signatures of other votes, secrets and times of revocation."""
    wire = Paperwire(make_settings(tmp_path, feeds_toml=RULES, feed_key="a-long-secret-key"))
    secret, paper = wire.settings.link_secret, CACHE_IDS[0]
    dice = random.Random(5)
    forged = [f"{dice.getrandbits(128):032x}" for _ in range(9_000)]
    forged += [sign_vote(f"{secret}{number}", "main", paper, "up") for number in range(500)]
    forged += [sign_vote(secret, "main", f"2603.{number:05}", "up") for number in range(400)]
    forged += [sign_vote(secret, "main", paper, "up", {"main": number}) for number in range(1, 98)]
    forged += [
        sign_vote(secret, *rest) for rest in (("other", paper, "up"), ("main", paper, "down"), ("", paper, "up"))
    ]
    assert 10_000 == len(forged)
    assert not any(is_vote_signed(wire, "main", paper, "up", signature) for signature in forged)
    assert is_vote_signed(wire, "main", paper, "up", sign_vote(secret, "main", paper, "up"))


def test_no_links_for_others(linked: httpx.Client) -> None:
    """Feeds without the setting, merged feeds and rules in an address have no links to vote."""
    assert [] == vote_links(linked, "other")
    for address in ("/api/feeds/all.rss", "/api/feeds/custom.rss?category=cs.LG&keywords=memory"):
        assert "/vote/" not in linked.get(address).text


def test_links_of_a_private_copy(tmp_path: Path) -> None:
    """On a private copy a vote link needs no key, and gives access to nothing else."""
    settings = make_settings(tmp_path, feeds_toml=RULES, feed_key="a-long-secret-key")
    store_days(settings, DAYS)
    with serving_app(settings) as address, httpx.Client(base_url=address, timeout=120) as client:
        assert 401 == client.get("/api/feeds/main.json").status_code
        items = client.get("/api/feeds/main.json?key=a-long-secret-key").json()["items"]
        links = [link for item in items for link in re.findall(r"/vote/[^\"]+", item["content_html"])]
        assert 200 == client.post(links[0]).status_code
        assert 1 == client.get("/api/feeds/main/votes", headers=OWNER).json()["likes"]
        assert 401 == client.get("/api/feeds/main/votes").status_code
        # With the feed's addresses, its links to vote are revoked
        form = {"target": "main", "version": "0", "token": TOKEN}
        assert 303 == client.post("/settings/revoke?key=a-long-secret-key", data=form).status_code
        assert [404, 404] == [client.post(links[0]).status_code, client.get(links[1]).status_code]
        items = client.get("/api/feeds/main.json?key=a-long-secret-key").json()["items"]
        fresh = [link for item in items for link in re.findall(r"/vote/[^\"]+", item["content_html"])]
        assert 200 == client.post(fresh[0]).status_code


def test_similar_papers(wire: httpx.Client) -> None:
    """Similar papers are of the same topic, with the terms that they share, best first."""
    answer = wire.get(f"/api/papers/{CACHE_IDS[0]}/similar?limit=8").json()
    found = answer["similar"]
    assert 8 == len(found)
    assert all(any(word in paper["title"].lower() for word in CACHES) for paper in found)
    cosines = [paper["similarity"] for paper in found]
    assert cosines == sorted(cosines, reverse=True)
    for paper in found:
        assert paper["shared"]
        assert all(term.lower() in f"{paper['title']} {paper['abstract']}".lower() for term in paper["shared"])
    assert 404 == wire.get("/api/papers/2501.99999/similar").status_code


def test_what_was_learned(wire: httpx.Client) -> None:
    """The owner sees the learned words and removes one; a suggested keyword is accepted into the rules or dismissed."""
    address = "/api/feeds/other/learned"
    vote(wire, dict.fromkeys(CACHE_IDS[:12], 1) | dict.fromkeys(ROBOT_IDS[:5], -1), "other")
    learned = wire.get(address, headers=OWNER).json()
    words = {row["term"]: row for row in learned["words"]}
    suggested = [row["keyword"] for row in learned["suggestions"]]
    assert any(term in words for term in ("prefill", "eviction", "decode", "token reuse"))
    assert all(row["likes"] >= 3 for row in learned["suggestions"])
    first, second = suggested[:2]
    changed = wire.put(address, json={"remove": [first], "dismiss": [second]}, headers=OWNER).json()
    assert [first] == changed["removed"]
    assert first not in {row["term"] for row in changed["words"] if row["points"]}
    assert second not in {row["keyword"] for row in changed["suggestions"]}
    used = {reason["rule"].partition(" (")[0] for paper in ranked(wire, "other") for reason in paper["reasons"]}
    assert first not in used
    endless = f'{{"accept": {{"{first}": 1{"0" * 400}}}}}'
    assert 422 == wire.put(address, content=endless, headers=OWNER).status_code
    assert 200 == wire.put(address, json={"restore": [first], "accept": {first: 2}}, headers=OWNER).status_code
    feeds = {feed["name"]: feed for feed in wire.get("/api/feeds").json()["feeds"]}
    assert 2 == feeds["other"]["keywords"][first]
    assert first not in {row["keyword"] for row in wire.get(address, headers=OWNER).json()["suggestions"]}
    assert 401 == wire.get(address).status_code
    assert 422 == wire.put(address, json={"forget": []}, headers=OWNER).status_code


def test_the_page_of_what_was_learned(wire: httpx.Client) -> None:
    """The page shows nothing without the token; with it the words, and a library is uploaded as a file."""
    vote(wire, dict.fromkeys(CACHE_IDS[:5], 1), "other")
    address = "/settings/learned"
    empty = wire.get(f"{address}?feed=other")
    assert (200, "no-store", False) == (
        empty.status_code,
        empty.headers["cache-control"],
        CACHE_IDS[0] in empty.text,
    )
    fields = {"feed": (None, "other"), "token": (None, TOKEN), "do": (None, "show")}
    assert 403 == wire.post(address, files=fields | {"token": (None, "wrong")}).status_code
    shown = wire.post(address, files=fields)
    assert (200, True, False) == (shown.status_code, "5 likes" in shown.text, TOKEN in shown.text)
    bibtex = b"@misc{a, title = {Prefill scheduling}, abstract = {Of paged attention.}}"
    upload = fields | {"do": (None, "library"), "file": ("refs.bib", bibtex)}
    assert "BibTeX: 1 papers to learn from" in wire.post(address, files=upload).text
    nothing = wire.post(address, files=fields | {"do": (None, "library"), "file": ("x.pdf", b"%PDF-1.7")})
    assert (422, True) == (nothing.status_code, "binary file" in nothing.text)
    assert "last change of votes is undone" in wire.post(address, files=fields | {"do": (None, "undo")}).text
