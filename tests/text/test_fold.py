"""Folding keeps every character's place; words begin and end where readers see it."""

from hypothesis import given
from hypothesis import strategies as st

from core.text.fold import fold, is_whole
from tests.support.invented import tricky
from tests.support.tables import each_row


@given(st.text() | tricky | st.text(st.characters(max_codepoint=127)))
def test_fold_keeps_length(text: str) -> None:
    """Folded text is as long as the text, so that offsets in one are offsets in the other."""
    assert len(text) == len(fold(text))


def test_fold_keeps_the_length_of_every_character() -> None:
    """No character of the planes of Unicode that have letters grows or vanishes when folded."""
    chars = [chr(code) for code in range(1, 0x33000)]
    folded = fold("\0".join(chars)).split("\0")
    changed = [hex(ord(char)) for char, one in zip(chars, folded, strict=True) if len(one) != 1]
    assert changed == []


@given(st.text(), st.text() | tricky)
def test_fold_goes_by_character(one: str, other: str) -> None:
    """What a character is folded to does not depend on the text around it."""
    assert fold(one) + fold(other) == fold(one + other)


@each_row("space", [*" \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f", "\x85", "\xa0", "\u2003", "\u2028", "\u3000"])
def test_white_space_is_a_space(space: str) -> None:
    """Every kind of white space is a space, in plain text as beside letters with accents."""
    assert (fold(f"KV{space}cache"), fold(f"KV{space}cache é")) == ("kv cache", "kv cache e")


@each_row(
    ("text", "expected"),
    [
        ("", ""),
        ("LLM", "llm"),
        ("Fine-Tuning", "fine tuning"),
        ("Fine–Tuning—of‐all‑kinds−é", "fine tuning of all kinds e"),
        ("two\nlines\tand a tab", "two lines and a tab"),
        ("Résumé ÀÉÎÕÜ", "resume aeiou"),
        ("naïve İstanbul", "naive istanbul"),
        ("Åse Łódź Øst", "ase lodz ost"),
        ("Işık Đuro ħ", "isik duro h"),
        ("Green’s ‘x′", "green's 'x'"),
        ("ΑΣ Ω", "ας ω".replace("ς", "σ")),
        ("Straße ẞ", "straße ß"),
        ("x² ﬁt …", "x2 ﬁt …"),
        ("中文 한국어 😀", "中文 한국어 😀"),
        ("a_b.c,d;e/f(g)", "a_b.c,d;e/f(g)"),
    ],
)
def test_fold(text: str, expected: str) -> None:
    """Case, accents and dashes are folded; letters of their own, ligatures and marks stay."""
    assert expected == fold(text)


@each_row(
    ("text", "part", "expected"),
    [
        ("rl", "rl", True),
        ("an rl agent", "rl", True),
        ("(rl)", "rl", True),
        ("rl.", "rl", True),
        ("world", "rl", False),
        ("rlhf", "rl", False),
        ("url", "rl", False),
        ("2rl", "rl", False),
        ("rl2", "rl", False),
        ("rl_2", "rl", False),
        ("_rl", "rl", False),
        ("érl", "rl", False),
        ("rlé", "rl", False),
        ("中rl", "rl", False),
        ("rl😀", "rl", True),
        ("c++11", "c++", True),
        ("objective-c++", "c++", True),
        ("xc++", "c++", False),
        ("a.net", ".net", True),
        ("anet", "net", False),
        ("kv cache", "kv cache", True),
        ("kv caches", "kv cache", False),
    ],
)
def test_is_whole(text: str, part: str, expected: bool) -> None:
    """A part is whole unless a letter, a digit or an underscore goes on beyond its first or last one."""
    start = text.index(part)
    assert expected is is_whole(text, start, start + len(part))
