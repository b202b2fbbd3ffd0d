"""The owner's session, marks and reading list: they follow the owner, and strangers neither see nor change them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from lxml import html

from api.session import make_session, series_of
from core.config.settings import Settings
from tests.api import DAYS, FRIDAY, TOKEN, base, make_settings, noon, serving_days, store_days
from tests.conftest import serving_app

SAME = {"Sec-Fetch-Site": "same-origin"}
PAPER = "2603.90301"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving_days(tmp_path_factory.mktemp("owner"), admin_token=TOKEN) as client:
        yield base(client)


@contextmanager
def signed_in(url: str) -> Iterator[httpx.Client]:
    """A browser in which the owner has signed in."""
    with httpx.Client(base_url=url) as client:
        answer = client.post("/sign-in", data={"token": TOKEN}, headers=SAME)
        assert (303, "/") == (answer.status_code, answer.headers["Location"])
        yield client


def mark(client: httpx.Client, marks: dict[str, object], **headers: str) -> httpx.Response:
    return client.post("/marks", json={"marks": marks}, headers=headers or SAME)


def test_marks_are_the_same_in_two_browsers(url: str) -> None:
    """What one browser of the owner marks, another one gets; the newer mark of a paper wins, whatever comes last."""
    with signed_in(url) as laptop, signed_in(url) as phone:
        first, second = "2603.90303", "2603.90304"
        assert 200 == mark(laptop, {first: {"v": 1, "s": 1, "d": "2026-03-06", "t": 2000}}).status_code
        assert 200 == mark(phone, {second: {"l": -1, "x": 1, "t": 2000}, first: {"t": 1000}}).status_code
        kept = laptop.get("/marks").json()["marks"]
        assert {"v": 1, "s": 1, "d": "2026-03-06", "t": 2000} == kept[first]
        assert {"l": -1, "x": 1, "t": 2000} == kept[second]
        assert kept == phone.get("/marks").json()["marks"]
        page = html.document_fromstring(phone.get("/").text)
        assert page.xpath(f"//li[@data-id='{first}']/@class")[0].endswith(" seen saved")
        assert "private, no-store" == phone.get("/").headers["Cache-Control"]


def test_strangers_see_and_change_nothing(url: str) -> None:
    """Without a session there are no marks: not in answers, not in pages, cold or from memory; nothing is changed."""
    with signed_in(url) as owner, httpx.Client(base_url=url) as stranger:
        mark(owner, {PAPER: {"s": 1, "t": 3000}})
        before = owner.get("/marks").text
        for _ in range(2):
            assert 401 == stranger.get("/marks").status_code
            assert "row worth saved" not in stranger.get("/").text
            assert "A cache for kernels" not in stranger.get("/saved").text
            assert 401 == stranger.get("/saved.bib").status_code
        assert 401 == mark(stranger, {PAPER: {"s": 0, "t": 9000}}).status_code
        assert "/sign-in" == stranger.post("/saved", data={"s": PAPER}, headers=SAME).headers["Location"]
        assert (
            "/sign-in"
            == stranger.post("/marks", data={"s": PAPER, "day": "2026-03-06"}, headers=SAME).headers["Location"]
        )
        assert before == owner.get("/marks").text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"X-Nothing": "1"},
    ],
)
def test_other_sites_cannot_use_the_session(url: str, headers: dict[str, str]) -> None:
    """What other sites' pages make the owner's browser send is refused, even with the cookie."""
    with signed_in(url) as owner:
        before = owner.get("/marks").text
        assert 403 == mark(owner, {PAPER: {"x": 1, "t": 9000}}, **headers).status_code
        for path, form in (
            ("/marks", {"x": PAPER, "day": "2026-03-06"}),
            ("/saved", {"s": PAPER}),
            ("/sign-out", {"here": "1"}),
        ):
            assert 403 == owner.post(path, data=form, headers=headers).status_code
        assert before == owner.get("/marks").text


def test_the_cookie(url: str) -> None:
    """It is for this service and its own pages, no script reads it, and each sign-in makes another one."""
    planted = "0000.9999999999.planted.signature"
    with httpx.Client(base_url=url) as client:
        client.cookies.set("paperwire", planted)
        answers = [client.post("/sign-in", data={"token": TOKEN}, headers=SAME) for _ in range(2)]
    cookies = [next(c for c in a.headers.get_list("set-cookie") if c.startswith("paperwire=")) for a in answers]
    assert cookies[0] != cookies[1]
    for cookie in cookies:
        assert planted not in cookie
        assert {"HttpOnly", "SameSite=strict", "Path=/", "Max-Age=2592000"} <= set(cookie.split("; "))
        assert TOKEN not in cookie


def test_over_https_no_other_host_can_set_it(tmp_path: Path) -> None:
    """Over HTTPS the cookie is secure, and has the prefix that ties it to this host."""
    with serving_days(tmp_path, {FRIDAY: DAYS[FRIDAY]}, admin_token=TOKEN, base_url="https://wire.example") as client:
        answer = client.post("/sign-in", data={"token": TOKEN}, headers=SAME)
    cookie = next(c for c in answer.headers.get_list("set-cookie") if "HttpOnly" in c)
    assert cookie.startswith("__Host-paperwire=")
    assert "Secure" in cookie


def test_a_wrong_token(url: str) -> None:
    """It is refused with a reason, and no session begins."""
    with httpx.Client(base_url=url) as client:
        answer = client.post("/sign-in", data={"token": "wrong"}, headers=SAME)
        assert 403 == answer.status_code
        assert "That is not the token" in answer.text
        assert "set-cookie" not in answer.headers
        assert 401 == client.get("/marks").status_code


def test_a_session_ends(tmp_path: Path) -> None:
    """After its time, with another token, or changed in any part, a session is none."""
    settings: Settings = make_settings(tmp_path, admin_token=TOKEN)
    now = noon(FRIDAY)
    value = make_session(settings, "abcd", now.timestamp())
    assert "abcd" == series_of(settings, value, now.timestamp())
    assert "" == series_of(settings, value, (now + timedelta(days=30)).timestamp())
    assert "" == series_of(make_settings(tmp_path, admin_token="another"), value, now.timestamp())
    assert "" == series_of(make_settings(tmp_path, admin_token=""), value, now.timestamp())
    for at in range(0, len(value), 7):
        changed = value[:at] + ("0" if value[at] != "0" else "1") + value[at + 1 :]
        assert "" == series_of(settings, changed, now.timestamp())
    for text in ("", ".", "...", "a.b.c.d", "é.1.2.3"):
        assert "" == series_of(settings, text, now.timestamp())


# What is done to a session's cookie, which then opens nothing
TAMPERED = {
    "a later end": lambda s, e, n, g: (s, str(int(e) + 1), n, g),
    "another series": lambda s, e, n, g: ("0" * len(s), e, n, g),
    "another number": lambda s, e, n, g: (s, e, n[::-1], g),
    "no signature": lambda s, e, n, _: (s, e, n, ""),
    "half a signature": lambda s, e, n, g: (s, e, n, g[:32]),
    "a signature of capitals": lambda s, e, n, g: (s, e, n, g.upper()),
    "its own parts in another order": lambda s, e, n, g: (e, s, n, g),
    "one part more": lambda s, e, n, g: (s, e, f"{n}.{n}", g),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_a_changed_cookie_opens_nothing(url: str, how: str) -> None:
    """A session that was changed in any part is none, for reading and for writing; unchanged it is one."""
    with signed_in(url) as owner:
        value = owner.cookies["paperwire"]
    changed = ".".join(TAMPERED[how](*value.split(".")))
    for sent, status in ((value, 200), (changed, 401)):
        with httpx.Client(base_url=url, headers={"Cookie": f"paperwire={sent}"}) as client:
            assert status == client.get("/marks").status_code
            assert status == mark(client, {"2603.90302": {"v": 1, "t": 1}}).status_code


def test_a_session_ends_by_the_clock(tmp_path: Path) -> None:
    """A cookie that a browser keeps beyond its time opens nothing; a minute before its end it does."""
    settings = make_settings(tmp_path, admin_token=TOKEN)
    store_days(settings, DAYS)
    with serving_app(settings) as url, signed_in(url) as owner:
        value = owner.cookies["paperwire"]
    for left, status in ((timedelta(minutes=1), 200), (timedelta(0), 401), (timedelta(days=-30), 401)):
        later = settings.model_copy(update={"now": noon(FRIDAY) + timedelta(days=30) - left})
        with serving_app(later) as url, httpx.Client(base_url=url, headers={"Cookie": f"paperwire={value}"}) as client:
            assert status == client.get("/marks").status_code


def test_a_planted_cookie_is_not_taken_over(url: str) -> None:
    """A cookie that was planted before the owner signs in is none afterwards: signing in makes a new one (fixation)."""
    with httpx.Client(base_url=url) as stranger:
        answer = stranger.post("/sign-in", data={"token": "wrong"}, headers=SAME)
        assert "set-cookie" not in answer.headers
    planted = "0123456789abcdef.9999999999.0123456789abcdef.0123456789abcdef"
    with httpx.Client(base_url=url, headers={"Cookie": f"paperwire={planted}"}) as owner:
        answer = owner.post("/sign-in", data={"token": TOKEN}, headers=SAME)
        assert planted not in answer.headers["set-cookie"]
        assert 401 == owner.get("/marks").status_code
    with signed_in(url) as one, signed_in(url) as two:
        assert one.cookies["paperwire"] != two.cookies["paperwire"]


def test_a_session_of_another_store_is_none(url: str, tmp_path: Path) -> None:
    """Two wires with the same token and hosts that share cookies do not open each other."""
    with (
        serving_days(tmp_path, {FRIDAY: DAYS[FRIDAY]}, admin_token=TOKEN) as other,
        signed_in(base(other)) as owner,
        httpx.Client(base_url=url, headers={"Cookie": f"paperwire={owner.cookies['paperwire']}"}) as client,
    ):
        assert 200 == owner.get("/marks").status_code
        assert 401 == client.get("/marks").status_code


def test_signing_out(url: str) -> None:
    """Signing out removes the cookie; everywhere, it ends the sessions of all browsers, and later ones are good."""
    with signed_in(url) as one, signed_in(url) as two, signed_in(url) as three:
        one.post("/sign-out", data={"here": "1"}, headers=SAME)
        assert 401 == one.get("/marks").status_code
        assert 200 == two.get("/marks").status_code
        value = three.cookies["paperwire"]
        two.post("/sign-out", data={"everywhere": "1"}, headers=SAME)
        assert 401 == three.get("/marks").status_code
        assert 401 == mark(three, {PAPER: {"s": 0, "t": 9000}}).status_code
        with httpx.Client(base_url=url, headers={"Cookie": f"paperwire={value}"}) as copied:
            assert 401 == copied.get("/marks").status_code
        with signed_in(url) as four:
            assert 200 == four.get("/marks").status_code


def test_buttons_without_javascript(url: str) -> None:
    """Each button of a row is a form's: it does its work once, undoes it the second time, and leads back to the row."""
    with signed_in(url) as owner:
        for name, kept in (("l", ("l", 1)), ("d", ("x", 1)), ("s", ("s", 1)), ("x", ("x", 1))):
            for expected in (kept[1], None):
                answer = owner.post("/marks", data={name: "hep-th/9901001", "day": "2026-03-06"}, headers=SAME)
                assert (303, "/day/2026-03-06#p-hep-th-9901001") == (answer.status_code, answer.headers["Location"])
                assert expected == owner.get("/marks").json()["marks"]["hep-th/9901001"].get(kept[0])


