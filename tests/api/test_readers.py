"""Real feed readers subscribe to the real server, in a process of its own, and list what it serves."""

import email
import email.policy
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from typing import Any, NamedTuple

import feedparser
import httpx
import pytest
from reader import make_reader

from tests.api import make_settings, store_days
from tests.conftest import wait_until
from tests.support.arxiv_format import Sheet
from tests.support.servers import server_process

NEWSBOAT = shutil.which("newsboat")
R2E = Path(sys.executable).with_name("r2e")
FEEDS = """
[feeds.main]
title = "Caches & kernels"
categories = ["cs.LG", "cs.DC"]
min_score = 0
[feeds.main.keywords]
cache = 2
kernel = 1

[feeds.other]
title = "Everything in cs.LG"
categories = ["cs.LG"]
"""
NOW = datetime(2026, 3, 6, 17, tzinfo=UTC)
TITLES = [
    "A plain cache",
    "Caches, kernels & “quotes”: it's α ≤ β",
    "If x < y & y > z, then a kernel",
    "Généralités sur l'Évaluation",
    "100% of R&D in C++ \\& 50\\% of $\\mathcal{O}(n^2)$ kernels",
    "When $p<q$ and $q>r$ a cache",
    "On &lt;b&gt; and &amp; in titles",
    "Of <think> tokens </think> and R&D in <i>Gaia</i> caches",
]
CREATORS = [
    "First Sample",
    "First Sample, Second Sample, Ada Placeholder",
    'J\\"org Example (Institute, Town), Zo\\"e Sample (Company & Co)',
    ", ".join(f"Author{n} Sample" for n in range(40)),
]
SHEETS = [
    Sheet(
        id=f"2603.{90001 + n}",
        title=title,
        abstract=f"We study case {n}: a < b & c > d, <b>not bold</b>.",
        creator=CREATORS[n % len(CREATORS)],
        categories=("cs.LG", "cs.DC"),
    )
    for n, title in enumerate(TITLES)
]


class Listed(NamedTuple):
    """An entry as a reader lists it. White space in titles says nothing: readers fold it, and show no joiners."""

    title: str
    authors: str
    link: str
    date: datetime


@dataclass
class Served:
    """A running server: its address and what it has logged of requests."""

    url: str
    log: Path

    def statuses(self, target: str) -> list[int]:
        """The statuses of all requests for the path of `target` so far; queries are not logged."""
        path = re.escape(target.partition("?")[0])
        return [int(status) for status in re.findall(rf"method=GET path={path} status=(\d+)", self.log.read_text())]

    def home(self, feed: str) -> str:
        """The page that belongs to a feed, by its JSON Feed."""
        return str(httpx.get(f"{self.url}/api/feeds/{feed}.json").json()["home_page_url"])

    def papers(self, feed: str) -> list[dict[str, Any]]:
        """The papers of a feed by the query API."""
        papers: list[dict[str, Any]] = httpx.get(f"{self.url}/api/papers?feed={feed}").json()["papers"]
        return papers

    def expected(self, feed: str) -> set[Listed]:
        """What a reader should list of a feed: by the query API, and by the JSON Feed for titles and times."""
        items = {item["url"]: item for item in httpx.get(f"{self.url}/api/feeds/{feed}.json").json()["items"]}
        return {
            Listed(
                squeezed(items[paper["links"]["abs"]]["title"]),
                ", ".join(author["name"] for author in paper["authors"]),
                paper["links"]["abs"],
                datetime.fromisoformat(items[paper["links"]["abs"]]["date_published"]).astimezone(UTC),
            )
            for paper in self.papers(feed)
        }


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    settings = make_settings(folder, feeds_toml=FEEDS)
    store_days(settings, {NOW.date(): SHEETS})
    (folder / "feeds.toml").write_text(FEEDS, "utf-8")
    env = {"NOW": NOW.isoformat(), "SQLITE_PATH": str(settings.sqlite_path), "ARXIV_RSS_URL": "http://127.0.0.1:9"}
    with server_process(folder, env) as running:
        yield Served(running.url, running.log)


def squeezed(title: str) -> str:
    """A title without white space, in which readers differ."""
    return re.sub(r"[\s\u200a\u200b\u2060]", "", title)


def moment(parsed: Any) -> datetime:
    return datetime(*parsed[:6], tzinfo=UTC)


def test_titles_are_those_of_the_papers(served: Served) -> None:
    """What readers are held to below is what authors wrote, without the markup of HTML."""
    titles = {title for title, *_ in served.expected("other")}
    assert {squeezed("On <b> and & in titles"), squeezed("Of <think> tokens </think> and R&D in Gaia caches")} <= titles
    assert {"Aplaincache", "Whenp<qandq>racache"} <= titles
    assert len(titles) == len(SHEETS)


