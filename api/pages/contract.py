"""The OpenAPI contract as a page, rendered here without scripts from other hosts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
from fastapi import Request
from fastapi.responses import Response

from api.pages import Pages
from api.pages.html import HEADERS, MEDIA_TYPE, render

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

router = Pages()
_KEPT = {"Cache-Control": "public, max-age=3600"}
_FIRST = ("feeds", "papers", "digests", "summaries", "reviews", "votes", "operations")


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer of an operation: its status, its description, and an example as JSON, if there is one."""

    status: str
    about: str
    media_types: tuple[str, ...]
    example: str


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a path, as the contract describes it."""

    name: str
    method: str
    path: str
    tag: str
    summary: str
    about: str
    parameters: tuple[Mapping[str, Any], ...]
    answers: tuple[_Answer, ...]


@router.get("/docs")
def contract_page(request: Request) -> Response:
    """All operations with their parameters and answers."""
    contract = request.app.openapi()
    operations = list(read_operations(contract))
    tags = sorted({operation.tag for operation in operations}, key=_place)
    body = render(
        request,
        "contract.html",
        about=_to_html(contract["info"]["description"]),
        version=contract["info"]["version"],
        tags=[(tag, [operation for operation in operations if operation.tag == tag]) for tag in tags],
    )
    return Response(body, headers={**HEADERS, **_KEPT}, media_type=MEDIA_TYPE)


def read_operations(contract: Mapping[str, Any]) -> Iterator[Operation]:
    """Yields the operations of an OpenAPI contract (https://spec.openapis.org/oas/v3.1.0), in order."""
    for path, methods in contract["paths"].items():
        for method, plain in methods.items():
            yield Operation(
                name=plain["operationId"],
                method=method.upper(),
                path=path,
                tag=plain["tags"][0],
                summary=plain["summary"],
                about=_to_html(plain.get("description", "")),
                parameters=tuple(
                    {**one, "about": _to_html(one.get("description", ""))} for one in plain.get("parameters", ())
                ),
                answers=tuple(_answer(status, answer) for status, answer in sorted(plain["responses"].items())),
            )


def _place(tag: str) -> tuple[int, str]:
    """Returns what orders the parts of the page: what most people ask for comes first."""
    return (_FIRST.index(tag) if tag in _FIRST else len(_FIRST), tag)


def _answer(status: str, plain: Mapping[str, Any]) -> _Answer:
    content: Mapping[str, Any] = plain.get("content", {})
    examples = [shown["example"] for shown in content.values() if "example" in shown]
    example = orjson.dumps(examples[0], option=orjson.OPT_INDENT_2).decode() if examples else ""
    return _Answer(status, plain["description"], tuple(content), example)


@cache
def _to_html(text: str) -> str:
    """Render the project's own descriptions, which are Markdown, as HTML."""
    html: str = _markdown().render(text)
    return html


@cache
def _markdown() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # not at a cold start

    return MarkdownIt("commonmark", {"html": False})