def test_the_reading_list(tmp_path: Path) -> None:
    """Saved papers are listed with notes, newest first, stay when their batch is gone, and are exported whole."""
    settings = make_settings(tmp_path, admin_token=TOKEN)
    store_days(settings, DAYS)
    with serving_app(settings) as url, signed_in(url) as owner:
        mark(owner, {PAPER: {"s": 1, "t": 1}})
        mark(owner, {"2603.90305": {"s": 1, "t": 2}, "2603.99999": {"s": 1, "t": 2}})
        owner.post("/saved", data={f"note-{PAPER}": "for the tiering section", "notes": "1"}, headers=SAME)
        owner.post("/saved", data={"r": PAPER}, headers=SAME)
        page = html.document_fromstring(owner.get("/saved").text)
        assert ["Letters", "A cache for kernels"] == [a.text_content() for a in page.xpath("//ol[@class='rows']//h2/a")]
        assert "for the tiering section" in page.xpath("//input/@value")
        assert 2 == len(page.xpath("//span[@class='Z3988']"))
        bib = owner.get("/saved.bib")
        assert "attachment" in bib.headers["Content-Disposition"]
        assert {"eprint = {2603.90301}", "eprint = {2603.90305}"} <= {
            line.strip(" ,") for line in bib.text.splitlines()
        }
        assert 1 == owner.get(f"/saved.bib?id={PAPER}").text.count("@misc")
        ris = owner.get("/saved.ris").text
        assert 2 == ris.count("TY  - UNPB\r\n") == ris.count("ER  - ")
        assert "AU  - Placeholder, Grace\r\n" in ris
        items = json.loads(owner.get("/saved.json").text)
        assert {"family": "Placeholder", "given": "Grace"} == items[0]["author"][0]
        assert [[2026, 3]] == [part[:2] for part in items[0]["issued"]["date-parts"]]
        assert "- Note: for the tiering section" in owner.get("/saved.md").text
        owner.post("/saved", data={"s": PAPER}, headers=SAME)
        assert "A cache for kernels" not in owner.get("/saved").text
        assert not owner.get("/marks").json()["marks"][PAPER].get("s")


