"""unAPI, by which Zotero's connector saves papers from any page that lists them: one, or those that are chosen.

A page names this address and its papers' identifiers; the connector asks for the formats, and for each paper in one.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import parse_qs

from fastapi import HTTPException, Request
from fastapi.responses import Response

from api.pages import Pages
from api.resource import Loaded, Resource, opened, serve
from api.urls import raw_query
from core.model.errors import UnknownName
from core.model.lazy import with_texts
from core.model.paper import Paper, parse_id
from core.model.query import Condition, Query, predicate
from core.render.citations import bibtex, ris
from core.render.zotero import zotero_rdf

router = Pages()
_MEDIA_TYPE = "application/xml"
_MULTIPLE_CHOICES = 300  # as the specification asks where a paper is named, and no format
_ALL = Query((Condition("score", ">=", (float("-inf"),)),))
_KEPT = {"Cache-Control": "public, max-age=3600"}


class UnapiFormat(NamedTuple):
    """A format: its media type, and the function that writes papers in it."""

    media_type: str
    write: Callable[[Sequence[Paper]], str]


UNAPI_FORMATS = {
    "rdf_zotero": UnapiFormat("application/rdf+xml", zotero_rdf),
    "ris": UnapiFormat("application/x-research-info-systems", lambda papers: "".join(map(ris, papers))),
    "bibtex": UnapiFormat("application/x-bibtex", lambda papers: "\n\n".join(map(bibtex, papers)) + "\n"),
}


@router.get("/unapi")
async def unapi(request: Request) -> Response:
    """The formats, or with `?id=…&format=…` a stored paper in one of them."""
    asked = parse_qs(raw_query(request))
    # On a private copy the address has a key, and what is appended to it stands in `from`
    name = "".join(asked.get("id", [])[:1]) or "".join(asked.get("from", [])[:1]).removeprefix("?id=")
    if not name:
        return Response(_formats(""), headers=_KEPT, media_type=_MEDIA_TYPE)
    try:
        wanted = parse_id(name)
    except ValueError:
        raise UnknownName("paper", name[:100]) from None
    if "format" not in asked:
        return Response(_formats(str(wanted)), _MULTIPLE_CHOICES, _KEPT, _MEDIA_TYPE)
    form = UNAPI_FORMATS.get(asked["format"][0])
    if form is None:
        raise HTTPException(406, f"There is no such format; there are {', '.join(UNAPI_FORMATS)}.")
    wire = await opened(request)
    is_it = predicate(Condition("id", "=", (str(wanted),)))

    def render(loaded: Loaded) -> bytes:
        found = with_texts(entry for _, listed in loaded for entry in listed.entries if is_it(entry))
        if not found:
            raise UnknownName("paper", str(wanted))
        newest = max((entry.paper for entry in found), key=lambda paper: paper.version)
        return form.write([newest]).encode("utf-8", "replace")

    resource = Resource(form.media_type, render, feeds=list(wire.feeds.values()), query=_ALL, paper=wanted.id)
    return await serve(request, await wire.manifest(), resource)


def _formats(paper: str) -> str:
    about = f' id="{paper}"' if paper else ""
    rows = "".join(f'<format name="{name}" type="{form.media_type}"/>' for name, form in UNAPI_FORMATS.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<formats{about}>{rows}</formats>\n'
