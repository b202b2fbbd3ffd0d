"""The start page: what this wire collects, where to subscribe, and what state it is in. Plain HTML, no script."""

from html import escape
from typing import Any

from core.domain.feed import Feed
from core.domain.manifest import Manifest

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
{alternates}
<style>
:root {{ color-scheme: light dark; font: 1rem/1.55 system-ui, sans-serif; }}
body {{ max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }}
h1, h2 {{ line-height: 1.2; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8886; vertical-align: top; }}
td:nth-child(3) {{ font-variant-numeric: tabular-nums; }}
nav a {{ margin-right: .9rem; }}
.note {{ border-left: .3rem solid #c80; padding: .3rem .8rem; }}
footer {{ margin-top: 3rem; font-size: .9rem; }}
</style>
</head>
<body>
<header><h1>{title}</h1></header>
<main>
{note}
{feeds}
<section><h2>Announcements</h2>{batches}</section>
</main>
<footer>
<nav aria-label="More"><a href="{base}/api/papers?score&gt;=10">Papers from 10 points</a>
<a href="{base}/api/health">Health</a><a href="{base}/docs">API</a></nav>
<p>Thank you to arXiv for use of its open access interoperability. This service is not affiliated with arXiv.</p>
</footer>
</body>
</html>
"""

_FORMATS = (("rss", "RSS", "application/rss+xml"), ("atom", "Atom", "application/atom+xml"),
            ("json", "JSON Feed", "application/feed+json"))  # fmt: skip


def render_page(title: str, feeds: list[Feed], manifest: Manifest, base: str, *, note: str = "") -> bytes:
    """The start page as HTML in UTF-8. `note` is shown above everything else."""
    alternates = "\n".join(
        f'<link rel="alternate" type="{media}" title="{escape(feed.title)} ({label})" '
        f'href="{base}/api/feeds/{feed.name}.{ext}">'
        for feed in feeds
        for ext, label, media in _FORMATS
    )
    page = _PAGE.format(
        title=escape(title),
        base=escape(base),
        alternates=alternates,
        note=f'<p class="note">{escape(note)}</p>' if note else "",
        feeds="\n".join(_feed(feed, base) for feed in feeds),
        batches=_batches(manifest),
    )
    return page.encode()


def _feed(feed: Feed, base: str) -> str:
    url = f"{base}/api/feeds/{feed.name}"
    links = "".join(f'<a href="{url}.{ext}">{label}</a>' for ext, label, _ in _FORMATS)
    keywords = ", ".join(keyword.label for keyword in feed.keywords) or "everything"
    return (
        f"<section><h2>{escape(feed.title)}</h2><p>{escape(feed.description)}</p>"
        f'<nav aria-label="Subscribe to {escape(feed.title)}">{links}'
        f'<a href="{base}/api/papers?feed={feed.name}">JSON</a></nav>'
        f"<details><summary>{len(feed.keywords)} keywords in {escape(', '.join(feed.categories))}</summary>"
        f"<p>{escape(keywords)}</p></details></section>"
    )


def _batches(manifest: Manifest) -> str:
    records = sorted(manifest.records.values(), key=lambda r: r.date, reverse=True)[:7]
    if not records:
        return "<p>Nothing was fetched yet. The first request for a feed fetches the announcements of the day.</p>"
    rows = "".join(_row(r.date.isoformat(), r.state, r.total or "", r.reason) for r in records)
    head = "<tr><th>Date</th><th>State</th><th>Papers</th><th>Why</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _row(*cells: Any) -> str:
    return "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>"
