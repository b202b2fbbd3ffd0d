"""Build `core/ranking/words.bin`, the word table of learning, from a corpus of titles and abstracts.

    python -m benchmarks.word_table corpus.jsonl.gz core/ranking/words.bin

The corpus has one JSON object on a line, with `title` and `abstract`. `docs/learning.md` says what the shipped
table was made from. This needs numpy and scipy, which Paperwire itself does not.
"""

import gzip
import json
import math
import struct
import sys
import zlib
from collections import Counter
from pathlib import Path

from core.ranking.words import DIMENSIONS, HEAD, MAGIC
from core.text.terms import terms_of

VOCABULARY = 30_000  # terms with their document frequency
ROWS = 8_000  # of them, the most frequent ones have a vector
LEAST, MOST = 3, 0.2  # papers that have a term: at least so many, at most this share


def main() -> None:
    """Read the corpus, and write the table."""
    import numpy
    from scipy import sparse
    from scipy.sparse.linalg import svds

    source, target = map(Path, sys.argv[1:3])
    opened = gzip.open if source.suffix == ".gz" else open
    with opened(source, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    papers = [Counter(terms_of(row["title"]) + terms_of(row["abstract"])) for row in rows]
    frequency = Counter(term for paper in papers for term in paper)
    usable = [term for term, count in frequency.items() if LEAST <= count <= MOST * len(papers)]
    vocabulary = sorted(usable, key=lambda term: (-frequency[term], term))[:VOCABULARY]
    numbers = {term: number for number, term in enumerate(vocabulary[:ROWS])}
    data, at, ends = [], [], [0]
    for paper in papers:
        vector = [
            (numbers[term], (1 + math.log(count)) * math.log(len(papers) / frequency[term]))
            for term, count in paper.items()
            if term in numbers
        ]
        length = math.sqrt(sum(value * value for _, value in vector)) or 1.0
        data += [value / length for _, value in vector]
        at += [number for number, _ in vector]
        ends.append(len(at))
    matrix = sparse.csr_matrix((data, at, ends), shape=(len(papers), len(numbers)))
    _, _, right = svds(matrix, k=DIMENSIONS, random_state=numpy.random.default_rng(1))
    table = right[::-1].T  # a row for each term
    scales = numpy.abs(table).max(axis=0) / 127
    small = numpy.rint(table / scales).astype(numpy.int8)
    parts = [
        "\n".join(vocabulary).encode(),
        struct.pack(f"<{len(vocabulary)}H", *(frequency[term] for term in vocabulary)),
        struct.pack(f"<{DIMENSIONS}f", *scales),
        small.tobytes(),
        "\n".join(sorted(term for term, count in frequency.items() if count > MOST * len(papers))).encode(),
    ]
    head = struct.pack(HEAD, len(papers), len(small), *map(len, parts))
    target.write_bytes(MAGIC + zlib.compress(head + b"".join(parts), 9))
    print(f"{len(papers)} papers, {len(vocabulary)} terms, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
