"""What the tests of reviews share: an invented paper with its text, a model that answers on it, and how to run them."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from core.app import Paperwire
from core.config.settings import Settings
from core.jobs.review import Outcome, carry_out, plan_review
from core.llm.templates import get_template
from core.model.paper import parse_id
from core.util.log import NO_PROGRESS
from tests.api import make_settings
from tests.support import latexml_format, model_server, upstream
from tests.support.arxiv_format import Sheet
from tests.support.model_server import MODEL, ModelServer, filled
from tests.support.upstream import Upstream

T = TypeVar("T")
TEMPLATE = get_template("review", "review")
KEYS = tuple(part.key for part in TEMPLATE.parts)
NUMBERS = {key: at + 1 for at, key in enumerate(KEYS)}
POST = "post"
ID = "2603.90045"
PAPER = Sheet(
    id=ID,
    title="Flash tiers for key-value caches",
    abstract="We move cold keys to flash: reads become 3.5x faster. Code: https://github.com/sample/tiers",
    creator="First Sample, Second Sample",
    categories=("cs.DC", "cs.LG"),
)
WITHDRAWN = Sheet(
    id="2603.90046", version=2, abstract="This paper has been withdrawn.", comment="Withdrawn by the authors"
)
HTML = latexml_format.article(
    latexml_format.section("Method", f"<p>{latexml_format.LONG}</p>"),
    latexml_format.section(
        "Results",
        "<p>Reads are 3.5x faster on one SSD: 0.1 ms from DRAM, 0.9 ms from flash, in 10, 11 or 12 runs.</p>",
    ),
)
NOW = datetime(2026, 3, 6, 17, tzinfo=UTC)
_LANGUAGES = {"Korean": "ko", "Simplified Chinese": "zh", "English": "en"}
# What the model says to a question, by language; with a table, a formula, its own heading, and addresses of others
_ANSWERS = {
    "en": "# Finding {n}\n\nOn *{key}*: cold keys go to flash ($t < 1$ ms), see "
    "[code](https://github.com/sample/tiers) and [more](https://evil.example/x).\n\n"
    "| Tier | Latency |\n|---|---|\n| DRAM | 0.1 ms |\n| Flash | 0.9 ms |",
    "ko": "{n}번째 답 (*{key}*): 차가운 key를 flash로 옮긴다 ($t < 1$ ms).\n\n"
    "- DRAM은 0.1 ms이다.\n- Flash는 0.9 ms이다.",
    "zh": "第 {n} 个回答（*{key}*）：冷 key 移到 flash（$t < 1$ ms）。\n\n1. DRAM 为 0.1 ms。\n2. Flash 为 0.9 ms。",
}
_POSTS = {
    "en": ("Flash holds cold keys at {{ half }} the price", "Moving cold keys to flash makes reads **3.5x** faster."),
    "ko": ("차가운 key를 flash에 두는 캐시", "차가운 key를 flash로 옮기면 읽기가 **3.5배** 빨라진다."),
    "zh": ("把冷 key 放进 flash 的缓存", "把冷 key 移到 flash 后，读取速度提高到 **3.5 倍**。"),
}


def asked(request: dict[str, Any]) -> str:
    """Which question a request asks: its key, or `POST`."""
    user = request["messages"][1]["content"]
    return next((part.key for part in TEMPLATE.parts if f"The question: {part.ask}" in user), POST)


def speak(request: dict[str, Any]) -> str:
    """The answer to a question of a review, or its post."""
    system = request["messages"][0]["content"]
    language = next(code for name, code in _LANGUAGES.items() if f"Write in {name}" in system)
    key = asked(request)
    if key != POST:
        return _ANSWERS[language].format(n=NUMBERS[key], key=key)
    if "response_format" not in request:
        return "A text is no post."
    title, text = _POSTS[language]
    value = filled(request["response_format"]["json_schema"]["schema"])
    return json.dumps(
        {name: f"{text} ({name})" for name in value} | {"title": title, "tags": ["Flash", "KV cache", "flash"]}
    )


@dataclass
class Reviewing:
    """A store in a folder, the stand-ins for arXiv and for the model, and settings for all that."""

    folder: Path
    arxiv: Upstream
    model: ModelServer
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def options(self) -> dict[str, Any]:
        """What is set beside the defaults of the tests."""
        return {
            "arxiv_rss_url": self.arxiv.url,
            "replay_gate_seconds": 0,
            "now": NOW,
            "llm_base_url": self.model.url,
            "llm_model": MODEL,
            "llm_price_prompt": 2.0,
            "llm_price_completion": 10.0,
            **self.more,
        }

    @property
    def settings(self) -> Settings:
        """The settings."""
        return make_settings(self.folder, **self.options)

    @property
    def env(self) -> dict[str, str]:
        """The same for a process of its own."""
        named = {name.upper(): str(value) for name, value in self.options.items()}
        return named | {"SQLITE_PATH": str(self.folder / "store.sqlite3"), "NOW": NOW.isoformat()}

    @property
    def asked(self) -> list[str]:
        """What the model was asked, in order."""
        return [asked(request) for request in self.model.requests]

    def run(self, work: Callable[[Paperwire], Awaitable[T]]) -> T:
        """What comes of `work` with a wire of its own."""

        async def main() -> T:
            wire = Paperwire(self.settings)
            try:
                return await work(wire)
            finally:
                await wire.close()

        return asyncio.run(main())

    def review(self, paper: str = ID, language: str = "en", seconds: float = 60) -> Outcome:
        """The outcome of one run."""

        async def work(wire: Paperwire) -> Outcome:
            plan = await plan_review(wire.archive, wire.settings, wire.paper, parse_id(paper), language, NO_PROGRESS)
            outcome = await carry_out(wire.archive, wire.settings, plan, seconds=seconds, progress=NO_PROGRESS)
            assert outcome is not None
            return outcome

        return self.run(work)


@contextmanager
def reviewing(folder: Path, **more: Any) -> Iterator[Reviewing]:
    """The stand-ins, running: arXiv has the paper with its HTML, and the model answers on it."""
    arxiv = Upstream(sheets=[PAPER, WITHDRAWN], texts={f"/html/{ID}v1": HTML})
    with upstream.serving(arxiv), model_server.serving(ModelServer(write=speak)) as model:
        yield Reviewing(folder, arxiv, model, more)
