"""Papers of two topics that a reader can like and dislike, and a filling of papers about other things."""

import random

from tests.support.arxiv_format import Sheet

CACHES = (
    "prefill scheduling",
    "key value eviction",
    "decode batching",
    "paged attention",
    "prefix sharing",
    "token reuse",
)
ROBOTS = (
    "gripper policy",
    "tactile sensing",
    "legged locomotion",
    "contact planning",
    "grasp synthesis",
    "arm control",
)
OTHERS = ("protein folding", "galaxy lensing", "graph coloring", "speech enhancement", "crop yield", "credit risk")
_FILL = (
    "benchmark", "latency", "throughput", "accuracy", "robustness", "training", "memory", "theory", "estimation",
    "sampling",
)  # fmt: skip


def topic(number: int, words: tuple[str, ...], *, day: int = 0, more: str = "") -> Sheet:
    """A paper whose title and abstract speak of two of the `words`."""
    dice = random.Random(number)
    one, two = dice.sample(words, 2)
    title = f"{more}{one.capitalize()} with {two}: {dice.choice(_FILL)} {number}"
    abstract = f"This concerns {one} and {two}, {dice.choice(_FILL)}, {dice.choice(_FILL)} and {dice.choice(words)}."
    return Sheet(id=f"2603.{10000 + day * 1000 + number}", title=title, abstract=abstract, categories=("cs.LG",))


def a_day(day: int, count: int = 60) -> list[Sheet]:
    """A day of papers: of each topic a third."""
    sheets = []
    for number in range(count):
        words = (CACHES, ROBOTS, OTHERS)[number % 3]
        sheets.append(topic(number, words, day=day))
    return sheets
