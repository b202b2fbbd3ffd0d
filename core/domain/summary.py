"""Summaries: what a paper says, in the parts that a template asks for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Summary:
    """A paper's summary by a `template`, in a `language` (BCP 47: "en", "ko"), as Markdown.

    `model` is the language model that wrote it; "" means that it was extracted from the abstract. `state` is "ready",
    or says why it is not.
    """

    template: str
    language: str
    model: str
    markdown: str
    state: str = "ready"
