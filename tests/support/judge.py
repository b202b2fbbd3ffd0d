"""A model that judges invented papers by what their titles say: "Paper 3 worth 6" gets 6 of 8 points."""

import json
import re
from datetime import date
from typing import Any

from tests.support.arxiv_format import Sheet
from tests.support.latexml_format import LONG, article, section
from tests.support.model_server import ModelServer, filled
from tests.support.upstream import Upstream

DAY = date(2026, 3, 6)
RUBRIC = """
[feeds.main.rubric]
deep_at = 4
must_read_at = 5
review_at = 3
criteria = [
  { name = "Direct", max = 3, about = "Is it about storage?" },
  { name = "Algorithmic", max = 3 },
  { name = "Impact", max = 2 },
]
"""
INSTANCE = """
[instance]
retention_days = 7
"""
FEED = """
[feeds.main]
title = "Main"
categories = ["cs.LG"]
max_entries = 200
summary = "{summary}"
summaries = {summaries}
language = "{language}"
{more}
"""


def feeds(
    *,
    summary: str = "four-point",
    summaries: int = 5,
    rubric: str = RUBRIC,
    language: str = "en",
    more: str = "",
    instance: str = INSTANCE,
) -> str:
    """A feeds.toml with one feed, for a week: of a month all windows would be asked for."""
    return instance + FEED.format(summary=summary, summaries=summaries, language=language, more=more) + rubric


def sheets(*worth: int, start: int = 1) -> list[Sheet]:
    """Papers that are worth so many points; the first is the feed's best."""
    return [
        Sheet(f"2603.{start + n:05}", title=f"Paper {start + n} worth {points}", abstract=ABSTRACT.format(start + n))
        for n, points in enumerate(worth)
    ]


ABSTRACT = (
    "Models need memory, but memory is slow. Existing caches waste most of it. We propose method {0}, which places "
    "pages by their use. It is 3 times as fast as the best baseline. Code: https://github.com/sample/method{0}"
)


def texts(papers: list[Sheet]) -> dict[str, bytes]:
    """The papers as HTML, by their paths."""
    return {
        f"/html/{sheet.id}v1": article(section("Method", f"{LONG} Sample University. {sheet.title}."))
        for sheet in papers
    }


def judge() -> ModelServer:
    """The model, to be served."""
    return ModelServer(write=write)


def upstream(*worth: int) -> Upstream:
    """An upstream with papers that are worth so many points. There are no full texts of them: reading takes a while."""
    return Upstream(day=DAY, days={DAY: sheets(*worth)})


def write(request: dict[str, Any]) -> str:
    """The answer to a question."""
    value = filled(request["response_format"]["json_schema"]["schema"])
    worths = [int(worth) for _, worth, _ in all_asked(request)]
    for prediction, worth in zip((one for key, one in value.items() if key.startswith("paper_")), worths, strict=False):
        prediction["points"] = worth
    worth = worths[0]
    for mark, most in zip(value.get("marks", {}).values(), (3, 3, 2), strict=False):
        mark["points"] = min(worth, most)
        mark["quote"] = "models need memory, but memory is slow"
        worth -= mark["points"]
    if "institutions" in value:
        value |= {"institutions": ["Sample University", "Nowhere Institute"], "venue": "", "code": ""}
    text = json.dumps(value, ensure_ascii=False)
    in_korean = "Write in Korean" in request["messages"][0]["content"]
    return text.replace("One sentence.", "한 문장이다.") if in_korean else text


def asked(request: dict[str, Any]) -> tuple[str, str, str]:
    """About which paper a request asks first, what that is worth, and in which step."""
    return all_asked(request)[0]


def all_asked(request: dict[str, Any]) -> list[tuple[str, str, str]]:
    """About which papers a request asks, what they are worth, and in which step."""
    user = request["messages"][1]["content"]
    found = re.findall(r"Title: Paper (\d+) worth (\d+)", user)
    assert found, user
    properties = request["response_format"]["json_schema"]["schema"]["properties"]
    step = "analyse" if "marks" in properties else "screen" if "paper_1" in properties else "summarise"
    return [(paper, worth, step) for paper, worth in found]


def steps(model: ModelServer) -> dict[str, list[int]]:
    """The papers that were asked about, by step."""
    found: dict[str, list[int]] = {}
    for request in model.requests:
        for paper, _, step in all_asked(request):
            found.setdefault(step, []).append(int(paper))
    return {step: sorted(papers) for step, papers in sorted(found.items())}
