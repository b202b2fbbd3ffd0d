"""What Zotero's connector needs of a page: an address for unAPI, the papers' identifiers, and each paper in its RDF.

Run through Zotero's own translators, these pages give preprints with title, authors, date, identifier, abstract and PDF
(docs/pages.md says how to repeat that); here the documents are read as its translator "RDF" reads them.
"""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from lxml import etree, html

from core.model.paper import Author, Paper
from core.render.citations import highwire
from core.render.zotero import zotero_rdf
from tests.api import serving_days

KEY = "0123456789abcdef"
PAPER = "2603.90305"
SPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "z": "http://www.zotero.org/namespaces/export#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "bib": "http://purl.org/net/biblio#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "link": "http://purl.org/rss/1.0/modules/link/",
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving_days(tmp_path_factory.mktemp("zotero")) as client:
        yield client


def read(document: str) -> dict[str, str | list[str]]:
    """What the translator makes of the first paper of a document: by property, and of the attachment that it links."""
    root = etree.fromstring(document.encode())
    (paper, *_) = root.xpath("rdf:Description", namespaces=SPACES)
    about = "".join(paper.xpath("link:link/@rdf:resource", namespaces=SPACES))
    attachment = f"z:Attachment[@rdf:about='{about}']"
    people = paper.xpath("bib:authors/rdf:Seq/rdf:li/foaf:Person", namespaces=SPACES)
    return {
        **{etree.QName(child).localname: child.text or "" for child in paper if not len(child)},
        "authors": ["|".join(name.text or "" for name in person) for person in people],
        "tags": paper.xpath("dc:subject/text()", namespaces=SPACES),
        "pdf": root.xpath(f"string({attachment}/dc:identifier/dcterms:URI/rdf:value)", namespaces=SPACES),
        "pdf type": root.xpath(f"string({attachment}/link:type)", namespaces=SPACES),
    }


def papers_of(page: str) -> tuple[str, list[str]]:
    """The address for unAPI on a page, and the papers that it names."""
    tree = html.document_fromstring(page)
    (address,) = tree.xpath("//link[@rel='unapi-server'][@type='application/xml']/@href")
    return address, tree.xpath("//abbr[@class='unapi-id']/@title")


@pytest.mark.parametrize("path", ["/", "/day/2026-03-06", "/feeds/main", "/search?q=score%3E0", f"/papers/{PAPER}"])
def test_pages_name_their_papers(client: httpx.Client, path: str) -> None:
    """Each page with papers names all of them, and where they are to be had."""
    page = client.get(path).text
    address, papers = papers_of(page)
    assert "/unapi" == address
    rows = html.document_fromstring(page).xpath("//li[contains(@class, 'row')]/@data-id")
    assert papers
    assert papers == (rows or [PAPER])


def test_one_list_of_saved_papers(client: httpx.Client) -> None:
    """A reading list does, too; there COinS name the papers for tools that do not know unAPI."""
    page = client.get(f"/saved?id={PAPER},2603.90301").text
    assert [PAPER, "2603.90301"] == papers_of(page)[1]
    assert 2 == len(html.document_fromstring(page).xpath("//span[@class='Z3988']/@title"))


def test_formats(client: httpx.Client) -> None:
    """The formats have names that the translator knows, and are the same for a paper, with status 300."""
    found = client.get("/unapi")
    names = etree.fromstring(found.content).xpath("/formats/format/@name")
    assert (200, "application/xml", ["rdf_zotero", "ris", "bibtex"]) == (
        found.status_code,
        found.headers["Content-Type"].partition(";")[0],
        names,
    )
    of_one = client.get(f"/unapi?id={PAPER}")
    assert (300, PAPER) == (of_one.status_code, etree.fromstring(of_one.content).get("id"))
    assert names == etree.fromstring(of_one.content).xpath("/formats/format/@name")


def test_a_paper(client: httpx.Client) -> None:
    """A paper has all that Zotero keeps of a preprint, and its PDF."""
    answer = client.get(f"/unapi?id={PAPER}&format=rdf_zotero")
    assert "application/rdf+xml" == answer.headers["Content-Type"].partition(";")[0]
    found = read(answer.text)
    assert ["preprint", "Letters", f"arXiv:{PAPER}", f"10.48550/arXiv.{PAPER}", "arXiv"] == [
        found[name] for name in ("itemType", "title", "archiveID", "DOI", "repository")
    ]
    assert f"https://arxiv.org/abs/{PAPER}" == found["url"]
    assert (f"https://arxiv.org/pdf/{PAPER}v1", "application/pdf") == (found["pdf"], found["pdf type"])
    assert "Placeholder|Grace" in found["authors"]
    assert str(found["date"]).startswith("2026-03")
    assert found["abstract"]
    assert found["tags"]


def test_other_formats(client: httpx.Client) -> None:
    """RIS and BibTeX are those of the reading list."""
    assert client.get(f"/unapi?id={PAPER}&format=ris").text == client.get(f"/saved.ris?id={PAPER}").text
    assert client.get(f"/unapi?id={PAPER}&format=bibtex").text == client.get(f"/saved.bib?id={PAPER}").text


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("id=nonsense", 404),
        (f"id={PAPER}&format=marc", 406),
        ("id=2603.99999&format=ris", 404),
        ("id=%00&format=ris", 404),
    ],
)
def test_what_is_not_there(client: httpx.Client, query: str, status: int) -> None:
    """Other papers and formats are refused."""
    assert status == client.get(f"/unapi?{query}").status_code


def test_a_private_copy(tmp_path: Path) -> None:
    """The address on its pages opens as the connector makes it: by appending `?id=…`; without the key nothing does."""
    with serving_days(tmp_path, feed_key=KEY) as client:
        address, (paper, *_) = papers_of(client.get(f"/?key={KEY}").text)
        assert 200 == client.get(address).status_code
        found = client.get(f"{address}?id={paper}&format=rdf_zotero")
        assert (200, f"arXiv:{paper}") == (found.status_code, read(found.text)["archiveID"])
        assert 401 == client.get(f"/unapi?id={paper}&format=rdf_zotero").status_code


def test_hostile_texts() -> None:
    """Whatever stands in a paper, the document is well-formed, and has it as it is."""
    text = "a </dc:title> & <b> \x0c]]> \"q\" 'q' \ud800 end"
    authors = (Author(text), Author("ATLAS Collaboration"), Author("Plato"))
    paper = Paper("2603.90001", 1, text, text, authors, ("cs.LG",))
    found = read(zotero_rdf([paper, paper]))
    assert "a </dc:title> & <b> ]]> \"q\" 'q'" in str(found["title"])
    assert ["ATLAS Collaboration", "Plato"] == list(found["authors"])[1:]


def test_tags_make_a_preprint() -> None:
    """Without unAPI, Zotero takes the type and the identifier from its own tags."""
    tags = dict(highwire(Paper("2603.90001", 1, "T", "A", (), ("cs.LG",))))
    assert ("preprint", "arXiv:2603.90001") == (tags["z:itemType"], tags["z:archiveID"])
