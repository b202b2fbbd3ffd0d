"""A review as a document: Markdown with its front matter, HTML, JSON, and an item of a feed."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from html import escape
from typing import TYPE_CHECKING, Any

from core.model.layout import QUOTED, quotation
from core.model.paper import known_addresses
from core.model.review import POST, Review
from core.render.blocks import Block, Fold, Heading, Line, Link, Paragraph, Quote, Strong, Written
from core.render.blocks.html import Html, html_page
from core.render.evidence import evidence_in_words
from core.render.items import Item, paper_title, readable_names
from core.render.messages import Sentences, messages
from core.render.post import markdown_post
from core.render.shapes import to_json
from core.text.markdown import block
from core.text.rewrite import markdown_text
from core.text.sanitize import clean, label, plain

if TYPE_CHECKING:
    from core.model.template import Template

REVIEW_MARKER = "<!-- paperwire review -->"  # the last line of a document: what the command line may write over
_COVER = "https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/{id}.png"
_WORDS_A_MINUTE = 230
_CHARACTERS_A_MINUTE = {"ko": 500, "zh": 350}
_MOST_TAGS = 20
_SHOWN_AUTHORS = 10


def _plain(review: Review) -> dict[str, Any]:
    values: dict[str, Any] = {
        "title": review_title(review),
        "date": review.updated[:10],
        "categories": _categories(review),
        "tags": _tags(review),
    }
    if review.post:
        values |= {"description": markdown_text(review.post.part("tldr")), "reading_time": reading_minutes(review)}
    image = cover_image(review)
    return values | {"model": review.model} | ({"image": image} if image else {})


def cover_image(review: Review) -> str:
    """The address of Hugging Face's picture of the paper, "" for the old identifiers that it does not know."""
    return _COVER.format(id=review.paper.id) if "/" not in review.paper.id else ""


def reading_minutes(review: Review) -> int:
    """The minutes that reading the post takes, at least 1."""
    text = markdown_text(review.post.markdown) if review.post else ""
    units = len(text.replace(" ", "")) if review.language in _CHARACTERS_A_MINUTE else len(text.split())
    return max(round(units / _CHARACTERS_A_MINUTE.get(review.language, _WORDS_A_MINUTE)), 1)


def _jekyll(review: Review) -> dict[str, Any]:
    date = datetime.fromisoformat(review.updated).strftime("%Y-%m-%d %H:%M:%S %z")
    return {"layout": "post", **_plain(review), "date": date, "lang": review.language}


def _hugo(review: Review) -> dict[str, Any]:
    return {**_plain(review), "date": review.updated, "draft": False}


def _share(review: Review) -> dict[str, Any]:
    return {"share": True, **_plain(review)}


_FRONT_MATTER = {"plain": _plain, "share": _share, "jekyll": _jekyll, "hugo": _hugo}


def review_title(review: Review) -> str:
    """Returns the title of the document, on one line."""
    return " ".join(plain(review.title).split()) or review.paper.label


def review_markdown(review: Review, template: "Template", kind: str = "plain") -> str:
    """The document as Markdown with front matter of that `kind` (see `core.model.digest`)."""
    return markdown_post(
        kind, _FRONT_MATTER[kind](review), review_title(review), _blocks(review, template), REVIEW_MARKER
    )


def review_html(review: Review, template: "Template") -> str:
    """The document below its title as harmless HTML, for a page."""
    return clean(Html().write(_blocks(review, template)))


def review_document(review: Review, template: "Template") -> str:
    """The document as a page of its own that loads nothing."""
    title = review_title(review)
    body = f"<h1>{escape(title)}</h1>\n{review_html(review, template)}"
    policy = '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">\n'
    return f"{html_page(title, review.language, body, head=policy)}{REVIEW_MARKER}\n"


def review_json(review: Review, template: "Template") -> bytes:
    """The review as JSON: how far it is, its questions with their answers, and the post in its parts."""
    paper, post = review.paper, review.post
    value: dict[str, Any] = {
        "id": paper.id,
        "version": paper.version,
        "title": review_title(review),
        "paper": " ".join(plain(paper.title).split()),
        "links": paper.links,
        **{name: getattr(review, name) for name in ("language", "model", "input", "state", "begun", "updated")},
        **({"note": review.note} if review.note else {}),
        **({"image": image} if (image := cover_image(review)) else {}),
        **({"reading_minutes": reading_minutes(review)} if post else {}),
        "answered": len(review.answers),
        "total": len(review.keys),
        "questions": [_question(review, template, key) for key in review.keys],
        **({"post": {"parts": dict(post.parts), "markdown": post.markdown}} if post else {}),
        **({"problem": review.failures[POST].words} if POST in review.failures else {}),
        "tags": list(review.tags),
        "tokens": {"read": review.read, "written": review.written, "calls": review.calls},
        "generator": "paperwire review",
    }
    return to_json(value)


