"""A process that asks many things at once, for tests with several: `python -m tests.support.budget_worker '{…}'`.

It says "ready". For each line, a moment, it asks at that moment, and prints how many answers and which failures there
were, as JSON. It ends with its input.
"""

import asyncio
import json
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from core.llm.base import Answer
from core.store.redis import RedisStore
from tests.support.asking import TEXT_ASK, Asking, outcome


async def _main(order: dict[str, Any]) -> None:
    store = RedisStore(order["redis"], connect_seconds=15, read_seconds=15)
    limits = {"daily": order["daily"], "monthly": order["monthly"]}
    await store.get("connects")
    _say("ready")
    for moment in map(str.strip, sys.stdin):
        model = Asking(order["url"], Path(), now=datetime.fromisoformat(moment), **limits).make(store)
        outcomes = await asyncio.gather(*(outcome(model, TEXT_ASK) for _ in range(order["asks"])))
        await model.close()
        counts = Counter("answer" if isinstance(one, Answer) else one.state for one in outcomes)
        _say(json.dumps(counts))
    await store.close()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_main(json.loads(sys.argv[1])))
