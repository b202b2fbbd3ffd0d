"""What a model reads of a paper that is longer than its budget: a share for each role of sections, appendices last.

The role of a section (introduction, method, results, …) follows from its heading, else from its place. In a text
without headings each paragraph has a role of its own, by its words.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from core.model.fulltext import Coverage, TextSection

# The share of the budget that each role gets, and by its order what is left over is given away
SHARES: dict[str, float] = {
    "abstract": 0.04,
    "limitations": 0.06,
    "conclusion": 0.06,
    "results": 0.32,
    "discussion": 0.08,
    "experiments": 0.12,
    "introduction": 0.08,
    "method": 0.18,
    "other": 0.02,
    "related": 0.02,
    "appendix": 0.0,
}
# Words of headings → role; the first row that matches counts
_NAMES = (
    ("abstract", ("abstract", "authors")),
    ("limitations", ("limitation", "threats to validity", "failure case", "failure mode", "caveat")),
    ("conclusion", ("conclu", "summary", "outlook", "closing remark", "final remark", "future work",
                    "future direction", "takeaway", "lessons learned")),
    ("results", ("result", "finding", "performance", "comparison", "ablation", "main experiment", "sensitivity",
                 "speedup", "accuracy", "throughput", "latency", "robustness", "qualitative", "quantitative",
                 "scalability", "case stud", "error analysis", "overhead")),
    ("related", ("related", "prior work", "previous work", "literature", "state of the art")),
    ("discussion", ("discussion", "broader impact", "impact statement", "ethic", "implication", "interpretation")),
    ("experiments", ("experiment", "evaluation", "setup", "set-up", "dataset", "data set", "data collection",
                     "baseline", "implementation detail", "training detail", "benchmark", "metric", "methodology of",
                     "simulation", "numerical", "hyperparameter", "measurement")),
    ("introduction", ("introduction", "motivation", "overview", "contribution", "research question")),
    ("method", ("method", "approach", "model", "algorithm", "architecture", "framework", "system", "design", "theory",
                "background", "preliminar", "problem", "formulation", "notation", "implementation", "analysis",
                "proof", "training", "objective", "loss")),
)  # fmt: skip
_BY_WORDS = (
    ("limitations", re.compile(r"\b(limitations?|we did not|does not (?:hold|support)|shortcomings?|caveats?)\b")),
    ("conclusion", re.compile(r"\b(in (?:conclusion|summary)|to (?:conclude|summari[sz]e)|we (?:have )?(?:presented|"
                              r"concluded?)|this (?:paper|work) (?:has )?(?:presented|introduced)|future work)\b")),
    ("results", re.compile(r"\b(tables? \d|figs?\.? \d|figures? \d|outperform\w*|improve[sd]? (?:by|over)|results?|"
                           r"achiev\w+|faster|ablations?|\d+(?:\.\d+)? ?(?:%|×|percent))")),
    ("experiments", re.compile(r"\b(datasets?|baselines?|benchmarks?|evaluat\w+|hyperparameters?|gpus?|trained on)\b")),
)  # fmt: skip
_NUMBER = re.compile(r"\W*(?:(?:section|chapter)\s+)?(?P<top>\d{1,2}|[ivx]{1,5}(?=[.\s])|[a-z](?=[.\s]))"
                     r"(?P<sub>(?:\.\d{1,2})*)\.?\s+", re.IGNORECASE)  # fmt: skip
_AFTER = ("experiments", "results", "discussion", "limitations", "conclusion")
_REFERENCE = re.compile(r"\s*(?:\[\d{1,3}\]|\d{1,3}\.)\s+[A-Z].*\b(?:19|20)\d\d\b|.*\b(?:arXiv:\d|doi\.org|In Proc)")
_LEAST_REFERENCES = 5  # paragraphs in a row that end a text
_TELLING = ("limitations", "conclusion", "results")  # roles that words tell from others
_MOST_OF = 0.6  # of the paragraphs of a section
_LEAST_PARAGRAPH = 80  # characters; shorter ones are captions and names
_LONG_PARAGRAPH = 1_500  # characters; longer ones are cut, where each has a role of its own
_HEAD_SHARE = 0.7  # of a shortened section is its beginning, the rest its end
_SLACK = 200  # characters that a cut may move to the end of a sentence
GAP = "\n[…]\n"
_LEAST_PART = 300  # characters of a section; with less room it is left out
_SENTENCE = re.compile(r"[.!?。](?=\s)|\n")


class Excerpt(NamedTuple):
    """The sections that are read, and what of the whole they are."""

    sections: tuple[TextSection, ...]
    coverage: Coverage

    @property
    def text(self) -> str:
        """The sections as one text, with their headings."""
        return join(self.sections)


def join(sections: Iterable[TextSection]) -> str:
    """Returns `sections` as one text: each heading on a line before its text, empty lines between sections."""
    return "\n\n".join("\n".join(filter(None, (section.heading, section.text))) for section in sections)


def take_excerpt(sections: Sequence[TextSection], most: int) -> Excerpt:
    """Returns what is read of `sections` within `most` characters, in their order.

    Each role gets at least its share, as far as it needs it. What is left over goes to the roles in the order of
    `SHARES`; appendices get what no other section needs.
    """
    sections = [section for section in sections if section.heading or section.text.strip()]
    whole = sum(len(section.text) for section in sections)
    if len(join(sections)) <= most:
        return Excerpt(tuple(sections), Coverage(whole, whole))
    roles = roles_of(sections)
    if not any(role in _AFTER for role in roles):
        return _by_paragraphs(sections, most, whole)
    frame = sum(len(section.heading) + 3 for section in sections)
    room = _rooms([len(section.text) for section in sections], roles, max(most - frame, 0))
    kept, without, shortened = [], [], []
    for section, characters in zip(sections, room, strict=True):
        text = _shortened(section.text, characters)
        if text or not section.text:
            kept.append(section._replace(text=text))
        if not text and section.text:
            without.append(section.heading or "…")
        elif len(text) < len(section.text):
            shortened.append(section.heading or "…")
    read = sum(len(section.text) for section in kept)
    return Excerpt(tuple(kept), Coverage(read, whole, _tops(without), tuple(shortened)))


def roles_of(sections: Sequence[TextSection]) -> list[str]:
    """Returns the role of each section: one of `SHARES`.

    A subsection whose heading says nothing has the role of its section. Another section whose heading says nothing has
    the role of its words; else it is method before the first experiments, and part of what precedes it after them.
    """
    roles: list[str] = []
    tops: dict[str, str] = {}  # the roles of numbered sections
    last = "abstract"
    for section in sections:
        number = _NUMBER.match(section.heading)
        named = _named(section.heading[number.end() :] if number else section.heading)
        parent = tops.get(number["top"].lower(), "") if number and number["sub"] else ""
        role = _role(section, named, parent, last)
        if number and not number["sub"]:
            tops[number["top"].lower()] = role
        last = role if role != "appendix" else last
        roles.append(role)
    return roles


def _role(section: TextSection, named: str, parent: str, last: str) -> str:
    if section.kind == "appendix":
        return "appendix"
    if not section.heading:
        return "abstract" if last == "abstract" else last
    if parent:
        # "4.1 Setup" of the experiments, but "3.2 Results of the warm-up" of the method stays there
        return named if parent in ("experiments", "results", "discussion") and named in _AFTER else parent
    if named:
        return named
    return _by_most_words(section.text) or (last if last in _AFTER else "method")


def _by_most_words(text: str) -> str:
    """Returns the role of a section whose heading says nothing ("How fast is it?"): what most of its paragraphs say."""
    pieces = [piece.lower() for piece in _paragraphs(text) if len(piece) >= _LEAST_PARAGRAPH]
    for role, pattern in _BY_WORDS:
        if role in _TELLING and pieces and sum(map(bool, map(pattern.search, pieces))) >= _MOST_OF * len(pieces):
            return role
    return ""


def _named(title: str) -> str:
    words = title.lower()
    return next((role for role, names in _NAMES if any(name in words for name in names)), "")


def _rooms(lengths: Sequence[int], roles: Sequence[str], most: int, *, in_order: bool = False) -> list[int]:
    """Returns how many characters of each section are read; `in_order`: the first ones of each role whole."""
    needs = {role: sum(n for n, own in zip(lengths, roles, strict=True) if own == role) for role in SHARES}
    given = {role: min(needs[role], int(most * share)) for role, share in SHARES.items()}
    left = most - sum(given.values())
    for role in SHARES:
        more = min(needs[role] - given[role], left)
        given[role] += more
        left -= more
    room = [0] * len(lengths)
    for role, characters in given.items():
        places = [place for place, own in enumerate(roles) if own == role]
        share = _in_order if in_order or role == "appendix" else _evenly
        for place, part in zip(places, share([lengths[place] for place in places], characters), strict=True):
            room[place] = part
    return room


def _evenly(lengths: Sequence[int], most: int) -> list[int]:
    """Returns parts of `most` for sections of these lengths: short ones whole, the long ones equal."""
    parts, left = [0] * len(lengths), most
    for rank, place in enumerate(sorted(range(len(lengths)), key=lengths.__getitem__)):
        parts[place] = min(lengths[place], left // (len(lengths) - rank))
        left -= parts[place]
    return parts


def _in_order(lengths: Sequence[int], most: int) -> list[int]:
    parts = []
    for length in lengths:
        parts.append(min(length, most))
        most -= parts[-1]
    return parts


def _shortened(text: str, most: int) -> str:
    """Returns the beginning and the end of a text, cut at sentences; "" if there is too little room."""
    if len(text) <= most:
        return text
    if most < _LEAST_PART:
        return ""
    head = int((most - len(GAP)) * _HEAD_SHARE)
    tail = most - len(GAP) - head
    ends = [match.end() for match in _SENTENCE.finditer(text, max(head - _SLACK, 0), head)]
    begins = [match.end() for match in _SENTENCE.finditer(text, len(text) - tail, len(text) - tail + _SLACK)]
    start = begins[0] if begins else len(text) - tail
    return f"{text[: ends[-1] if ends else head].rstrip()}{GAP}{text[start:].lstrip()}"


def _tops(headings: Sequence[str]) -> tuple[str, ...]:
    """Returns the headings without subsections of one that is there too."""
    tops = {match["top"].lower() for one in headings if (match := _NUMBER.match(one)) and not match["sub"]}
    return tuple(
        one for one in headings if not ((match := _NUMBER.match(one)) and match["sub"] and match["top"].lower() in tops)
    )


def _by_paragraphs(sections: Sequence[TextSection], most: int, whole: int) -> Excerpt:
    """Returns the excerpt of a text whose headings do not say what is where: paragraphs by their words."""
    pieces = [
        TextSection("", piece, section.kind)
        for section in sections
        for piece in _paragraphs("\n".join(filter(None, (section.heading, section.text))))
    ]
    pieces = _without_references(pieces)
    roles = [_role_by_words(piece, at / max(len(pieces), 1)) for at, piece in enumerate(pieces)]
    room = _rooms([len(piece.text) + 1 for piece in pieces], roles, most, in_order=True)
    kept = [piece.text for piece, part in zip(pieces, room, strict=True) if part > len(piece.text)]
    text = "\n".join(kept)[:most]
    heading = next((section.heading for section in sections if section.heading), "…")
    return Excerpt((TextSection("", text),), Coverage(len(text), whole, (), (heading,)))


def _paragraphs(text: str) -> list[str]:
    """Returns the paragraphs of a text, long ones cut at sentences."""
    pieces = []
    for paragraph in text.split("\n"):
        rest = paragraph
        while len(rest) > _LONG_PARAGRAPH:
            ends = [match.end() for match in _SENTENCE.finditer(rest, 0, _LONG_PARAGRAPH)]
            end = ends[-1] if ends else _LONG_PARAGRAPH
            pieces.append(rest[:end])
            rest = rest[end:].lstrip()
        pieces.append(rest)
    return [piece for piece in pieces if piece.strip()]


def _without_references(pieces: list[TextSection]) -> list[TextSection]:
    """Returns the paragraphs without a list of references at their end."""
    end = len(pieces)
    while end and _REFERENCE.match(pieces[end - 1].text):
        end -= 1
    return pieces[:end] if len(pieces) - end >= _LEAST_REFERENCES else pieces


def _role_by_words(piece: TextSection, place: float) -> str:
    """Returns the role of a paragraph at this place of the text (0 to 1)."""
    if piece.kind == "appendix":
        return "appendix"
    words = piece.text.lower()
    found = next((role for role, pattern in _BY_WORDS if pattern.search(words)), "")
    if place < 0.1:
        return "introduction"
    if found in ("limitations", "conclusion") and place < 0.3:
        return "method"
    return found or ("conclusion" if place > 0.95 else "discussion" if place > 0.75 else "method")
