"""Bodies of answers from elsewhere, decompressed while they come in, with a limit on what comes of them.

A few kilobytes can stand for gigabytes, and encodings can be nested. One encoding is decoded, and no more output is
made than the limit allows.
"""

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

ACCEPTED = "gzip, deflate"  # the encodings to ask for
_GZIP = zlib.MAX_WBITS | 16
_WINDOWS = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": zlib.MAX_WBITS}


class BodyError(Exception):
    """The body cannot be decoded: says why."""


class TooLong(BodyError):
    """The body is longer than the limit."""


class Body:
    """A body that comes in pieces. `encoding` is the value of Content-Encoding, `most` the limit in bytes.

    Raises `BodyError` for an encoding that was not asked for, and for more than one.
    """

    def __init__(self, encoding: str, most: int) -> None:
        name = encoding.strip().lower()
        if name not in ("", "identity", *_WINDOWS):
            raise BodyError(f"it has the encoding {name[:60]!r}, which was not asked for")
        self._inflate = zlib.decompressobj(_WINDOWS[name]) if name in _WINDOWS else None
        self._raw_deflate = name == "deflate"  # some servers leave the header of zlib out
        self._received = 0
        self._most = most
        self._decoded = bytearray()

    def add(self, piece: bytes) -> None:
        """Decode a piece. Raises `TooLong` at the limit, before more is decoded, else `BodyError`."""
        self._received += len(piece)
        if self._received > self._most:
            raise TooLong
        if self._inflate is None:
            self._decoded += piece
            return
        try:
            while piece and not self._inflate.eof:  # what follows the end is ignored
                self._decoded += self._decode(piece)
                if len(self._decoded) > self._most:
                    raise TooLong
                piece = self._inflate.unconsumed_tail
        except zlib.error as error:
            raise BodyError(f"it cannot be decompressed: {error}") from error

    @property
    def content(self) -> bytes:
        """What was decoded so far."""
        return bytes(self._decoded)

    def _decode(self, piece: bytes) -> bytes:
        if self._inflate is None:
            return piece
        room = self._most - len(self._decoded) + 1
        try:
            decoded = self._inflate.decompress(piece, room)
        except zlib.error:
            if not self._raw_deflate or self._decoded:
                raise
            self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
            decoded = self._inflate.decompress(piece, room)
        self._raw_deflate = False
        return decoded


async def decoded_body(answer: "httpx.Response", most: int) -> bytes:
    """Returns the decoded body of a streamed answer. Raises `TooLong` above `most` bytes, else `BodyError`."""
    body = Body(answer.headers.get("Content-Encoding", ""), most)
    async for piece in answer.aiter_raw():
        body.add(piece)
    return body.content
