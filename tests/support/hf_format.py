"""Hugging Face's daily papers, in exactly the format in which it serves them."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tests.support.arxiv_format import Sheet


@dataclass(frozen=True)
class Picked:
    """An invented paper as Hugging Face picked it. `more` goes to its `paper`, before what is there by itself."""

    sheet: Sheet
    upvotes: int = 10
    repo: str = ""
    more: dict[str, Any] = field(default_factory=dict)


def daily(picked: Iterable[Picked], day: date) -> bytes:
    """The document that /api/daily_papers?date=… serves."""
    return json.dumps([item(one, day) for one in picked], separators=(",", ":"), ensure_ascii=False).encode()


def item(picked: Picked, day: date) -> dict[str, Any]:
    """One element of that document."""
    sheet = picked.sheet
    by = {"_id": "65f0c0ffee0000000000aaaa", "fullname": "Sample Reader", "name": "sample-reader", "type": "user"}
    code = {"githubRepo": picked.repo, "githubRepoAddedBy": "user", "githubStars": 5} if picked.repo else {}
    paper = {
        "id": sheet.id,
        "authors": [
            {"_id": f"65f0c0ffee{number:014x}", "name": name.partition(" (")[0], "hidden": False}
            for number, name in enumerate(re.split(r", (?![^()]*[)])", sheet.creator))
        ],
        "publishedAt": f"{sheet.submitted or day:%Y-%m-%d}T00:00:00.000Z",
        "submittedOnDailyAt": f"{day}T00:00:00.000Z",
        "title": sheet.title,
        "submittedOnDailyBy": by,
        "summary": sheet.abstract,
        "upvotes": picked.upvotes,
        "discussionId": "65f0c0ffee0000000000bbbb",
    }
    return {
        "paper": paper | code | picked.more,
        "publishedAt": f"{sheet.submitted or day:%Y-%m-%d}T20:00:00.000Z",
        "title": sheet.title,
        "summary": sheet.abstract,
        "thumbnail": f"https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/{sheet.id}.png",
        "numComments": 2,
        "submittedBy": by | {"isPro": False, "isHf": False, "isMod": False},
        "isAuthorParticipating": False,
    }
