"""JSON from models: the shapes of answers, the requests for them, and their validation.

A shape is a pydantic model, one for each rubric and template. An invalid answer is refused with words by which the
model can correct it.
"""

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    create_model,
    model_validator,
)

from core.llm.base import wrong
from core.llm.reading import cut_at_sentence, find_objects
from core.llm.replies import json_bytes
from core.model.rubric import Rubric
from core.model.template import Section, Template
from core.text.fold import has_text

MODES = ("json_schema", "json_object", "text")  # from the strictest on; not every endpoint knows each
MOST_TEXT = 200_000  # characters of an answer that are searched for JSON
_MOST_PROBLEMS = 8
_MOST_NAME = 80  # characters of a wrong property's name
_MOST_REPEATED = 6000  # characters of a wrong answer that are sent back
_REFUSAL = re.compile(
    r"\A\W*(I['’]m (very |really )?sorry|I apologi[sz]e|Sorry, |I can(['’]|no)t |I cannot |I (am|['’]m) (unable|not "
    r"able) to |I won['’]t |As an AI|I must decline|죄송|抱歉|对不起|很抱歉|作为一)",
    re.IGNORECASE,
)


def response_format(shape: type[BaseModel] | None, mode: str) -> dict[str, Any] | None:
    """Returns the parameter `response_format` as OpenAI defines it; None if the instructions hold the schema.

    Source: https://platform.openai.com/docs/guides/structured-outputs
    """
    if shape is None or mode == "text":
        return None
    if mode == "json_object":
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": _name(shape), "strict": True, "schema": schema_of(shape)}}


def instructions(shape: type[BaseModel] | None, mode: str) -> str:
    """Returns the schema for the instructions if no parameter holds it; JSON mode needs the word JSON in them."""
    if shape is None or mode == "json_schema":
        return ""
    schema = json.dumps(schema_of(shape), ensure_ascii=False)
    return f"\n\nAnswer with one JSON object and nothing else. It satisfies this JSON schema:\n{schema}"


def schema_of(shape: type[BaseModel]) -> dict[str, Any]:
    """Returns the JSON schema of a shape, in OpenAI's strict form: all properties required, no others allowed."""
    return _strict(plain_schema(shape))


@lru_cache(maxsize=256)
def plain_schema(shape: type[BaseModel]) -> dict[str, Any]:
    """Returns the JSON schema of a shape, which nobody changes. Making one takes some 5 ms, for each question."""
    return shape.model_json_schema()


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    out = {key: value for key, value in schema.items() if key != "default"}
    for key in ("properties", "$defs"):  # by name: a property may itself be called "default"
        if key in out:
            out[key] = {name: _strict(part) for name, part in out[key].items()}
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        if key in out:
            out[key] = [_strict(part) for part in out[key]]
    if isinstance(out.get("items"), dict):
        out["items"] = _strict(out["items"])
    if "properties" in out:
        out |= {"required": list(out["properties"]), "additionalProperties": False}
    return out


def _name(shape: type[BaseModel]) -> str:
    return re.sub(r"[^a-zA-Z0-9_-]", "_", shape.__name__)[:64]


def read_answer(text: str, shape: type[BaseModel]) -> BaseModel:
    """Returns the instance of `shape` in a text. Raises `ModelError`: "refused", "not-json" or "wrong-shape".

    Unknown keys are removed, and long texts are cut. The details of an error are words by which the model can correct
    its answer.
    """
    problems = ""
    for found in find_objects(text[:MOST_TEXT]):
        try:
            return shape.model_validate_json(json_bytes(found))
        except ValidationError as error:
            problems = problems or _in_words(error)
            _mend(found, error)
        with suppress(ValidationError):
            return shape.model_validate_json(json_bytes(found))
    if problems:
        raise wrong("wrong-shape", problems)
    if _REFUSAL.match(text):
        raise wrong("refused", " ".join(text[:200].split()))
    raise wrong("not-json", "no JSON object is in it, or one that does not end")


def _mend(found: dict[str, Any], error: ValidationError) -> None:
    """Remove unknown keys, and cut long texts."""
    for row in error.errors():
        *path, last = row["loc"]
        place: Any = found
        for step in path:
            place = place[step]
        if row["type"] == "extra_forbidden":
            del place[last]
        elif row["type"] == "string_too_long":
            place[last] = cut_at_sentence(place[last].strip(), row["ctx"]["max_length"])


def part_of(shape: type[BaseModel], places: Iterable[tuple[str, ...]]) -> type[BaseModel]:
    """Returns a shape with only the parts of `shape` at these places."""
    below: dict[str, list[tuple[str, ...]]] = {}
    for place in places:
        below.setdefault(place[0], []).append(place[1:])
    fields: dict[str, Any] = {}
    for key, rest in below.items():
        info, inner = shape.model_fields[key], shape.model_fields[key].annotation
        whole = () in rest or not (isinstance(inner, type) and issubclass(inner, BaseModel))
        fields[key] = (inner, info) if whole else (part_of(inner, rest), ...)  # type: ignore[arg-type]
    return create_model(f"{shape.__name__}Part", __base__=Shape, **fields)


def with_part(value: BaseModel, part: BaseModel) -> BaseModel:
    """Returns `value` with what `part` has in its place."""
    return type(value).model_validate(_updated(value.model_dump(), part.model_dump()))


