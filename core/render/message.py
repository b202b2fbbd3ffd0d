"""The morning brief: the best papers of feeds as HTML mail, as plain text, as Markdown for chats, and as JSON values.

Mail programs know tables and inline styles, and some of them a style sheet with the colours for dark mode
(https://www.caniemail.com): nothing here needs more.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from core.model.delivery import NO_LIMIT, Message, Room
from core.model.feed import Entry, Feed
from core.model.manifest import BatchRecord
from core.model.paper import Paper, is_withdrawn
from core.model.summary import Summary
from core.render.claims import claim_of
from core.render.items import clean_entry, news_in_words, paper_title, readable_names
from core.render.messages import Sentences, messages
from core.render.shapes import entry_to_plain
from core.text.sanitize import clean, cut, label

_Extract = Callable[[Paper], Summary]
_NAMED = 3  # authors
_MATCHED = 5  # keywords
_LONGEST_TITLE = 200
_ROOM_FOR_LINKS = 3000  # signed links are long: a short chat message has papers instead
_GENERIC = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_SMALL = "margin:4px 0 0;font-size:13px;line-height:1.5;color:#5d6168"
_HEAD = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">
<title>{title}</title><style>
:root{{color-scheme:light dark}}
@media (prefers-color-scheme:dark){{
.page{{background:#16181c!important}} .card{{background:#1f2228!important}} .ink{{color:#e8e8e6!important}}
.soft{{color:#a9adb5!important}} .link{{color:#9db8ff!important}} .rule{{border-color:#3a3f48!important}}
}}
</style></head>"""
# What chats take for markup or for a call to a whole team
_CALM = str.maketrans({"[": "(", "]": ")", "*": "∗", "`": "'", "<": "‹", ">": "›", "@": "@\u2060", "|": "¦", "~": "∼"})


@dataclass(frozen=True, slots=True)
class Part:
    """The part of one feed: its `entries`, best first, of `total`; `record` is the day's, None for a longer period.

    `url` is the feed's page. `links` are the owner's for an entry, with their names ("like", "dislike", "save").
    """

    feed: Feed
    entries: Sequence[Entry]
    total: int
    record: BatchRecord | None = None
    url: str = ""
    links: Callable[[Entry], Sequence[tuple[str, str]]] = lambda _: ()


@dataclass(frozen=True, slots=True)
class Brief:
    """What a message says. `period` is the day, week or paper, `room` that of a chat's message."""

    identity: str
    delivery: str
    wire: str
    period: str
    sections: Sequence[Part]
    style: str = "brief"
    language: str = "en"
    room: Room = NO_LIMIT
    unsubscribe: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    """One paper, in clean texts."""

    title: str
    url: str
    authors: str
    claim: str
    about: str
    links: tuple[tuple[str, str], ...]


def make_message(brief: Brief, extract: _Extract) -> Message:
    """Returns the message in all its forms."""
    words = messages("message", brief.language)
    parts = [
        (section, [_row(entry, section, brief, extract, words) for entry in section.entries])
        for section in brief.sections
    ]
    title = label(f"{brief.wire} · {brief.period} · " + _count(sum(s.total for s in brief.sections), words))
    return Message(
        identity=brief.identity,
        title=title,
        html=_html(brief, title, parts, words),
        text=_text(brief, title, parts, words),
        markdown=_markdown(title, parts, words, brief),
        plain=_plain(brief, title),
        unsubscribe=brief.unsubscribe,
    )


