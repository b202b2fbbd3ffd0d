"""Papers in Zotero's own shapes: Zotero RDF, which its connector reads, and objects of its Web API.

RDF: https://github.com/zotero/translators/blob/master/Zotero%20RDF.js. Objects: `preprint` in
https://api.zotero.org/schema, and https://www.zotero.org/support/dev/web_api/v3/write_requests
"""

import hashlib
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from core.model.paper import Author, Paper, label_of
from core.render.citations import doi, first_date, in_one_line

_KEY_LETTERS = "23456789ABCDEFGHIJKLMNPQRSTUVWXYZ"  # of an object's key
_KEY_LENGTH = 8
_LONGEST_ABSTRACT = 20_000  # Zotero refuses longer fields
_NAMESPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "z": "http://www.zotero.org/namespaces/export#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "bib": "http://purl.org/net/biblio#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "link": "http://purl.org/rss/1.0/modules/link/",
}
PDF_TITLE = "Full Text PDF"
ZoteroObject = Mapping[str, Any]


def zotero_fields(paper: Paper) -> dict[str, str]:
    """Returns the fields of a preprint or an article of a journal by their names in Zotero."""
    place = in_one_line(paper.place)
    archive = (
        {"repository": place, "archiveID": label_of(paper.id)} if paper.is_preprint else {"publicationTitle": place}
    )
    return {
        "title": in_one_line(paper.title),
        "abstractNote": in_one_line(paper.abstract)[:_LONGEST_ABSTRACT],
        "date": first_date(paper),
        **archive,
        "DOI": doi(paper),
        "url": paper.url,
        "libraryCatalog": "arXiv.org" if paper.is_arxiv else place,
    }


def _kind(paper: Paper) -> str:
    return "preprint" if paper.is_preprint else "journalArticle"


def zotero_objects(paper: Paper, note: str = "") -> list[ZoteroObject]:
    """Returns what the API stores of a paper: the preprint, its PDF as a link, and the owner's note if there is one.

    Keys follow from the paper, so that what is sent twice is stored once: version 0 means that there is none yet.
    """
    key = object_key(paper.id)
    pdf = paper.links.get("pdf", "")
    attached: list[ZoteroObject] = (
        [
            {
                "itemType": "attachment",
                "linkMode": "linked_url",
                "parentItem": key,
                "title": PDF_TITLE,
                "url": pdf,
                "contentType": "application/pdf",
            }
        ]
        if pdf
        else []
    )
    found: list[ZoteroObject] = [
        {
            "itemType": _kind(paper),
            **zotero_fields(paper),
            "creators": [_creator(author) for author in paper.authors],
            "tags": [{"tag": category, "type": 1} for category in paper.categories],
        },
        *attached,
    ]
    if note:
        found.append({"itemType": "note", "parentItem": key, "note": f"<p>{escape(note)}</p>"})
    names = ("", *(["pdf"] if attached else []), f"note {note}")
    return [{**one, "key": object_key(paper.id, name), "version": 0} for one, name in zip(found, names, strict=False)]


def object_key(paper: str, part: str = "") -> str:
    """Returns the key of a paper's object, the same each time."""
    number = int.from_bytes(hashlib.sha256(f"paperwire {paper} {part}".rstrip().encode()).digest()[:8])
    letters = []
    for _ in range(_KEY_LENGTH):
        number, at = divmod(number, len(_KEY_LETTERS))
        letters.append(_KEY_LETTERS[at])
    return "".join(letters)


def zotero_rdf(papers: Iterable[Paper]) -> str:
    """Returns papers as a document in Zotero RDF, each with its PDF as an attachment."""
    spaces = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in _NAMESPACES.items())
    parts = "\n".join(_described(paper, at) for at, paper in enumerate(papers))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<rdf:RDF {spaces}>\n{parts}\n</rdf:RDF>\n'


def _described(paper: Paper, at: int) -> str:
    own = zotero_fields(paper)
    dublin = {"dc:title": own.pop("title"), "dcterms:abstract": own.pop("abstractNote"), "dc:date": own.pop("date")}
    rows = {"z:itemType": _kind(paper), **dublin, **{f"z:{name}": value for name, value in own.items()}}
    lines = [_element(name, value) for name, value in rows.items() if value]
    lines += [_element("dc:subject", category) for category in paper.categories]
    people = "".join(f"<rdf:li>{_person(author)}</rdf:li>" for author in paper.authors)
    lines += [f"<bib:authors><rdf:Seq>{people}</rdf:Seq></bib:authors>"] if people else []
    pdf = paper.links.get("pdf", "")
    lines += [f'<link:link rdf:resource="#pdf-{at}"/>'] if pdf else []
    described = f'<rdf:Description rdf:about="{_text(paper.url)}">{"".join(lines)}</rdf:Description>'
    if not pdf:
        return described
    identifier = f"<dcterms:URI><rdf:value>{_text(pdf)}</rdf:value></dcterms:URI>"
    title = _element("dc:title", PDF_TITLE)
    return (
        f'{described}\n<z:Attachment rdf:about="#pdf-{at}"><z:itemType>attachment</z:itemType>{title}'
        f"<dc:identifier>{identifier}</dc:identifier><link:type>application/pdf</link:type></z:Attachment>"
    )


def _creator(author: Author) -> dict[str, str]:
    given, family, suffix = author.parts
    if not given or author.is_group:
        return {"creatorType": "author", "name": in_one_line(author.name)}
    first = in_one_line(f"{given}, {suffix}" if suffix else given)
    return {"creatorType": "author", "firstName": first, "lastName": in_one_line(family)}


def _person(author: Author) -> str:
    creator = _creator(author)
    family = creator.get("lastName") or creator.get("name", "")
    rows = (("foaf:surname", family), ("foaf:givenName", creator.get("firstName", "")))
    return f"<foaf:Person>{''.join(_element(tag, text) for tag, text in rows if text)}</foaf:Person>"


def _element(name: str, text: str) -> str:
    return f"<{name}>{_text(text)}</{name}>"


def _text(text: str) -> str:
    return escape(in_one_line(text))