@pytest.mark.parametrize("feed", ["main", "other"])
@pytest.mark.parametrize("extension", ["rss", "atom"])
def test_feedparser(served: Served, feed: str, extension: str) -> None:
    """feedparser finds nothing wrong and lists every entry with title, all authors, link and date."""
    parsed = feedparser.parse(f"{served.url}/api/feeds/{feed}.{extension}")
    assert (False, 200, {"rss": "rss20", "atom": "atom10"}[extension]) == (parsed.bozo, parsed.status, parsed.version)
    got = {
        Listed(
            squeezed(entry.title),
            ", ".join(author["name"] for author in entry.authors),
            entry.link,
            moment(entry.published_parsed),
        )
        for entry in parsed.entries
    }
    assert served.expected(feed) == got
    assert len(parsed.entries) == len({entry.id for entry in parsed.entries})
    assert ("en", served.home(feed)) == (parsed.feed.language, parsed.feed.link)


@pytest.mark.parametrize("extension", ["rss", "atom"])
def test_feedparser_polls_again(served: Served, extension: str) -> None:
    """On its second visit feedparser is told that nothing has changed, by ETag or by date."""
    url = f"{served.url}/api/feeds/main.{extension}"
    first = feedparser.parse(url)
    for known in ({"etag": first.etag}, {"modified": first.modified}, {"etag": first.etag, "modified": first.modified}):
        again = feedparser.parse(url, **known)
        assert (304, []) == (again.status, again.entries)


@pytest.mark.parametrize("feed", ["main", "other"])
@pytest.mark.parametrize("extension", ["rss", "atom", "json"])
def test_reader(served: Served, feed: str, extension: str) -> None:
    """The reader package lists every entry with title, authors, link and date, and shows all names."""
    target = f"/api/feeds/{feed}.{extension}"
    with closing(make_reader(":memory:")) as reader:
        reader.add_feed(served.url + target)
        reader.update_feeds()
        entries = list(reader.get_entries())
        subscribed = reader.get_feed(served.url + target)
    assert subscribed.last_exception is None
    assert (served.home(feed), True) == (subscribed.link, bool(subscribed.title))
    expected = served.expected(feed)
    got = {
        Listed(squeezed(e.title or ""), e.authors_str or "", e.link or "", e.published or NOW)  # type: ignore[attr-defined]
        for e in entries
    }
    if extension == "atom":  # of several authors this reader keeps one; the text names them all
        assert {(e.title, e.link, e.date) for e in expected} == {(e.title, e.link, e.date) for e in got}
        names = {e.link: e.authors.split(", ") for e in expected}
        for entry in entries:
            assert ", ".join(names[entry.link or ""][:10]) in entry.content[0].value.replace("&amp;", "&")
    else:
        assert expected == got


@pytest.mark.parametrize("extension", ["rss", "atom", "json"])
def test_reader_polls_again(served: Served, extension: str) -> None:
    """On its second visit the reader package is told that nothing has changed, and still has everything."""
    target = f"/api/feeds/other.{extension}?score%3E=0"
    before = served.statuses(target)
    with closing(make_reader(":memory:")) as reader:
        reader.add_feed(served.url + target)
        reader.update_feeds()
        count = reader.get_entry_counts().total
        results = [result.value for result in reader.update_feeds_iter(scheduled=False)]
        assert [None] == results  # neither an update nor an error: the server said that nothing changed
        assert len(SHEETS) == count == reader.get_entry_counts().total
        assert reader.get_feed(served.url + target).last_exception is None
    wait_until(lambda: len(served.statuses(target)) == len(before) + 2)
    assert [*before, 200, 304] == served.statuses(target)


def reload(folder: Path, urls: list[str]) -> list[dict[str, Any]]:
    """Let newsboat subscribe to `urls` and fetch them; the rows of its cache."""
    assert NEWSBOAT
    (folder / "urls").write_text("\n".join(urls) + "\n", "utf-8")
    (folder / "config").write_text("reload-threads 2\n", "utf-8")
    command = [NEWSBOAT, "-u", "urls", "-c", "cache.db", "-C", "config", "-x", "reload"]
    env = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TERM": "dumb"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert 0 == done.returncode, done.stderr
    with closing(sqlite3.connect(folder / "cache.db")) as db:
        db.row_factory = sqlite3.Row
        return [
            dict(row) for row in db.execute("SELECT guid, title, author, url, pubDate, feedurl, content FROM rss_item")
        ]


