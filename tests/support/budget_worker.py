"""A process that asks many things at once, for tests with several: `python -m tests.support.budget_worker '{…}'`.

It says "ready", waits for a line, and prints how many answers and which failures there were, as JSON.
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


async def _main(order: dict[str, Any]) -> Counter[str]:
    store = RedisStore(order["redis"], connect_seconds=15, read_seconds=15)
    limits = {"daily": order["daily"], "monthly": order["monthly"]}
    model = Asking(order["url"], Path(), now=datetime.fromisoformat(order["now"]), **limits).make(store)
    await store.get("connects")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    try:
        outcomes = await asyncio.gather(*(outcome(model, TEXT_ASK) for _ in range(order["asks"])))
        return Counter("answer" if isinstance(one, Answer) else one.state for one in outcomes)
    finally:
        await model.close()
        await store.close()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_main(json.loads(sys.argv[1])))))
