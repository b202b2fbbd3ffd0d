"""A feed's rules by a model: asked once, within the budget, at the owner's command. Any failure is none."""

import asyncio
import logging
from collections.abc import Sequence

from core.archive import Archive
from core.config.settings import Settings
from core.jobs.session import open_session
from core.llm.proposal import Asked, ask_rules, read_rules_of
from core.model.errors import PaperwireError
from core.model.votes import Reference

log = logging.getLogger("paperwire")
SECONDS = 30.0  # people wait


async def ask_for_rules(
    archive: Archive, settings: Settings, sentence: str, references: Sequence[Reference]
) -> Asked | None:
    """Returns the rules that a model proposes, None without a model or where it fails, which is logged."""
    if not settings.has_model:
        return None
    try:
        async with open_session(settings, archive, seconds=SECONDS, reserve=0.0) as session:
            answer = await session.ask(ask_rules(sentence, references))
        asked = await asyncio.to_thread(read_rules_of, answer.value)
    except PaperwireError as error:
        log.warning("no rules were proposed by the model: %s", error)
        return None
    return asked if asked.categories and asked.keywords else None
