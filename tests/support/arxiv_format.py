"""Invented papers, and documents that hold them in exactly the formats in which arXiv serves them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from html import escape

from core.model.calendar import EASTERN

NAMESPACES = (
    'xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:atom="http://www.w3.org/2005/Atom" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
)
_SUBMITTED, _UPDATED = datetime(2026, 3, 5, 10, tzinfo=UTC), datetime(2026, 3, 5, 18, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Sheet:
    """An invented paper with the raw strings that arXiv would serve.

    `submitted` is the time of version 1, `updated` that of this one; without them they follow from the day on which the
    stand-in announces it.
    """

    id: str
    title: str = "A Paper"
    abstract: str = "An abstract."
    creator: str = "First Sample, Second Sample"
    categories: tuple[str, ...] = ("cs.LG",)
    version: int = 1
    more: dict[str, str] = field(default_factory=dict)  # element → text, e.g. {"arxiv:DOI": "10.0000/sample"}
    comment: str = ""  # which RSS does not show
    submitted: datetime | None = None
    updated: datetime | None = None


def make_sheets(count: int, *, start: int = 90000, category: str = "cs.LG") -> list[Sheet]:
    """`count` different papers, the first ones with more keywords of the shipped main feed."""
    words = ("LLM", "inference", "FP8", "sparse", "GPU", "prefill", "throughput", "MoE", "fast", "cluster")
    return [
        Sheet(
            id=f"2603.{start + n}",
            title=f"Paper number {n} on {' '.join(words[: len(words) - n % 11])}",
            abstract=f"We study case {n} of {' and '.join(words[n % 7 :])}.",
            categories=(category, "cs.AI") if n % 3 else (category,),
        )
        for n in range(count)
    ]


def announce_type(sheet: Sheet, requested: Iterable[str]) -> str:
    """What arXiv calls it when these categories are requested together."""
    primary = sheet.categories[0] in requested or sheet.categories[0].split(".")[0] in requested
    if sheet.version == 1:
        return "new" if primary else "cross"
    return "replace" if primary else "replace-cross"


def rss(sheets: Iterable[Sheet], day: date, requested: tuple[str, ...] = ("cs.LG",)) -> bytes:
    """A document as rss.arxiv.org/rss/… serves it."""
    when = datetime.combine(day, time(), EASTERN)
    names, url = ", ".join(requested), f"http://rss.arxiv.org/rss/{'+'.join(requested)}"
    items = "".join(_item(sheet, announce_type(sheet, requested), format_datetime(when)) for sheet in sheets)
    built = format_datetime(when.astimezone(UTC) + timedelta(seconds=3))
    return f"""<?xml version='1.0' encoding='UTF-8'?>
<rss {NAMESPACES} version="2.0">
  <channel>
    <title>{names} updates on arXiv.org</title>
    <link>{url}</link>
    <description>{names} updates on the arXiv.org e-print archive.</description>
    <atom:link href="{url}" rel="self" type="application/rss+xml"/>
    <docs>http://www.rssboard.org/rss-specification</docs>
    <language>en-us</language>
    <lastBuildDate>{built}</lastBuildDate>
    <managingEditor>rss-help@arxiv.org</managingEditor>
    <pubDate>{format_datetime(when)}</pubDate>
    <skipDays>
      <day>Sunday</day>
      <day>Saturday</day>
    </skipDays>
{items}  </channel>
</rss>
""".encode()


def _item(sheet: Sheet, kind: str, when: str) -> str:
    versioned = f"{sheet.id}v{sheet.version}"
    categories = "".join(f"      <category>{name}</category>\n" for name in sheet.categories)
    more = "".join(f"      <{tag}>{escape(text, quote=False)}</{tag}>\n" for tag, text in sheet.more.items())
    return f"""    <item>
      <title>{escape(sheet.title, quote=False)}</title>
      <link>https://arxiv.org/abs/{sheet.id}</link>
      <description>arXiv:{versioned} Announce Type: {kind} 
Abstract: {escape(sheet.abstract, quote=False)}</description>
      <guid isPermaLink="false">oai:arXiv.org:{versioned}</guid>
{categories}      <pubDate>{when}</pubDate>
      <arxiv:announce_type>{kind}</arxiv:announce_type>
      <dc:rights>http://creativecommons.org/licenses/by/4.0/</dc:rights>
{more}      <dc:creator>{escape(sheet.creator, quote=False)}</dc:creator>
    </item>
