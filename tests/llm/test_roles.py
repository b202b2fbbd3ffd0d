"""Sentences of abstracts, and which of them says what."""

from hypothesis import given
from hypothesis import strategies as st

from core.llm.extractive import by_role, sentences
from tests.support.tables import each_row

SPLIT = {
    "One is here. Two is there.": ["One is here.", "Two is there."],
    "Sample et al. Show little. We do more.": ["Sample et al. Show little.", "We do more."],
    "It is fast, i.e. It is 2.5 times faster. See Fig. 3 for more.": [
        "It is fast, i.e. It is 2.5 times faster.", "See Fig. 3 for more.",
    ],
    "Caches vs. Buffers: caches win. vLLM agrees.": ["Caches vs. Buffers: caches win.", "vLLM agrees."],
    "They miss much.In this work, we do not.": ["They miss much.", "In this work, we do not."],
    "Is it so? Yes, it is so! (Mostly.)": ["Is it so?", "Yes, it is so!", "(Mostly.)"],
    "We do it (e.g. In caches. And more) often. It works.": [
        "We do it (e.g. In caches. And more) often.", "It works.",
    ],
    "(1) Detect. We look for faults. (2) Restart. We restart it.": [
        "(1) Detect. We look for faults.", "(2) Restart. We restart it.",
    ],
    "  White\n space \t is made single.  $x$ is next. ": ["White space is made single.", "$x$ is next."],
    "No end": ["No end"],
    "": [],
}  # fmt: skip
P, L, M, E = (
    "Reading from flash is a critical bottleneck of training.",
    "However, existing caches fail to see the order of reads, and most approaches rely on manual tuning.",
    "To address this, we propose FlashOrder, a novel cache that learns the order of reads.",
    "Experiments show that FlashOrder reduces read time by 41% compared with LRU.",
)
CONTEXT = "Training reads many files."
CODE = "Our code is available at https://github.com/sample/order."
TABLE: dict[str, tuple[list[str], dict[str, int]]] = {
    "as usual": ([P, L, M, E], {"problem": 0, "limits": 1, "method": 2, "effect": 3}),
    "with more around": (
        [CONTEXT, P, L, M, "It has two parts.", E, CODE], {"problem": 1, "limits": 2, "method": 3, "effect": 5},
    ),
    "method only": ([M], {"method": 0}),
    "method first": ([M, E], {"method": 0, "effect": 1}),
    "no effect": ([P, M, CODE], {"problem": 0, "method": 1}),
    "no method": ([CONTEXT], {}),
    "no limits": ([P, M, E], {"problem": 0, "method": 1, "effect": 2}),
    "limits alone": ([L, M, E], {"limits": 0, "method": 1, "effect": 2}),
    "nobody's limits are the problem": (
        ["Models write well, yet they remain unreliable in storage.", M, E], {"problem": 0, "method": 1, "effect": 2},
    ),
    "limits said of others afterwards": (
        [P, M, "Unlike greedy caches that ignore order, FlashOrder keeps it.", E],
        {"problem": 0, "limits": 2, "method": 1, "effect": 3},
    ),
    "the first of two methods": (
        [P, M, "Building on it, we propose a scheduler.", E], {"problem": 0, "method": 1, "effect": 3},
    ),
    "figures before phrases": (
        [M, "Experiments demonstrate its efficacy.", "It achieves a 3.2x speed-up over the baseline and saves memory."],
        {"method": 0, "effect": 2},
    ),
    "passive": (
        [P, "FlashOrder is a lightweight caching framework that introduces learned order.", E],
        {"problem": 0, "method": 1, "effect": 2},
    ),
    "a study": (
        [P, "This paper investigates why caches are slow.", "Our results reveal that order matters most."],
        {"problem": 0, "method": 1, "effect": 2},
    ),
}  # fmt: skip


@each_row("text", SPLIT)
def test_sentences(text: str) -> None:
    """Sentences end where a reader sees them end."""
    assert SPLIT[text] == sentences(text)


@given(st.text("Aa. e.g!?()\n1", max_size=80))
def test_sentences_lose_nothing(text: str) -> None:
    """All that there is to read is in one of the sentences."""
    assert "".join(text.split()) == "".join("".join(sentences(text)).split())


@each_row("name", TABLE)
def test_roles(name: str) -> None:
    """Each role goes to the sentence that fits it, and to none where none does."""
    found, expected = TABLE[name]
    assert expected == by_role(found)


@given(st.lists(st.sampled_from([P, L, M, E, CONTEXT, CODE, "", "…"]), max_size=50))
def test_no_sentence_has_two_roles(found: list[str]) -> None:
    """Whatever there is to choose from, a sentence serves one role, and roles name sentences."""
    chosen = by_role(found)
    assert set(chosen) <= {"problem", "limits", "method", "effect"}
    assert len(chosen) == len(set(chosen.values()))
    assert all(0 <= at < len(found) for at in chosen.values())
