"""What reviews say of their own, in each language: a table. Headings are the template's.

A review as a document: Markdown with its front matter, HTML, JSON, and an item of a feed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from typing import TYPE_CHECKING, Any

from core.model.paper import known_addresses
from core.model.review import POST, Review
from core.render.blocks import Block, Fold, Heading, Line, Link, Paragraph, Strong, Written
from core.render.blocks.html import Html
from core.render.blocks.markdown import Markdown
from core.render.front_matter import front_matter
from core.render.items import Item, label, to_json
from core.text.prose import block
from core.text.sanitize import clean, plain

if TYPE_CHECKING:
    from core.model.template import Template

Words = Mapping[str, str]

_ROWS: dict[str, tuple[str, str, str]] = {  # English, Korean, Chinese
    "review of": ("A review of", "리뷰 대상:", "评述对象："),
    "by model": (
        "Written by {model} from {input}. It may be wrong: the paper itself decides.",
        "작성 모델: {model} · 읽은 자료: {input}. 내용이 틀릴 수 있으므로 논문 원문을 확인하십시오.",
        "由 {model} 根据{input}撰写。内容可能有误，请以论文为准。",
    ),
    "html": ("the paper's HTML", "논문의 HTML", "论文的 HTML 全文"),
    "pdf": ("the text of its PDF", "논문의 PDF 본문", "论文的 PDF 文本"),
    "abstract": ("the abstract alone", "초록", "摘要"),
    "note": ("Note: {note}.", "참고: {note}.", "注：{note}。"),
    "running": (
        "{answered} of {total} questions answered; the review is not complete yet.",
        "질문 {total}개 중 {answered}개에 답했습니다. 리뷰가 아직 완성되지 않았습니다.",
        "已回答 {total} 个问题中的 {answered} 个；评述尚未完成。",
    ),
    "partial": (
        "{answered} of {total} questions answered; the post was written without the others.",
        "질문 {total}개 중 {answered}개에 답했습니다. 나머지 없이 글을 작성했습니다.",
        "已回答 {total} 个问题中的 {answered} 个；本文未包含其余问题的内容。",
    ),
    "unanswered": ("Not answered yet.", "아직 답하지 않았습니다.", "尚未回答。"),
    "failed": ("Not answered: {problem}.", "답하지 못했습니다: {problem}.", "未能回答：{problem}。"),
    "no post": ("The post is not written yet.", "글이 아직 작성되지 않았습니다.", "文章尚未撰写。"),
    "more": (
        "The questions and answers are on the page of the review.",
        "질문과 답변은 리뷰 페이지에 있습니다.",
        "问与答见评述页面。",
    ),
    "colon": (": ", ": ", "："),
}
_LANGUAGES = ("en", "ko", "zh")


def words(language: str) -> Words:
    """The terms in a language; English where it is another one."""
    at = _LANGUAGES.index(language) if language in _LANGUAGES else 0
    return {key: texts[at] for key, texts in _ROWS.items()}


MARKER = "<!-- paperwire review -->"  # the last line of a document: what the command line may write over
_MOST_TAGS = 20
_SHOWN_AUTHORS = 10
# How each kind of reader takes HTML: kramdown reads Markdown in it only where told so, goldmark leaves HTML out
_FOLDS = {"jekyll": ' markdown="1"', "hugo": None}
_HAS_TITLE = ("jekyll", "hugo")  # they show that of the front matter


def _plain(review: Review) -> dict[str, Any]:
    return {"title": title_of(review), "date": review.updated[:10], "categories": _categories(review),
            "tags": _tags(review)}  # fmt: skip


def _jekyll(review: Review) -> dict[str, Any]:
    date = datetime.fromisoformat(review.updated).strftime("%Y-%m-%d %H:%M:%S %z")
    return {"layout": "post", **_plain(review), "date": date, "lang": review.language}


def _hugo(review: Review) -> dict[str, Any]:
    return {**_plain(review), "date": review.updated, "draft": False}


FRONT_MATTERS: Mapping[str, Callable[[Review], dict[str, Any]]] = {"plain": _plain, "jekyll": _jekyll, "hugo": _hugo}


def title_of(review: Review) -> str:
    """The title of the document, of one line."""
    return " ".join(plain(review.title).split()) or f"arXiv:{review.paper.versioned}"


def render_markdown(review: Review, template: "Template", kind: str = "plain") -> str:
    """The document as Markdown with front matter of that `kind` (see `FRONT_MATTERS`)."""
    title = [] if kind in _HAS_TITLE else [Heading(1, (title_of(review),))]
    body = Markdown(folds=_FOLDS.get(kind, "")).write([*title, *_blocks(review, template)])
    return f"{front_matter(FRONT_MATTERS[kind](review))}{clean(body)}\n{MARKER}\n"


def render_html(review: Review, template: "Template") -> str:
    """The document below its title as harmless HTML, for a page."""
    return clean(Html().write(_blocks(review, template)))


def render_page(review: Review, template: "Template") -> str:
    """The document as a page of its own that loads nothing."""
    title = escape(title_of(review))
    return (
        f'<!doctype html>\n<html lang="{review.language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">\n<title>{title}</title>\n'
        f"</head>\n<body>\n<main>\n<h1>{title}</h1>\n{render_html(review, template)}\n</main>\n</body>\n</html>\n"
        f"{MARKER}\n"
    )


def render_json(review: Review, template: "Template") -> bytes:
    """The review as JSON: how far it is, its questions with their answers, and the post in its parts."""
    paper, post = review.paper, review.post
    value: dict[str, Any] = {
        "id": paper.id,
        "version": paper.version,
        "title": title_of(review),
        "paper": " ".join(plain(paper.title).split()),
        "links": paper.links,
        **{name: getattr(review, name) for name in ("language", "model", "input", "state", "begun", "updated")},
        **({"note": review.note} if review.note else {}),
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
    paper, terms = review.paper, words(review.language)
    html = Html(below=1, folds=False).write(
        [*_head(review, terms), *_post(review, template, terms), Paragraph((Link(terms["more"], url),))]
    )
    gist = review.post.part("tldr") if review.post else ""
    return Item(
        guid=f"{paper.links['abs']}v{paper.version}#review-{review.language}",
        url=url,
        title=label(title_of(review)),
        summary=label(_text(gist) or title_of(review)),
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


def _text(markdown: str) -> str:
    from core.text.rewrite import text_of

    return text_of(markdown)


def _blocks(review: Review, template: "Template") -> Iterable[Block]:
    terms = words(review.language)
    yield from _head(review, terms)
    yield from _post(review, template, terms)
    title = template.title[review.language]
    yield Fold(title, tuple(_answers(review, template, terms)))


def _head(review: Review, terms: Words) -> Iterable[Block]:
    paper = review.paper
    names = [name for author in paper.authors if (name := " ".join(plain(author.name).split()))]
    by = ", ".join(names[:_SHOWN_AUTHORS]) + (" …" if len(names) > _SHOWN_AUTHORS else "")
    title = " ".join(plain(paper.title).split()) or f"arXiv:{paper.versioned}"
    line: Line = (f"{terms['review of']} ", Link(title, f"https://arxiv.org/abs/{paper.versioned}"))
    yield Paragraph((*line, f" (arXiv:{paper.versioned})" + (f" — {by}" if by else "")))
    told = terms["by model"].format(model=review.model, input=terms[review.input])
    note = terms["note"].format(note=review.note.rstrip(".")) if review.note else ""
    yield Paragraph((" ".join(filter(None, (told, note))),))
    if review.state != "ready":
        count = terms[review.state].format(answered=len(review.answers), total=len(review.keys))
        yield Paragraph((Strong(count),))


def _post(review: Review, template: "Template", terms: Words) -> Iterable[Block]:
    """The parts of the post, each under its heading."""
    if review.post is None:
        problem = review.failures[POST].words.rstrip(".") if POST in review.failures else ""
        told = terms["no post"] + (f" ({problem})" if problem else "")
        yield Paragraph((told,))
        return
    known = known_addresses(review.paper)
    for section in template.post:
        text = review.post.part(section.key)
        if section.key != "title" and text.strip():
            yield Heading(2, (section.heading[review.language],))
            yield Written(text, known)


def _answers(review: Review, template: "Template", terms: Words) -> Iterable[Block]:
    """The questions under their headings, with their answers, or why there is none."""
    known = known_addresses(review.paper)
    for key in review.keys:
        heading = _headings(template, review.language).get(key, key)
        yield Heading(3, (heading,))
        if key in review.answers:
            yield Written(block(review.answers[key], 1), known)  # its own headings are below that of the question
        else:
            yield Paragraph((_why(review, key, terms),))


def _why(review: Review, key: str, terms: Words) -> str:
    failure = review.failures.get(key)
    return terms["failed"].format(problem=failure.words.rstrip(".")) if failure else terms["unanswered"]


def _headings(template: "Template", language: str) -> dict[str, str]:
    return {part.key: part.heading[language] for part in template.parts}


def _question(review: Review, template: "Template", key: str) -> dict[str, Any]:
    told: dict[str, Any] = {"key": key, "heading": _headings(template, review.language).get(key, key)}
    if key in review.answers:
        return told | {"answer": review.answers[key]}
    return told | ({"problem": review.failures[key].words} if key in review.failures else {})


def _categories(review: Review) -> list[str]:
    return ["reviews", *review.paper.categories[:1]]


def _tags(review: Review) -> list[str]:
    return list(dict.fromkeys([review.paper.versioned, *review.tags, *review.paper.categories]))[:_MOST_TAGS]
