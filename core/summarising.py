"""One paper's summary by a template, on the owner's command: what is stored of it, and how it is made."""

import asyncio
from collections.abc import Iterator

from core.domain.paper import Paper
from core.domain.rubric import INPUTS
from core.domain.summary import Summary
from core.domain.template import Template
from core.llm import models_of
from core.models.answers import read_summary
from core.models.extract import extract
from core.models.prompts import ask_summary, summary_fingerprint
from core.models.templates import EXTRACT, get_template
from core.reviewing import read_text, the_model
from core.store import keys
from core.store.codec import decode_as, encode
from core.store.lock import holding
from core.wire import Wire

_STEP = "summarise"


async def stored_summary(wire: Wire, paper: Paper, name: str, language: str) -> Summary | None:
    """What is stored of a paper's summary, read from its full text if there is one of that; None if there is none.

    An extract is made at once: no model is asked for it. Raises `UnknownName` for a template that there is not.
    """
    template = get_template(name)
    if name == EXTRACT:
        return extract(paper, language)
    found = await wire.store.get_many(list(_keys(wire, paper, template, language)))
    return next((decode_as(Summary.from_plain, data) for data in found if data), None)


async def make_summary(wire: Wire, paper: Paper, name: str, language: str, *, seconds: float) -> Summary | None:
    """The stored summary, or else what the model makes of the paper's text, stored. None: another process is at it.

    Raises `ConfigError` without a model, `ModelError`, `StoreError` and `UnknownName`.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    if known := await stored_summary(wire, paper, name, language):
        return known
    template = get_template(name)
    async with (
        the_model(wire) as model,
        holding(wire.store, keys.summary_lock(paper.versioned, name, language)) as lock,
    ):
        if lock is None:
            return None
        text = await read_text(wire, paper, full=False)
        full = "" if text.input == "abstract" else text.text
        ask = ask_summary(template, language, paper, full, text.input)
        answer = await model.ask(ask, deadline=deadline)
        summary = read_summary(answer.value, template, language, paper, full, text.input, answer.model)
        fingerprint = summary_fingerprint(template, language, model.name(_STEP), text.input)
        key = keys.summary(paper.versioned, name, language, fingerprint)
        await lock.commit({key: (encode(summary.to_plain()), keys.WRITTEN_SECONDS)}, release=True)
        return summary


def _keys(wire: Wire, paper: Paper, template: Template, language: str) -> Iterator[str]:
    """Where summaries by the configured model may be stored, the best ones first."""
    model = models_of(wire.settings).get(_STEP, "")
    for kind in reversed(INPUTS):
        yield keys.summary(
            paper.versioned, template.name, language, summary_fingerprint(template, language, model, kind)
        )