def test_a_list_in_an_address(url: str) -> None:
    """Anybody may list and export stored papers by identifier; those that are not stored are linked at arXiv."""
    page = html.document_fromstring(httpx.get(f"{url}/saved?id={PAPER},2401.00001").text)
    assert ["A cache for kernels"] == [a.text_content() for a in page.xpath("//ol[@class='rows']//h2/a")]
    assert ["https://arxiv.org/abs/2401.00001"] == page.xpath("//p[@class='notice']//a/@href")
    assert "@misc" in httpx.get(f"{url}/saved.bib?id={PAPER}").text
    assert 404 == httpx.get(f"{url}/saved?id=nonsense").status_code
    assert 404 == httpx.get(f"{url}/saved.exe?id={PAPER}").status_code


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"marks": []}',
        b'{"marks": {"x": {}}}',
        b'{"marks": {"2603.90301": 1}}',
        b'{"marks": {"2603.90301": {"t": 1e999}}}',
        b"\xff",
    ],
)
def test_marks_that_are_none(url: str, body: bytes) -> None:
    """A body that is no set of marks is refused and changes nothing."""
    with signed_in(url) as owner:
        before = owner.get("/marks").text
        answer = owner.post("/marks", content=body, headers=SAME | {"Content-Type": "application/json"})
        assert 422 == answer.status_code
        assert before == owner.get("/marks").text


