"""The word table: how frequent terms are in papers, and vectors of the most frequent ones, so that words that occur
in the same papers have similar vectors.

`words.bin` is built by `benchmarks/word_table.py`. It is read once in a process, where something is learned or scored.
"""

import math
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

DIMENSIONS = 64
MAGIC = b"PWW2"
HEAD = "<7I"  # the numbers of papers and rows, and the sizes of the five parts
LANE_OFFSET = 128
_WITH_OFFSET = bytes((value + LANE_OFFSET) % 256 for value in range(256))  # of bytes that are numbers with a sign
_PATH = Path(__file__).with_name("words.bin")


@dataclass(frozen=True, slots=True)
class WordTable:
    """The `idf` of all known terms, and the vectors of the first `rows` of them.

    `vectors` holds the rows one after the other in small integers; `scales` make numbers of them. `unknown` is the idf
    of a term that no paper of the corpus has. `common` terms are in so many papers that they say nothing.
    """

    terms: tuple[str, ...]
    idf: Mapping[str, float]
    numbers: Mapping[str, int]
    rows: int
    vectors: memoryview
    scales: tuple[float, ...]
    unknown: float
    common: frozenset[str]

    def vector(self, number: int) -> list[int]:
        """Returns the row of a term by its number, without the scales."""
        return self.vectors[number * DIMENSIONS : (number + 1) * DIMENSIONS].tolist()

    def lanes(self, number: int) -> int:
        """Returns the row of a term as one large integer: 32 bits for each dimension, the first ones lowest, with
        `LANE_OFFSET` added so that none is negative.

        Sums of rows are sums of such integers: one operation for 64 numbers, where Python would need 64.
        """
        spread = bytearray(4 * DIMENSIONS)
        spread[::4] = bytes(self.vectors[number * DIMENSIONS : (number + 1) * DIMENSIONS]).translate(_WITH_OFFSET)
        return int.from_bytes(spread, "little")


@cache
def table_fingerprint() -> str:
    """Returns the fingerprint of the shipped table."""
    return sha256(_PATH.read_bytes()).hexdigest()[:8]


@cache
def word_table() -> WordTable:
    """Returns the shipped table; reading it takes some 50 ms."""
    data = _PATH.read_bytes()
    if not data.startswith(MAGIC):
        raise ValueError(f"{_PATH.name} is not a word table")
    plain = zlib.decompress(data[len(MAGIC) :])
    head = struct.calcsize(HEAD)
    papers, rows, *sizes = struct.unpack_from(HEAD, plain)
    parts, at = [], head
    for size in sizes:
        parts.append(plain[at : at + size])
        at += size
    terms = tuple(parts[0].decode().split("\n"))
    counts = struct.unpack(f"<{len(terms)}H", parts[1])
    idf = {term: math.log(papers / count) for term, count in zip(terms, counts, strict=True)}
    return WordTable(
        terms,
        idf,
        {term: number for number, term in enumerate(terms)},
        rows,
        memoryview(parts[3]).cast("b"),
        struct.unpack(f"<{DIMENSIONS}f", parts[2]),
        math.log(papers / 1.5),
        frozenset(parts[4].decode().split("\n")),
    )