"""  # noqa: W291 - as arXiv has it


def atom(sheets: Iterable[Sheet], day: date, requested: tuple[str, ...] = ("cs.LG",)) -> bytes:
    """A document as rss.arxiv.org/atom/… serves it."""
    when, url = datetime.combine(day, time(), EASTERN), f"http://rss.arxiv.org/atom/{'+'.join(requested)}"
    stamp = (when.astimezone(UTC) + timedelta(seconds=19, microseconds=866337)).isoformat()
    entries = "".join(_entry(sheet, announce_type(sheet, requested), when) for sheet in sheets)
    return f"""<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns="http://www.w3.org/2005/Atom" xml:lang="en-us">
  <id>{url}</id>
  <title>{", ".join(requested)} updates on arXiv.org</title>
  <updated>{stamp}</updated>
  <link href="{url}" rel="self" type="application/atom+xml"/>
  <subtitle>{", ".join(requested)} updates on the arXiv.org e-print archive.</subtitle>
{entries}</feed>
""".encode()  # noqa: E501


def _entry(sheet: Sheet, kind: str, when: datetime) -> str:
    versioned = f"{sheet.id}v{sheet.version}"
    categories = "".join(f'    <category term="{name}"/>\n' for name in sheet.categories)
    more = "".join(f"    <{tag}>{escape(text, quote=False)}</{tag}>\n" for tag, text in sheet.more.items())
    return f"""  <entry>
    <id>oai:arXiv.org:{versioned}</id>
    <title>{escape(sheet.title, quote=False)}</title>
    <updated>{when.isoformat()}</updated>
    <link href="https://arxiv.org/abs/{sheet.id}" rel="alternate" type="text/html"/>
    <summary>arXiv:{versioned} Announce Type: {kind} 
Abstract: {escape(sheet.abstract, quote=False)}</summary>
{categories}    <published>{when.isoformat()}</published>
    <arxiv:announce_type>{kind}</arxiv:announce_type>
    <dc:rights>http://creativecommons.org/licenses/by/4.0/</dc:rights>
{more}    <dc:creator>{escape(sheet.creator, quote=False)}</dc:creator>
  </entry>
"""  # noqa: W291


def api(sheets: Iterable[Sheet], total: int | None = None, start: int = 0, size: int = 200) -> bytes:
    """A page as export.arxiv.org/api/query serves it."""
    entries = [_api_entry(sheet) for sheet in sheets]
    return _results("".join(entries), len(entries) if total is None else total, start, size)


def api_error(reason: str) -> bytes:
    """What comes with status 400: a page whose only entry is the error."""
    address = f"https://arxiv.org/api/errors#{reason.replace(' ', '_')}"
    entry = f"""  <entry>
    <id>{address}</id>
    <title>Error</title>
    <updated>2026-03-06T17:00:00Z</updated>
    <link href="{address}" rel="alternate" type="text/html"/>
    <summary>{escape(reason, quote=False)}</summary>
    <author>
      <name>arXiv api core</name>
    </author>
  </entry>
"""
    return _results(entry, 1, 0, 1)


def _results(entries: str, total: int, start: int, size: int) -> bytes:
    asked = f"search_query=sample&amp;start={start}&amp;max_results={size}&amp;id_list="
    return f"""<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns="http://www.w3.org/2005/Atom">
  <id>https://arxiv.org/api/sample</id>
  <title>arXiv Query: search_query=sample&amp;id_list=&amp;start={start}&amp;max_results={size}</title>
  <updated>2026-03-06T17:00:00Z</updated>
  <link href="https://arxiv.org/api/query?{asked}" type="application/atom+xml"/>
  <opensearch:itemsPerPage>{size}</opensearch:itemsPerPage>
  <opensearch:totalResults>{total}</opensearch:totalResults>
  <opensearch:startIndex>{start}</opensearch:startIndex>
{entries}</feed>
""".encode()


def _api_entry(sheet: Sheet) -> str:
    versioned = f"{sheet.id}v{sheet.version}"
    categories = "".join(
        f'    <category term="{name}" scheme="http://arxiv.org/schemas/atom"/>\n' for name in sheet.categories
    )
    names = {"arxiv:DOI": "arxiv:doi", "arxiv:journal_reference": "arxiv:journal_ref"}
    more = "".join(
        f"    <{names.get(tag, tag)}>{escape(text, quote=False)}</{names.get(tag, tag)}>\n"
        for tag, text in (({"arxiv:comment": sheet.comment} if sheet.comment else {}) | sheet.more).items()
    )
    return f"""  <entry>
    <id>http://arxiv.org/abs/{versioned}</id>
    <title>{escape(sheet.title, quote=False)}</title>
    <updated>{sheet.updated or _UPDATED:%Y-%m-%dT%H:%M:%SZ}</updated>
    <link href="https://arxiv.org/abs/{versioned}" rel="alternate" type="text/html"/>
    <link href="https://arxiv.org/pdf/{versioned}" rel="related" type="application/pdf" title="pdf"/>
    <summary>{escape(sheet.abstract, quote=False)}</summary>
{categories}    <published>{sheet.submitted or _SUBMITTED:%Y-%m-%dT%H:%M:%SZ}</published>
{more}    <arxiv:primary_category term="{sheet.categories[0]}"/>
{"".join(_api_author(name) for name in re.split(r", (?![^()]*[)])", sheet.creator) if name)}  </entry>
"""


def _api_author(text: str) -> str:
    name, _, affiliation = text.removesuffix(")").partition(" (")
    place = f"\n      <arxiv:affiliation>{escape(affiliation, quote=False)}</arxiv:affiliation>" if affiliation else ""
    return f"    <author>\n      <name>{escape(name, quote=False)}</name>{place}\n    </author>\n"
