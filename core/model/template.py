"""Templates: which parts a summary or a review has, and what is asked for each."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Literal

from core.util.signing import fingerprint

Language = Literal["en", "ko", "zh"]  # of summaries, reviews and digests
LANGUAGES: dict[str, str] = {"en": "English", "ko": "Korean", "zh": "Simplified Chinese"}
_Texts = dict[str, str]  # by language


@dataclass(frozen=True, slots=True)
class Section:
    """One part: its `key`, its heading by language, and what is asked for it. `most` bounds it, in characters.

    `invents`: it may hold figures that the paper does not have, such as those of an example.

    A section with `bullets` has no text of its own: its parts are these, each a line below its heading.
    """

    key: str
    heading: _Texts
    ask: str = ""
    most: int = 4000
    bullets: "tuple[Section, ...]" = ()
    invents: bool = False


@dataclass(frozen=True, eq=False)  # there is one of each, and what is made of it is cached
class Template:
    """The parts of a summary or a review by this name.

    `layout` is how the sections stand below each other: under "headings", or as the rows of a "table" with the
    heads `columns`. `instructions` say how all of them are to be written, `title` is what people call it. `note` is
    shown below, and `missing` in the place of an absent part; where these are empty, nothing is. A review has
    a `post` that is made of the answers.
    """

    name: str
    kind: str
    title: _Texts
    sections: tuple[Section, ...]
    layout: str = "headings"
    columns: dict[str, tuple[str, str]] = field(default_factory=dict)
    instructions: str = ""
    note: _Texts = field(default_factory=dict)
    missing: _Texts = field(default_factory=dict)
    post: tuple[Section, ...] = ()

    @cached_property
    def parts(self) -> tuple[Section, ...]:
        """The sections that have texts, in order."""
        return tuple(_leaves(self.sections))

    @cached_property
    def fingerprint(self) -> str:
        """The fingerprint of the whole template."""
        return fingerprint("template", asdict(self))

    def section(self, key: str) -> Section:
        """The part of that key. Raises `KeyError`."""
        return {part.key: part for part in self.parts}[key]


def _leaves(sections: Sequence[Section]) -> Iterator[Section]:
    for section in sections:
        yield from section.bullets or (section,)