def _updated(whole: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    return whole | {
        key: _updated(whole[key], value) if isinstance(value, dict) and isinstance(whole.get(key), dict) else value
        for key, value in part.items()
    }


def repair(text: str, problem: str, shape: type[BaseModel] | None, *, partly: bool = False) -> list[dict[str, str]]:
    """Returns the messages that request a better answer than `text`; `partly`: only the parts of `shape`."""
    demand = f"That cannot be used. {problem}.\n\nAnswer again" + (", these parts alone" if partly else "")
    if shape:
        schema = json.dumps(schema_of(shape), ensure_ascii=False)
        demand += f", with one complete JSON object and nothing else. It satisfies this JSON schema:\n{schema}"
    else:
        demand += ", with the whole answer and nothing else."
    return [{"role": "assistant", "content": text[:_MOST_REPEATED]}, {"role": "user", "content": demand}]


def _in_words(error: ValidationError) -> str:
    """Returns the mismatches with the shape, without quoting the model's values."""
    rows = [f"{'.'.join(map(str, row['loc']))[:_MOST_NAME] or 'the object'}: {row['msg']}" for row in error.errors()]
    more = len(rows) - _MOST_PROBLEMS
    return "; ".join(rows[:_MOST_PROBLEMS]) + (f"; and {more} more" if more > 0 else "")


_LONG_REASON = 1000
QUOTES = ("quote",)  # keys of what is copied from the material


class Shape(BaseModel):
    """Base of all shapes: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")


def _visible(text: str) -> str:
    if not has_text(text):
        raise ValueError("there is no text")
    return text


def _text(most: int) -> Any:
    return Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=most), AfterValidator(_visible)
    ]


def _part(most: int) -> Any:
    return Annotated[str, StringConstraints(strip_whitespace=True, max_length=most)]


class _Texts(Shape):
    """Parts of which some may be empty, but not all."""

    @model_validator(mode="after")
    def _not_empty(self) -> "_Texts":
        if not any(isinstance(value, str) and has_text(value) for _, value in self):
            raise ValueError("all parts are empty")
        return self


def _keep(schema: dict[str, Any]) -> None:
    """Ask a model for what is optional when it is read."""
    schema.pop("default", None)


CLAIM = "claim"
_CLAIM: Any = (str, Field("", max_length=220, json_schema_extra=_keep))


def criterion_key(place: int) -> str:
    """Returns the key of a rubric's criterion in an answer, because names are free text."""
    return f"criterion_{place + 1}"


def paper_key(place: int) -> str:
    """Returns the key of a paper in a question about several."""
    return f"paper_{place + 1}"


class _Screening(Shape):
    @model_validator(mode="after")
    def _not_empty(self) -> "_Screening":
        if not any(value is not None for _, value in self):
            raise ValueError("none of the papers is judged as it was asked for")
        return self


def _or_none(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    with suppress(ValidationError):
        return read(value)
    return None


def _demand(schema: dict[str, Any]) -> None:
    """Leave null out of the schema that a model is given."""
    schema.update(schema.pop("anyOf")[0])


@lru_cache(maxsize=64)
def screening_shape(rubric: Rubric, papers: int) -> type[Shape]:
    """Returns the shape with the `reason` and the predicted `points` of each paper, from 0 to the rubric's maximum.

    Of several papers, one that a model leaves out or judges in another way is None, to be asked about again.
    """
    fields: dict[str, Any] = {
        "reason": (_text(_LONG_REASON), ...),
        "points": (float, Field(ge=0, le=rubric.max, allow_inf_nan=False)),
    }
    one = create_model("Prediction", __base__=Shape, **fields)
    if papers == 1:
        alone: dict[str, Any] = {paper_key(0): (one, ...)}
        return create_model("Screening", __base__=Shape, **alone)
    some: Any = Annotated[one | None, WrapValidator(_or_none)]
    each: dict[str, Any] = {paper_key(place): (some, Field(None, json_schema_extra=_demand)) for place in range(papers)}
    return create_model("Screening", __base__=_Screening, **each)


@lru_cache(maxsize=64)
def analysis_shape(rubric: Rubric, template: Template) -> type[Shape]:
    """Returns the shape with `marks` for each criterion, the names in the text, and the `parts` of a template."""
    marks = {
        criterion_key(place): (_mark_shape(criterion.max), Field(description=criterion.name))
        for place, criterion in enumerate(rubric.criteria)
    }
    fields: dict[str, Any] = {
        "parts": (_texts_shape("Parts", template.parts), ...),
        "claim": _CLAIM,
        "marks": (create_model("Marks", __base__=Shape, **marks), ...),  # type: ignore[call-overload]
        "institutions": (list[str], Field(max_length=50)),
        "venue": (str, ...),
        "code": (str, ...),
    }
    return create_model("Analysis", __base__=Shape, **fields)


@lru_cache(maxsize=64)
def parts_shape(template: Template) -> type[Shape]:
    """Returns the shape with a text for each part of a template, and its `claim`."""
    more = {} if CLAIM in {part.key for part in template.parts} else {CLAIM: _CLAIM}
    return _texts_shape("Parts", template.parts, **more)


@lru_cache(maxsize=64)
def post_shape(template: Template) -> type[Shape]:
    """Returns the shape with a text for each part of a review's post, and its `tags`."""
    return _texts_shape("Post", template.post, tags=(list[str], Field(min_length=1, max_length=20)))


@lru_cache(maxsize=64)
def _mark_shape(most: int) -> type[Shape]:
    fields: dict[str, Any] = {
        "quote": (str, Field("", max_length=_LONG_REASON, json_schema_extra=_keep)),
        "grounds": (_text(_LONG_REASON), ...),
        "points": (int, Field(ge=0, le=most, strict=True)),
    }
    return create_model(f"MarkOf{most}", __base__=Shape, **fields)


def _texts_shape(name: str, sections: tuple[Section, ...], **more: Any) -> type[Shape]:
    fields: dict[str, Any] = {section.key: (_part(section.most), ...) for section in sections}
    return create_model(name, __base__=_Texts, **fields, **more)