newsboat = pytest.mark.skipif(NEWSBOAT is None, reason="newsboat is not installed: apt-get install newsboat")


@newsboat
@pytest.mark.parametrize("extension", ["rss", "atom"])
def test_newsboat(served: Served, tmp_path: Path, extension: str) -> None:
    """newsboat lists every entry with title, all authors, link and date, and is told when nothing is new.

    It loses the ETag of its very first fetch, noted before there is a row for the feed: so the third one is 304.
    """
    target = f"/api/feeds/main.{extension}?score%3E=0&sort=id"
    before = len(served.statuses(target))
    rows = reload(tmp_path, [served.url + target])
    assert [rows, rows] == [reload(tmp_path, [served.url + target]) for _ in range(2)]
    wait_until(lambda: len(served.statuses(target)) == before + 3)
    assert (200, 304) == (served.statuses(target)[before], served.statuses(target)[-1])
    got = {
        Listed(squeezed(row["title"]), row["author"], row["url"], datetime.fromtimestamp(row["pubDate"], UTC))
        for row in rows
    }
    assert served.expected("main") == got
    assert all("Score" in row["content"] for row in rows)


@newsboat
@pytest.mark.parametrize("extension", ["rss", "atom"])
def test_newsboat_with_a_paper_in_two_feeds(served: Served, tmp_path: Path, extension: str) -> None:
    """A paper in two feeds of one newsboat stays in both, also after the next reload."""
    urls = [f"{served.url}/api/feeds/{feed}.{extension}" for feed in ("main", "other")]
    expected = {
        (url, paper["links"]["abs"])
        for url, feed in zip(urls, ("main", "other"), strict=True)
        for paper in served.papers(feed)
    }
    assert len(expected) == 2 * len(SHEETS)
    for _ in range(2):
        rows = reload(tmp_path, urls)
        assert expected == {(row["feedurl"], row["url"]) for row in rows}
        assert len(rows) == len(expected)


@dataclass
class Mailbox:
    """rss2email in a folder of its own, with one subscription, which it delivers to a Maildir."""

    folder: Path

    def r2e(self, *arguments: str) -> None:
        command = [R2E, "-c", "config", "-d", "data.json", *arguments]
        env = {"HOME": str(self.folder), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
        done = subprocess.run(
            command, cwd=self.folder, env=env, capture_output=True, text=True, timeout=120, check=False
        )
        assert 0 == done.returncode, done.stderr
        assert not re.search(r"\[(WARNING|ERROR|CRITICAL)\]", done.stderr), done.stderr

    def subscribe(self, url: str) -> None:
        (self.folder / "mail").mkdir()
        (self.folder / "config").write_text(
            "[DEFAULT]\nfrom = wire@paperwire.invalid\nto = owner@paperwire.invalid\nemail-protocol = maildir\n"
            f"maildir-path = {self.folder}/mail\nmaildir-mailbox = wire\n"
            "name-format = {author}\ndate-header = True\nhtml-mail = True\n",
            "utf-8",
        )
        self.r2e("add", "wire", url)

    def mails(self) -> list[EmailMessage]:
        """All mails that were delivered so far."""
        paths = sorted((self.folder / "mail").rglob("new/*"))
        return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in paths]


def sent(mail: EmailMessage) -> datetime:
    """The date of a mail; "-0000" is UTC from a sender whose own time zone is not to be told (RFC 5322)."""
    return moment(mail["Date"].datetime.utctimetuple())


@pytest.mark.parametrize("extension", ["rss", "atom"])
def test_rss2email(served: Served, tmp_path: Path, extension: str) -> None:
    """rss2email mails every entry once with title, authors, link and date, and on its next poll is told no news."""
    target = f"/api/feeds/main.{extension}?score%3E=0"
    box = Mailbox(tmp_path)
    before = served.statuses(target)
    box.subscribe(served.url + target)
    box.r2e("run")
    mails = box.mails()
    expected = served.expected("main")
    got = {
        Listed(squeezed(mail["Subject"]), parseaddr(mail["From"])[0], mail["X-RSS-URL"], sent(mail)) for mail in mails
    }
    assert len(mails) == len(expected)
    if extension == "atom":  # of several authors it shows one; the text names them all
        expected = {entry._replace(authors="") for entry in expected}
        got = {entry._replace(authors="") for entry in got}
    assert expected == got
    authors = {entry.link: entry.authors.split(", ") for entry in served.expected("main")}
    for mail in mails:
        assert ", ".join(authors[mail["X-RSS-URL"]][:10]) in mail.get_content().replace("&amp;", "&")
    box.r2e("run")
    assert [*before, 200, 304] == served.statuses(target)
    assert len(mails) == len(box.mails())
