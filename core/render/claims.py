"""The claim of a paper: one sentence that says what is new, from its summary or from the abstract."""

import re
from collections.abc import Callable

from core.model.feed import Entry
from core.model.paper import Paper
from core.model.summary import Summary
from core.text.sanitize import cut, plain

LONGEST_CLAIM = 180  # characters of a sentence from an abstract; a summary's own claim has at most 110
_ROLES = ("effect", "result", "results", "findings", "method", "problem")
# What begins a sentence and says nothing of the paper
_OPENINGS = re.compile(
    r"^(?:(?:extensive|comprehensive|empirical|numerical|our|the|further|additional|thorough)\s+)*"
    r"(?:experiments?|experimental results?|evaluations?|results?|simulations?|analys[ei]s|findings)\b[^.;]{0,140}?\b"
    r"(?:show|shows|demonstrate|demonstrates|indicate|indicates|reveal|reveals|confirm|confirms|suggest|suggests)\s+that,?\s+",
    re.IGNORECASE,
)
_LINKS = re.compile(
    r"^(?:however|moreover|furthermore|additionally|finally|notably|specifically|importantly|crucially|remarkably|"
    r"in particular|in addition|as a result|consequently|therefore|thus|overall|to this end|here|in this (?:paper|work|"
    r"study|article|letter)|in summary),?\s+",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[a-z0-9)%”\"])[.!?](?=\s+[A-Z“\"])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bal\.)(?<!\bvs\.)")


def claim_of(entry: Entry, extract: Callable[[Paper], Summary] | None = None) -> str:
    """Returns one line that says what is new in a paper, "" if its abstract says nothing.

    It is the claim of its summary, else a sentence of it by role, else one that `extract` finds in the abstract, else
    the first sentence of that.
    """
    summary = entry.summary
    if summary and summary.model and summary.claim:  # that of an extract is cut to the length of a model's
        return " ".join(plain(summary.claim).split())
    text = _of_roles(summary) if summary and summary.state == "ready" else ""
    if not text and extract:
        text = _of_roles(extract(entry.paper))
    text = text or _first(entry.paper.abstract)
    return shortened(text)


def shortened(sentence: str) -> str:
    """Returns a sentence of an abstract without an opening that says nothing of the paper, and not too long."""
    text = " ".join(plain(sentence).split())
    bare = _OPENINGS.sub("", _LINKS.sub("", text))
    text = bare[:1].upper() + bare[1:] if bare else text
    if len(text) <= LONGEST_CLAIM:
        return text
    return cut(text, LONGEST_CLAIM).rpartition(" ")[0].rstrip(" ,;:") + "…"


def _of_roles(summary: Summary) -> str:
    return next((_first(text) for role in _ROLES if (text := summary.part(role))), "")


def _first(text: str) -> str:
    """Returns the first sentence of a text."""
    text = " ".join(text.replace("**", "").lstrip("-*• ").split())
    end = _SENTENCE_END.search(text)
    return text[: end.end()] if end else text