def review_items(reviews: Sequence[Review], template: "Template", url: Callable[[Review], str]) -> list[Item]:
    """Reviews, newest first, as items of a feed; `url` says where each can be read. No two have the same time."""
    items: list[Item] = []
    for review in reviews:
        time = datetime.fromisoformat(review.updated)
        items.append(_item(review, template, url(review), min([time, *(i.time - timedelta(seconds=1) for i in items)])))
    return items


def _item(review: Review, template: "Template", url: str, time: datetime) -> Item:
    paper, terms = review.paper, messages("review", review.language)
    html = Html(below=1, is_page=False).write(
        [*_head(review, terms), *_post(review, template, terms), Paragraph((Link(terms["more"], url),))]
    )
    gist = review.post.part("tldr") if review.post else ""
    return Item(
        guid=f"{paper.uri}#review-{review.language}",
        url=url,
        title=label(review_title(review)),
        summary=label(markdown_text(gist) or review_title(review)),
        html=clean(f'<div lang="{review.language}">\n{html}\n</div>'),
        time=time,
        authors=(label(review.model) or "Paperwire",),
        categories=tuple(dict.fromkeys(filter(None, map(label, (*paper.categories, *review.tags)))))[:_MOST_TAGS],
        more={
            "id": paper.id,
            "version": paper.version,
            "language": review.language,
            "model": clean(review.model),
            "state": review.state,
        },
    )


def _blocks(review: Review, template: "Template") -> Iterable[Block]:
    terms = messages("review", review.language)
    yield from _head(review, terms)
    yield from _post(review, template, terms)
    title = template.title[review.language]
    yield Fold(title, tuple(_answers(review, template, terms)))


def _head(review: Review, terms: Sentences) -> Iterable[Block]:
    paper = review.paper
    names = readable_names(paper)
    by = ", ".join(names[:_SHOWN_AUTHORS]) + (" …" if len(names) > _SHOWN_AUTHORS else "")
    line: Line = (f"{terms['review of']} ", Link(paper_title(paper), paper.version_url))
    yield Paragraph((*line, f" ({paper.label})" + (f" — {by}" if by else "")))
    source = terms["by model"].format(model=review.model, input=terms[review.input])
    # Notes are recorded in English
    note = terms["note"].format(note=review.note.rstrip(".")) if review.note and review.language == "en" else ""
    time = terms["reading time"].format(minutes=reading_minutes(review)) if review.post else ""
    read = evidence_in_words(review.evidence, review.language)
    yield Paragraph((" ".join(filter(None, (source, note, f"({read})" if read else "", time))),))
    if review.state != "ready":
        count = terms[review.state].format(answered=len(review.answers), total=len(review.keys))
        yield Paragraph((Strong(count),))


def _post(review: Review, template: "Template", terms: Sentences) -> Iterable[Block]:
    """The parts of the post, each under its heading."""
    if review.post is None:
        problem = review.failures[POST].words.rstrip(".") if POST in review.failures else ""
        yield Paragraph((terms["no post"] + (f" ({problem})" if problem else ""),))
        return
    known = known_addresses(review.paper)
    for section in template.post:
        text = review.post.part(section.key)
        if section.key != "title" and text.strip():
            yield Heading(2, (section.heading[review.language],))
            yield Written(quotation(block(text, 0)) if section.key in QUOTED else text, known)


def _answers(review: Review, template: "Template", terms: Sentences) -> Iterable[Block]:
    """The questions under their headings, with their answers, or why there is none."""
    known = known_addresses(review.paper)
    for key in review.keys:
        heading = _headings(template, review.language).get(key, key)
        yield Heading(3, (heading,))
        if key in review.prompts:
            yield Quote((Strong(terms["prompt"]), terms["colon"], review.prompts[key]))
        if key in review.answers:
            yield Written(block(review.answers[key], 0), known, below=3)
        else:
            yield Paragraph((_why(review, key, terms),))


def _why(review: Review, key: str, terms: Sentences) -> str:
    failure = review.failures.get(key)
    return terms["failed"].format(problem=failure.words.rstrip(".")) if failure else terms["unanswered"]


def _headings(template: "Template", language: str) -> dict[str, str]:
    return {part.key: part.heading[language] for part in template.parts}


def _question(review: Review, template: "Template", key: str) -> dict[str, Any]:
    question: dict[str, Any] = {"key": key, "heading": _headings(template, review.language).get(key, key)}
    question |= {"prompt": review.prompts[key]} if key in review.prompts else {}
    if key in review.answers:
        return question | {"answer": review.answers[key]}
    return question | ({"problem": review.failures[key].words} if key in review.failures else {})


def _categories(review: Review) -> list[str]:
    return list(filter(None, ("reviews", label(review.model), *review.paper.categories[:1])))


def _tags(review: Review) -> list[str]:
    return list(dict.fromkeys([review.paper.versioned, *review.tags, *review.paper.categories]))[:_MOST_TAGS]