def _row(entry: Entry, section: Part, brief: Brief, extract: _Extract, words: Sentences) -> _Row:
    entry = clean_entry(entry)
    names = readable_names(entry.paper)
    authors = ", ".join(names[:_NAMED]) + (f" +{len(names) - _NAMED}" if len(names) > _NAMED else "")
    title = cut(label(paper_title(entry.paper)), _LONGEST_TITLE)
    if is_withdrawn(entry.paper):
        title = words["withdrawn"].format(title=title)
    facts = [
        news_in_words(entry.paper, brief.language),
        words[entry.band] if entry.band in ("must-read", "review") else "",
        words["score"].format(score=f"{entry.score:g}"),
    ]
    facts += [", ".join(label(rule) for rule in entry.matched[:_MATCHED])]
    facts += [words["upvotes"].format(count=entry.upvotes)] if entry.upvotes else []
    return _Row(
        title=title,
        url=entry.paper.url,
        authors=authors,
        claim=label(claim_of(entry, extract)) if brief.style == "brief" else "",
        about=" · ".join(filter(None, facts)),
        links=tuple((words[name], url) for name, url in section.links(entry)),
    )


def _count(number: int, words: Sentences) -> str:
    return words["one paper" if number == 1 else "papers"].format(count=number)


def _notes(section: Part, brief: Brief, words: Sentences) -> Iterator[str]:
    """What is to be known of a part: a day that is not complete, a part without papers."""
    record = section.record
    if record is not None and record.state not in ("complete", "unconfirmed", "quiet"):
        of_digests = messages("digest", brief.language)
        state = of_digests.get(f"state {record.state}", record.state)
        yield words["incomplete"].format(state=state)
    if not section.entries:
        yield words["none"]


def _more(section: Part, words: Sentences) -> str:
    left = section.total - len(section.entries)
    return words["more"].format(count=left) if left > 0 else ""


_Parts = Sequence[tuple[Part, Sequence[_Row]]]


def _html(brief: Brief, title: str, parts: _Parts, words: Sentences) -> str:
    cells = "".join(_html_part(section, rows, brief, words) for section, rows in parts)
    foot = words["foot"].format(wire=escape(label(brief.wire)))
    if brief.unsubscribe:
        foot += (
            f' · <a class="link" href="{escape(brief.unsubscribe)}" style="color:#2f55c8">{words["unsubscribe"]}</a>'
        )
    return clean(
        _HEAD.format(language=escape(brief.language), title=escape(title))
        + f'<body class="page" style="margin:0;padding:0;background:#f4f4f2;font-family:{_GENERIC}">'
        + '<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" border="0"'
        + ' style="background:#f4f4f2"><tr><td align="center" style="padding:16px 8px">'
        + '<table role="presentation" class="card" width="100%" cellpadding="0" cellspacing="0" border="0"'
        + ' style="max-width:600px;background:#ffffff;border-radius:8px"><tr><td style="padding:20px 20px 4px">'
        + '<h1 class="ink" style="margin:0;font-size:20px;line-height:1.3;color:#1b1c1e">'
        + f"{escape(title)}</h1></td></tr>"
        + cells
        + '<tr><td class="soft" style="padding:16px 20px 20px;font-size:13px;line-height:1.5;color:#5d6168">'
        + f"{foot}</td></tr>"
        + "</table></td></tr></table></body></html>"
    )


def _html_part(section: Part, rows: Sequence[_Row], brief: Brief, words: Sentences) -> str:
    name = escape(label(section.feed.title))
    head = (
        f'<a class="ink" href="{escape(section.url)}" style="color:#1b1c1e;text-decoration:none">{name}</a>'
        if section.url
        else name
    )
    soft = 'class="soft" style="margin:4px 0 0;font-size:14px;line-height:1.5;color:#5d6168"'
    out = [
        '<tr><td style="padding:16px 20px 0">'
        f'<h2 class="ink" style="margin:0;font-size:17px;line-height:1.3;color:#1b1c1e">{head}</h2>',
        *(f"<p {soft}>{escape(note)}</p>" for note in _notes(section, brief, words)),
        "</td></tr>",
        *map(_html_row, rows),
    ]
    if more := _more(section, words):
        text = (
            f'<a class="link" href="{escape(section.url)}" style="color:#2f55c8">{escape(more)}</a>'
            if section.url
            else escape(more)
        )
        out.append(f'<tr><td style="padding:8px 20px 0;font-size:14px" class="soft">{text}</td></tr>')
    return "".join(out)


