"""What a model read for a text, and which of its figures were found there, in one line of words."""

from core.model.fulltext import Coverage, Evidence
from core.render.messages import Sentences, messages
from core.text.sanitize import clean

_MOST_NAMES = 3
_LONGEST_NAME = 40


def evidence_in_words(evidence: Evidence, language: str = "en") -> str:
    """Returns "read: all but B Proofs; 5 of 5 figures found in it", "" where nothing is known."""
    words = messages("evidence", language)
    parts = _read(evidence.coverage, words) if evidence.coverage else []
    if (figures := evidence.figures) and figures.total:
        parts.append(words["figures"].format(found=figures.found, total=figures.total))
        parts += [words["missing"].format(names=_names(figures.missing))] if figures.missing else []
    parts += [words["other language"]] if evidence.other_language else []
    return clean(words["separator"].join(parts))


def _read(coverage: Coverage, words: Sentences) -> list[str]:
    if coverage.complete:
        return [words["all"]]
    parts = [words["without"].format(names=_names(coverage.without))] if coverage.without else []
    if coverage.shortened == ("…",) or not parts:
        parts = [words["part"].format(percent=coverage.percent), *parts]
    named = [name for name in coverage.shortened if name != "…"]
    return [*parts, words["shortened"].format(names=_names(named))] if named else parts


def _names(names: tuple[str, ...] | list[str]) -> str:
    shown = [name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…" for name in names[:_MOST_NAMES]]
    return ", ".join(shown) + (f" (+{len(names) - _MOST_NAMES})" if len(names) > _MOST_NAMES else "")