def test_citation_tags(url: str) -> None:
    """A paper's page has the tags by which Zotero saves it: title, authors, date, identifier, abstract, PDF."""
    page = html.document_fromstring(httpx.get(f"{url}/papers/2603.90305").text)
    tags = {meta.get("name"): meta.get("content") for meta in page.xpath("//meta[starts-with(@name, 'citation_')]")}
    assert "Letters" == tags["citation_title"]
    assert "2603.90305" == tags["citation_arxiv_id"]
    assert "https://arxiv.org/pdf/2603.90305v1" == tags["citation_pdf_url"]
    assert "Placeholder, Grace" in page.xpath("//meta[@name='citation_author']/@content")
    assert {"citation_date", "citation_abstract", "citation_doi"} <= tags.keys()


def test_likes_and_dislikes_are_votes(tmp_path: Path) -> None:
    """A like counts for the feeds that show the paper; it is taken back with its mark."""
    with serving_days(tmp_path, admin_token=TOKEN) as client, signed_in(base(client)) as owner:

        def votes(feed: str) -> dict[str, int]:
            found = owner.get(f"/api/feeds/{feed}/votes", headers={"Authorization": f"Bearer {TOKEN}"}).json()["votes"]
            return {vote["paper"]: vote["sign"] for vote in found}

        mark(owner, {PAPER: {"l": 1, "t": 1}, "2603.90306": {"l": -1, "x": 1, "t": 1}})
        assert {PAPER: 1} == votes("main")
        assert {PAPER: 1, "2603.90306": -1} == votes("everything")
        mark(owner, {PAPER: {"v": 1, "t": 2}})
        assert {} == votes("main")


