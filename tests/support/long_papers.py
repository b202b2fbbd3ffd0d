"""Long papers with invented words, as HTML and as PDFs; each sentence says in which section it stands."""

import random
import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import NamedTuple

from tests.support.latexml_format import article, math, section, table
from tests.support.pdf_format import in_columns, pdf

ROLES = ("introduction", "related", "method", "experiments", "results", "discussion", "limitations", "conclusion")
TITLES = {
    "introduction": "Introduction",
    "related": "Related Work",
    "method": "Tidal Placement",
    "experiments": "Experimental Setup",
    "results": "Main Results",
    "discussion": "Discussion",
    "limitations": "Limitations",
    "conclusion": "Conclusion",
}
_SIZES = {  # characters of each section in a paper of 50,000
    "introduction": 5_000, "related": 4_000, "method": 15_000, "experiments": 6_000, "results": 11_000,
    "discussion": 4_000, "limitations": 2_000, "conclusion": 3_000,
}  # fmt: skip
_CUES = {
    "introduction": "Storage is slow, and pages must be placed with care.",
    "related": "Earlier work places pages by their age.",
    "method": "We place each page by the tide of its reads.",
    "experiments": "We evaluate it against four baselines on the dataset of traces.",
    "results": "Table 2 shows that it outperforms the best baseline by 12.5 %.",
    "discussion": "These gains suggest that tides are stable.",
    "limitations": "A limitation is that we did not test on tape.",
    "conclusion": "In conclusion, we have presented tidal placement.",
    "appendix": "The proof goes by induction over the pages.",
}
_WORDS = re.findall(
    r"\w+",
    "page tier cache flash block queue trace write latency device memory storage region buffer index log shard policy "
    "cost bound state window batch stream key value node link rate load",
)
WIDTH = 96
_COLUMN_WIDTH = 52
_LINES = 60


class LongPaper(NamedTuple):
    """A document of a `kind` ("html", "pdf"), and its sentences by role."""

    name: str
    kind: str
    body: bytes
    sentences: dict[str, tuple[str, ...]]


def sentences_of(rng: random.Random, role: str, characters: int) -> tuple[str, ...]:
    """Invented sentences of a role, so many characters in all."""
    found, length = [], 0
    while length < characters:
        words = " ".join(rng.choice(_WORDS) for _ in range(rng.randint(8, 14)))
        mark = f"{role}{len(found)}".replace("0", "o")
        lead = _CUES[role] if len(found) % 4 == 0 else "The"
        found.append(f"{lead} {mark} {words} {rng.randint(2, 9)}.{rng.randint(10, 99)}.")
        length += len(found[-1]) + 1
    return tuple(found)


def _wrapped(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in text.split():
        if len(line) + len(word) >= width:
            yield line
            line = ""
        line = f"{line} {word}".strip()
    yield line


def paragraphs_of(sentences: tuple[str, ...]) -> list[str]:
    """The sentences as paragraphs."""
    return [" ".join(sentences[at : at + 6]) for at in range(0, len(sentences), 6)]


def _html(texts: dict[str, tuple[str, ...]], *, titles: bool) -> bytes:
    parts = []
    for number, (role, sentences) in enumerate(texts.items(), 1):
        paragraphs = paragraphs_of(sentences)
        extra = [table(("System", "Read"), ("Tidal", "1.25")), f"<p>{math('x^2')}</p>"] if role == "results" else []
        if role == "appendix":
            parts.append(section("Proofs", *paragraphs, number="A", kind="appendix"))
        elif titles:
            half = len(paragraphs) // 2
            inner = section("Details", *paragraphs[half:], number=f"{number}.1", kind="subsection")
            whole = section(TITLES[role], *paragraphs[:half], *extra, number=str(number))
            parts.append(whole.replace("</section>\n", f"{inner}</section>\n"))
        else:
            parts.append("".join(f'<div class="ltx_para"><p class="ltx_p">{text}</p></div>' for text in paragraphs))
    return article(*parts)


def _pdf(texts: dict[str, tuple[str, ...]], *, titles: bool, columns: bool) -> bytes:
    lines = []
    for number, (role, sentences) in enumerate(texts.items(), 1):
        if role == "appendix":
            lines += ["References", *(f"[{n}] F. Sample. A cited work. 20{n:02}." for n in range(10, 60)), "A Proofs"]
        elif titles:
            lines.append(f"{number} {TITLES[role]}")
        for paragraph in paragraphs_of(sentences):
            lines += _wrapped(paragraph, _COLUMN_WIDTH if columns else WIDTH)
    blocks = [lines[at : at + _LINES] for at in range(0, len(lines), _LINES)]
    if not columns:
        return pdf(*blocks)
    pages = [blocks[at : at + 2] for at in range(0, len(blocks), 2)]
    return in_columns(*[[(40 + 280 * place, block) for place, block in enumerate(page)] for page in pages])


def _make(name: str, kind: str, seed: int, scale: float, appendix: int, **how: bool) -> LongPaper:
    rng = random.Random(seed)
    texts = {role: sentences_of(rng, role, int(_SIZES[role] * scale)) for role in ROLES}
    if appendix:
        texts["appendix"] = sentences_of(rng, "appendix", appendix)
    write: Callable[..., bytes] = _html if kind == "html" else _pdf
    return LongPaper(name, kind, write(texts, **how), texts)


def _makers() -> Iterator[tuple[str, Callable[[], LongPaper]]]:
    for seed, (scale, appendix) in enumerate(((0.9, 0), (1.1, 20_000), (1.5, 40_000), (2.4, 0), (3.5, 60_000))):
        size = f"{int(50 * scale + appendix / 1000)},000 characters"
        kind, layout = ("html", {}) if seed % 2 else ("pdf", {"columns": False})
        for name, how, number, more in (
            ("HTML", "html", seed, {"titles": True}),
            ("PDF", "pdf", seed + 10, {"titles": True, "columns": False}),
            ("PDF in two columns", "pdf", seed + 20, {"titles": True, "columns": True}),
            (f"{kind.upper()} without titles", kind, seed + 30, {"titles": False} | layout),
        ):
            full = f"{name}, {size}"
            yield full, partial(_make, full, how, number, scale, appendix, **more)


_MAKERS = dict(_makers())
NAMES = tuple(_MAKERS)


@cache
def long_paper(name: str) -> LongPaper:
    """One of twenty papers of 40,000 to 250,000 characters."""
    return _MAKERS[name]()


def shares(paper: LongPaper, read: str) -> dict[str, float]:
    """The share of the sentences of each role that stand in what is read, as whole sentences."""
    joined = " ".join(read.split())
    return {
        role: sum(sentence in joined for sentence in sentences) / len(sentences)
        for role, sentences in paper.sentences.items()
    }
