"""The shapes of models' answers, as pydantic models: one for each rubric and template. What does not fit is refused."""

from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, create_model

from core.domain.rubric import Rubric
from core.domain.template import Section, Template
from core.domain.text import has_text

_LONG_REASON = 1000


class Shape(BaseModel):
    """Base of all: keys that were not asked for are refused."""

    model_config = ConfigDict(extra="forbid")


def _visible(text: str) -> str:
    if not has_text(text):
        raise ValueError("there is no text")
    return text


def _text(most: int) -> Any:
    return Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=most), AfterValidator(_visible)
    ]


def criterion_key(place: int) -> str:
    """The key of a rubric's criterion in an answer: names are free text, keys are not."""
    return f"criterion_{place + 1}"


@lru_cache(maxsize=64)
def screening_shape(rubric: Rubric) -> type[Shape]:
    """`reason`, and the predicted `points`: a number from 0 to the most that the rubric gives."""
    fields: dict[str, Any] = {
        "reason": (_text(_LONG_REASON), ...),
        "points": (float, Field(ge=0, le=rubric.max, allow_inf_nan=False)),
    }
    return create_model("Screening", __base__=Shape, **fields)


@lru_cache(maxsize=64)
def analysis_shape(rubric: Rubric, template: Template) -> type[Shape]:
    """`marks` for each criterion within its bounds, what the text names, and the `parts` of a template."""
    marks = {
        criterion_key(place): (_mark_shape(criterion.max), Field(description=criterion.name))
        for place, criterion in enumerate(rubric.criteria)
    }
    fields: dict[str, Any] = {
        "marks": (create_model("Marks", __base__=Shape, **marks), ...),  # type: ignore[call-overload]
        "institutions": (list[str], Field(max_length=50)),
        "venue": (str, ...),
        "code": (str, ...),
        "parts": (parts_shape(template), ...),
    }
    return create_model("Analysis", __base__=Shape, **fields)


@lru_cache(maxsize=64)
def parts_shape(template: Template) -> type[Shape]:
    """A text for each part of a template."""
    return _texts_shape("Parts", template.parts)


@lru_cache(maxsize=64)
def post_shape(template: Template) -> type[Shape]:
    """A text for each part of a review's post, and its `tags`."""
    return _texts_shape("Post", template.post, tags=(list[str], Field(min_length=1, max_length=20)))


@lru_cache(maxsize=64)
def _mark_shape(most: int) -> type[Shape]:
    fields: dict[str, Any] = {"grounds": (_text(_LONG_REASON), ...), "points": (int, Field(ge=0, le=most, strict=True))}
    return create_model(f"MarkOf{most}", __base__=Shape, **fields)


def _texts_shape(name: str, sections: tuple[Section, ...], **more: Any) -> type[Shape]:
    fields: dict[str, Any] = {section.key: (_text(section.most), ...) for section in sections}
    return create_model(name, __base__=Shape, **fields, **more)