def test_an_author_is_followed_and_let_go(tmp_path: Path) -> None:
    """A form adds a rule `au:NAME` to a feed, worth its least score; undo takes it back."""
    sent = {"feed": "main", "author": "Second Sample", "paper": PAPER}
    with serving_days(tmp_path, admin_token=TOKEN) as wire, signed_in(base(wire)) as owner:
        assert "/sign-in" == wire.post("/follow", data=sent, headers=SAME).headers["Location"]
        assert "/sign-in" == wire.get("/follow?feed=main&author=Second+Sample").headers["Location"]
        assert 403 == owner.post("/follow", data=sent, headers={"Sec-Fetch-Site": "cross-site"}).status_code
        answer = owner.post("/follow", data=sent, headers=SAME)
        shown = owner.get(answer.headers["Location"])
        assert (303, "Cookie") == (answer.status_code, shown.headers["Vary"])
        assert "au:Second Sample</code> gives them 3 points" in shown.text
        found = wire.get(f"/api/papers/{PAPER}?feed=main&fields=reasons").json()["entries"][0]
        assert {"au:Second Sample": 3} == {r["rule"]: r["points"] for r in found["reasons"] if r["field"] == "authors"}
        assert shown.text == owner.get(f"/follow?author=Second+Sample&paper={PAPER}").text  # in the first feed
        undone = owner.post("/follow", data=sent | {"undo": "1"}, headers=SAME)
        assert "is not followed" in owner.get(undone.headers["Location"]).text
        rules = owner.get("/feeds/main").text
        assert 422 == owner.post("/follow", data=sent | {"author": " "}, headers=SAME).status_code
        assert "au:Second Sample" not in rules
        assert 'name="author"' in wire.get(f"/papers/{PAPER}").text


def test_following_in_a_feed_of_all_papers(tmp_path: Path) -> None:
    """A feed without keywords goes on to show everything."""
    sent = {"feed": "everything", "author": "Second Sample"}
    with serving_days(tmp_path, admin_token=TOKEN) as wire, signed_in(base(wire)) as owner:
        before = wire.get("/api/papers?feed=everything").json()["total"]
        assert 303 == owner.post("/follow", data=sent, headers=SAME).status_code
        assert before == wire.get("/api/papers?feed=everything").json()["total"]


def test_marks_on_the_page_of_a_paper(tmp_path: Path) -> None:
    """Without JavaScript a button of the paper's page leads back to it."""
    with serving_days(tmp_path, admin_token=TOKEN) as wire, signed_in(base(wire)) as owner:
        answer = owner.post("/marks", data={"s": PAPER, "at": "paper", "day": "2026-03-06"}, headers=SAME)
        assert f"/papers/{PAPER}" == answer.headers["Location"]
        assert owner.get("/marks").json()["marks"][PAPER]["s"]


@pytest.mark.parametrize("path", ["/", "/day/2026-03-06", "/saved", "/sign-in"])
def test_caches_know_what_differs_by_session(url: str, path: str) -> None:
    """What the owner is shown otherwise says so to caches, cold and from memory."""
    for _ in range(2):
        answer = httpx.get(f"{url}{path}", headers={"Accept-Encoding": "identity"})
        assert "Cookie" in answer.headers["Vary"]
