"""One paper's summary by a template: reads the stored one, or makes one at the owner's command."""

import asyncio

from core.archive import Archive
from core.archive.analyses import SummaryKey
from core.config.models import models_of
from core.config.settings import Settings
from core.jobs.feed_date import summary_key
from core.jobs.review import longest_text, read_text
from core.jobs.session import open_session
from core.llm.answers import read_summary
from core.llm.base import Usage, tokens_of
from core.llm.extractive import extract
from core.llm.prompts import ask_summary, summary_fingerprint
from core.llm.templates import EXTRACT, get_template
from core.model.paper import Paper
from core.model.rubric import INPUTS
from core.model.summary import Summary

_STEP = "summarise"


async def stored_summary(
    archive: Archive, settings: Settings, paper: Paper, name: str, language: str
) -> Summary | None:
    """Returns the stored summary by the configured model, preferably of the full text, None if there is none.

    An extract is made on demand, without a model. Raises `UnknownName` and `StoreError`.
    """
    template = get_template(name)
    if name == EXTRACT:
        return extract(paper, language)
    model = models_of(settings).get(_STEP, "")
    wanted = [
        SummaryKey(paper.versioned, name, language, summary_fingerprint(template, language, model, kind))
        for kind in reversed(INPUTS)
    ]
    found = await archive.analyses.find(wanted)
    summaries = (found[key] for key in wanted if key in found)
    return next((summary for summary in summaries if isinstance(summary, Summary)), None)


async def make_summary(
    archive: Archive, settings: Settings, paper: Paper, name: str, language: str, *, seconds: float
) -> Summary | None:
    """Returns the stored summary, else makes and stores one. Returns None if another process is making it.

    Raises `ConfigError` without a model, `ModelError`, `StoreError` and `UnknownName`.
    """
    if known := await stored_summary(archive, settings, paper, name, language):
        return known
    template = get_template(name)
    async with (
        open_session(settings, archive, seconds=seconds) as session,
        archive.analyses.summarising(paper.versioned, name, language) as put,
    ):
        if put is None:
            return None
        text = await read_text(archive, settings, paper, full=False)
        given = (template, language, paper, text)
        answer = await session.ask(await asyncio.to_thread(ask_summary, *given))
        summary = await asyncio.to_thread(read_summary, answer, *given)
        await put(summary_key(paper, summary, session.model.name(_STEP)), summary)
        return summary


def summary_usage(name: str, language: str, characters: int) -> Usage:
    """Returns the usage of a summary by the template `name`, of a text that fills `characters`."""
    paper = Paper("0000.00000", 1, "", "", (), ())
    ask = ask_summary(get_template(name), language, paper, longest_text(characters)).within(characters)
    return Usage(tokens_of(ask.system) + tokens_of(ask.user), ask.most_tokens, 1)
