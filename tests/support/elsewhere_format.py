"""Feeds of journals and pages of bioRxiv's API, in the formats in which these serve them, with invented papers."""

import json
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

_PRISM = 'xmlns:prism="http://prismstandard.org/namespaces/basic/2.0/"'
_DC = 'xmlns:dc="http://purl.org/dc/elements/1.1/"'


def journal_item(number: int, title: str = "", *, about: str = "Hello <b>there</b>.", day: int = 5, **more: str) -> str:
    """An item of a journal's RSS, with a DOI that PRISM names."""
    doi = more.get("doi", f"10.5555/sample.{number}")
    title = title or f"A sample of findings about subject number {number}"
    return (
        f"<item><title>{escape(title)}</title><link>https://journal.example/articles/{number}?rss=yes</link>"
        f"<description>{escape(f'<p>{about}</p>')}</description>"
        f"<dc:creator>{escape(more.get('by', 'Ann Sample'))}</dc:creator>"
        f"<pubDate>{day:02} Mar 2026 08:00:00 GMT</pubDate>"
        + (f"<prism:doi>{escape(doi)}</prism:doi>" if doi else "")
        + (f'<guid isPermaLink="false">{escape(more["guid"])}</guid>' if "guid" in more else "")
        + "</item>"
    )


def journal(items: Iterable[str], title: str = "Journal of Samples") -> bytes:
    """A journal's feed in RSS 2.0 with Dublin Core and PRISM."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" {_DC} {_PRISM}><channel>'
        f"<title>{escape(title)}</title><link>https://journal.example/</link><description>New articles</description>"
        f"{''.join(items)}</channel></rss>"
    ).encode()


def rdf(rows: Iterable[tuple[str, str]], title: str = "Annals of Samples") -> bytes:
    """A publisher's feed in RSS 1.0: items, each of a title and a DOI, stand beside the channel."""
    items = "".join(
        f'<item rdf:about="https://annals.example/doi/abs/{doi}?af=R"><title>{escape(name)}</title>'
        f"<link>https://annals.example/doi/abs/{doi}?af=R</link><dc:creator>Bob Example, Cleo Invented</dc:creator>"
        f"<description>{escape(name)}, Annals of Samples.</description><dc:identifier>doi:{doi}</dc:identifier>"
        f"<prism:publicationDate>2026-03-04</prism:publicationDate></item>"
        for name, doi in rows
    )
    return (
        '<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        f'xmlns="http://purl.org/rss/1.0/" {_DC} {_PRISM}><channel rdf:about="https://annals.example/">'
        f"<title>{title}</title></channel>{items}</rdf:RDF>"
    ).encode()


def atom(entries: Iterable[tuple[str, str, str]], title: str = "A Reader's Finds") -> bytes:
    """An aggregator's feed in Atom: entries, each of an id, a link and a title."""
    made = "".join(
        f'<entry><id>{escape(name)}</id><title type="html">{escape(text)}</title>'
        f'<link rel="alternate" href="{escape(link)}"/>'
        "<published>2026-03-05T10:00:00Z</published><updated>2026-03-05T11:00:00Z</updated>"
        "<author><name>Dora Sample</name></author>"
        '<summary type="html">&lt;p&gt;Found by a reader.&lt;/p&gt;</summary></entry>'
        for name, link, text in entries
    )
    return (
        f'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>{escape(title)}</title>'
        f"<id>tag:reader.example,2026:finds</id><updated>2026-03-05T11:00:00Z</updated>{made}</feed>"
    ).encode()


def preprint(number: int, **more: Any) -> dict[str, Any]:
    """An element of bioRxiv's collection; `more` replaces its fields, ... removes one."""
    made = {
        "title": f"A preprint about sampled cells of kind {number}",
        "authors": "Sample, A. B.; Example, C.",
        "author_corresponding": "Ann Sample",
        "author_corresponding_institution": "Institute of Samples",
        "doi": f"10.1101/2026.03.01.{700000 + number}",
        "date": "2026-03-04",
        "version": "1",
        "type": "new results",
        "license": "cc_by",
        "category": "cell biology",
        "jatsxml": f"https://www.biorxiv.org/content/early/2026/03/04/2026.03.01.{700000 + number}.source.xml",
        "abstract": "We sampled cells and counted them.",
        "funder": "NA",
        "published": "NA",
        "server": "bioRxiv",
    }
    return {name: value for name, value in (made | more).items() if value is not ...}


def posted_page(elements: Sequence[dict[str, Any]], cursor: int, size: int = 100) -> bytes:
    """A page of /details/biorxiv/…: counts are numbers there, the total and the cursor are texts."""
    part = elements[cursor : cursor + size]
    if not part:
        return json.dumps({"messages": [{"status": "no posts found"}], "collection": []}).encode()
    message = {"status": "ok", "interval": "2026-03-04:2026-03-04", "cursor": cursor, "count": len(part)}
    message |= {"count_new_papers": len(part), "total": str(len(elements))}
    return json.dumps({"messages": [message], "collection": part}).encode()
