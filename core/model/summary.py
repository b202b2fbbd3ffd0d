"""Summaries: what a paper says, in the parts that a template asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.model.fulltext import NO_EVIDENCE, Evidence


@dataclass(frozen=True, slots=True)
class Summary:
    """A paper's summary by a `template`, in a `language` (BCP 47: "en", "ko"), as Markdown.

    `model` is the language model that wrote it; "" means that it was extracted from the abstract. `state` is "ready",
    "pending" (not made yet), "budget" (made when the budget allows it) or "failed" (`problem` says why). `parts` are
    the texts by the keys of the template's sections, in their order; the Markdown is made of them. `input` is what was
    read: "abstract", "html" or "pdf". `claim` says in one line of at most 110 characters what is new, "" in older ones.
    `evidence` is what was read and found of it.
    """

    template: str
    language: str
    model: str
    markdown: str
    state: str = "ready"
    parts: tuple[tuple[str, str], ...] = ()
    input: str = "abstract"
    problem: str = ""
    claim: str = ""
    evidence: Evidence = NO_EVIDENCE

    def part(self, key: str) -> str:
        """The text of a section, "" if there is none."""
        return dict(self.parts).get(key, "")

    def to_plain(self) -> dict[str, Any]:
        """The summary as JSON values."""
        return {
            "template": self.template,
            "language": self.language,
            "model": self.model,
            "markdown": self.markdown,
            "state": self.state,
            "parts": [list(part) for part in self.parts],
            "input": self.input,
            "problem": self.problem,
            **({"claim": self.claim} if self.claim else {}),
            **({"evidence": self.evidence.to_plain()} if self.evidence else {}),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Summary":
        """The inverse of `to_plain`. Raises `KeyError`, `TypeError` or `ValueError` for anything else."""
        texts = {n: str(plain[n]) for n in ("template", "language", "model", "markdown", "state", "input", "problem")}
        return cls(
            **texts,
            parts=tuple((str(key), str(text)) for key, text in plain["parts"]),
            claim=str(plain.get("claim", "")),
            evidence=Evidence.from_plain(plain.get("evidence", {})),
        )
