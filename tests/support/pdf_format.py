"""A writer of PDFs, good ones and bad ones, by ISO 32000-1: objects, a table of where they are, a trailer."""

import io
import zlib
from collections.abc import Iterable, Sequence

_HEAD = b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n"
_TOP = 770
_LEADING = 12
Column = tuple[int, Sequence[str]]  # where it begins (points from the left), and its lines


def assemble(objects: Sequence[bytes], trailer: bytes = b"", xref_off: int = 0) -> bytes:
    """A PDF of `objects`, the first of which is the catalogue; its table lies `xref_off` bytes from where it should."""
    out, offsets = bytearray(_HEAD), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % (offset + xref_off) for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R %s >>\n" % (len(objects) + 1, trailer)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % (start + xref_off))


def stream(data: bytes, entries: bytes = b"") -> bytes:
    """A stream object that holds `data` as it is."""
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), entries, data)


def packed(data: bytes) -> bytes:
    """A stream object that holds `data` compressed."""
    return stream(zlib.compress(data), b"/Filter /FlateDecode")


def text_of(columns: Iterable[Column]) -> bytes:
    """The content of a page that shows lines in columns, one after the other."""
    return b"\n".join(_shown(left, lines) for left, lines in columns)


def _shown(left: int, lines: Sequence[str]) -> bytes:
    escaped = (
        line.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)") for line in lines
    )
    return b"BT /F1 9 Tf %d %d Td %d TL %s ET" % (
        left,
        _TOP,
        _LEADING,
        b" ".join(b"(%s) Tj T*" % line for line in escaped),
    )


def with_contents(contents: Sequence[bytes], resources: bytes = b"", more: Sequence[bytes] = (), off: int = 0) -> bytes:
    """A PDF of which each page has one of the content objects; `more` objects are numbered from 4 on."""
    first = 4 + len(more)
    kids = b" ".join(b"%d 0 R" % (first + 2 * at) for at in range(len(contents)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(contents)),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        *more,
    ]
    for at, content in enumerate(contents):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R >> %s >> >>" % (first + 2 * at + 1, resources)
        )
        objects.append(content)
    return assemble(objects, xref_off=off)


def pdf(*pages: Sequence[str], off: int = 0) -> bytes:
    """A PDF whose pages have these lines."""
    return with_contents([packed(text_of([(72, lines)])) for lines in pages], off=off)


def in_columns(*pages: Sequence[Column]) -> bytes:
    """A PDF whose pages have these columns."""
    return with_contents([packed(text_of(columns)) for columns in pages])


def scanned(pages: int) -> bytes:
    """A PDF of images, with arXiv's stamp on the first page."""
    stamp = text_of([(20, ["arXiv:cs/0601001v1 [cs.LG] 1 Jan 2006"])])
    image = stream(bytes(64 * 64), b"/Type /XObject /Subtype /Image /Width 64 /Height 64 /ColorSpace /DeviceGray"
                                   b" /BitsPerComponent 8")  # fmt: skip
    show = b"q 500 0 0 700 50 50 cm /I1 Do Q\n"
    contents = [stream(show + (b"" if at else stamp)) for at in range(pages)]
    return with_contents(contents, b"/XObject << /I1 4 0 R >>", [image])


def encrypted(document: bytes, password: str, owner: str = "owner") -> bytes:
    """The same document, which opens with `password` only."""
    from pypdf import PdfReader, PdfWriter

    writer, out = PdfWriter(clone_from=PdfReader(io.BytesIO(document))), io.BytesIO()
    writer.encrypt(password, owner, algorithm="RC4-128")
    writer.write(out)
    return out.getvalue()


def bomb(megabytes: int) -> bytes:
    """A small PDF whose page's content is that many megabytes of blanks, compressed twice."""
    return with_contents([stream(zlib.compress(_long(b" ", megabytes)), b"/Filter [/FlateDecode /FlateDecode]")])


def laughs(depth: int, width: int, last: bytes = b"") -> bytes:
    """A small PDF whose forms each draw the next one several times over; `last` is the last one's content."""
    entries = (
        b"/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >>"
        b" /XObject << /N %d 0 R >> >>"
    )
    last = last or stream(text_of([(72, ["ha ha"])]))
    contents = [*[stream(b"/N Do " * width)] * (depth - 1), last]
    forms = [form.replace(b"<< ", b"<< %s " % (entries % (5 + level)), 1) for level, form in enumerate(contents)]
    return with_contents([stream(b"/N Do")], b"/XObject << /N 4 0 R >>", forms)


def hang() -> bytes:
    """A small PDF whose only page takes minutes, and little memory."""
    last = stream(_long(b"q Q ", 10), b"/Filter /FlateDecode")
    return laughs(5, 30, last)


def _long(unit: bytes, megabytes: int) -> bytes:
    """`unit` over and over, compressed."""
    block, packer, out = unit * (1_000_000 // len(unit)), zlib.compressobj(1), bytearray()
    for _ in range(megabytes):
        out += packer.compress(block)
    return bytes(out + packer.flush())


def nested(depth: int) -> bytes:
    """A PDF whose catalogue holds arrays in arrays, and whose tree of pages is a chain, both `depth` deep."""
    chain = [b"<< /Type /Pages /Kids [%d 0 R] /Count 1 >>" % (at + 3) for at in range(depth)]
    page = b"<< /Type /Page /MediaBox [0 0 612 792] >>"
    arrays = b"[" * depth + b"]" * depth
    return assemble([b"<< /Type /Catalog /Pages 2 0 R /Deep %s >>" % arrays, *chain, page])


def circular() -> bytes:
    """A PDF whose tree of pages holds itself."""
    return assemble([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 9 >>"])