def _html_row(row: _Row) -> str:
    links = " &nbsp;·&nbsp; ".join(
        f'<a class="link" href="{escape(url)}" style="color:#2f55c8;text-decoration:none">{escape(name)}</a>'
        for name, url in row.links
    )
    return (
        '<tr><td class="rule" style="padding:12px 20px;border-bottom:1px solid #e3e3df">'
        f'<p style="margin:0;font-size:16px;line-height:1.35"><a class="link" href="{escape(row.url)}"'
        f' style="color:#2f55c8;text-decoration:none;font-weight:600">{escape(row.title)}</a></p>'
        + (f'<p class="ink" style="{_SMALL};font-size:15px;color:#1b1c1e">{escape(row.claim)}</p>' if row.claim else "")
        + f'<p class="soft" style="{_SMALL}">{escape(" · ".join(filter(None, (row.about, row.authors))))}</p>'
        + (f'<p class="soft" style="{_SMALL}">{links}</p>' if links else "")
        + "</td></tr>"
    )


def _text(brief: Brief, title: str, parts: _Parts, words: Sentences) -> str:
    lines = [title, ""]
    for section, rows in parts:
        lines += [label(section.feed.title), *_notes(section, brief, words), ""]
        for number, row in enumerate(rows, 1):
            lines += [f"{number}. {row.title}", f"   {row.url}"]
            lines += [f"   {text}" for text in (row.claim, row.about, row.authors) if text]
            lines += [f"   {name}: {url}" for name, url in row.links]
            lines.append("")
        lines += [f"{more} {section.url}".rstrip(), ""] if (more := _more(section, words)) else []
    lines.append(words["foot"].format(wire=label(brief.wire)))
    lines += [f"{words['unsubscribe']}: {brief.unsubscribe}"] if brief.unsubscribe else []
    return clean("\n".join(lines)) + "\n"


def _markdown(title: str, parts: _Parts, words: Sentences, brief: Brief) -> str:
    """Returns the message for a chat; the papers for which it has no room are counted."""
    out: list[str] = []
    left_out, room = 0, brief.room
    has_links = not room.most or room.most >= _ROOM_FOR_LINKS
    for section, rows in parts:
        more = _markdown_more(section, section.total, words)
        out.append("\n".join((f"**{_calm(section.feed.title)}**", *map(_calm, _notes(section, brief, words)))))
        number = 0
        for number, row in enumerate(rows, 1):
            text = _markdown_row(number, row, has_links=has_links)
            if not room.fits(title, *out, text, more, "\n\n" * (len(out) + 3)):
                number -= 1
                break
            out.append(text)
        left_out = section.total - number
        if left_out:
            out.append(_markdown_more(section, left_out, words))
    text = clean("\n\n".join(out))
    while not room.fits(title, text):  # many feeds, and no room for one paper each
        text = text[: len(text) * 9 // 10]
    return text


def _markdown_more(section: Part, count: int, words: Sentences) -> str:
    text = words["more"].format(count=count)
    return f"[{text}]({section.url})" if section.url else text


def _markdown_row(number: int, row: _Row, *, has_links: bool) -> str:
    lines = [f"{number}. [{_calm(row.title)}]({row.url})", _calm(row.claim), _calm(row.about)]
    lines.append(" · ".join(f"[{name}]({url})" for name, url in row.links) if has_links else "")
    return "\n".join(filter(None, lines))


def _calm(text: str) -> str:
    return label(text).translate(_CALM)


def _plain(brief: Brief, title: str) -> dict[str, Any]:
    return {
        "id": brief.identity,
        "type": "digest",
        "delivery": brief.delivery,
        "period": brief.period,
        "title": title,
        "feeds": [
            {
                "feed": section.feed.name,
                "title": section.feed.title,
                "total": section.total,
                **({"state": section.record.state} if section.record else {}),
                "entries": [
                    {**entry_to_plain(entry), "links": dict(section.links(entry))}
                    for entry in map(clean_entry, section.entries)
                ],
            }
            for section in brief.sections
        ],
    }
