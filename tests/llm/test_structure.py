"""JSON in what models say: where it is found, and where it is not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.llm.reading import cut_at_sentence, is_in, without_thoughts
from core.llm.structured import parts_shape, read_answer
from core.llm.templates import get_template
from core.model.errors import ModelError
from tests.support.asking import GOOD, Shape
from tests.support.tables import each_row

J = GOOD.model_dump_json()

FOUND = {
    "alone": J,
    "with space": f"\n  {J}\n",
    "in a fence": f"```json\n{J}\n```",
    "in a fence without a name": f"Here:\n```\n{J}\n```\nGood?",
    "amid prose": f"Here is the JSON: {J} I hope it helps.",
    "after braces": f"For the set {{x}} and {{}} I say {J}",
    "after another object": f'{{"draft": true}}\n{J}',
    "twice": f"{J}\n{J}",
    "before a broken one": f"{J}\n" + '{"score": ',
    "alone in a list": f"[{J}]",
    "with a trailing comma": J[:-1].replace("]", ",]") + ", }",
    "with a key that was not asked for": J[:-1] + ', "confidence": 0.9}',
    "with a key that was not asked for inside": J.replace('"kind"', '"note": [1], "kind"'),
    "wrapped lines": json.dumps(GOOD.model_dump(), indent=4),
}


@each_row("name", FOUND)
def test_objects_are_found(name: str) -> None:
    """An object that satisfies the shape is found, whatever is around it."""
    assert GOOD == read_answer(FOUND[name], Shape)


# Text → state, and what is said about it
NOT_FOUND = {
    "prose": ("A paper about things.", "not-json", "no JSON object"),
    "nothing but braces": ("{" * 10_000, "not-json", ""),
    "deep": ("[" * 100_000, "not-json", ""),
    "a list": (f"[{J}, {J}]", "not-json", ""),
    "a number": ("3", "not-json", ""),
    "a string": (json.dumps(J), "not-json", ""),
    "cut off": (J[:-20], "not-json", ""),
    "inside of one that is cut off": (f'{{"paper": {J}, "more": [{J}, {J}, {{"x', "not-json", ""),
    "inside of another": (f'{{"paper": {J}}}', "wrong-shape", "paper: Extra inputs"),
    "out of range": (J.replace("1", "9", 1), "wrong-shape", "score: Input should be less than or equal to 3"),
    "not a number": (J.replace("1", "NaN", 1), "wrong-shape", "score"),
    "refused": ("I'm sorry, but I can't help with that.", "refused", "I'm sorry"),
    "refused in Chinese": ("抱歉，我无法回答。", "refused", ""),
    "refused in Korean": ("죄송합니다. 도와드릴 수 없습니다.", "refused", ""),
    "sorry but not": (f'I\'m sorry, the first one was wrong. {{"score": 9}} {J[:-1]}', "wrong-shape", ""),
}


@each_row("name", NOT_FOUND)
def test_what_is_no_answer(name: str) -> None:
    """Everything else has a state, and words that a model could mend it by."""
    text, state, words = NOT_FOUND[name]
    with pytest.raises(ModelError) as raised:
        read_answer(text, Shape)
    assert (state, True) == (raised.value.state, words in str(raised.value))


def test_words_are_bounded() -> None:
    """An object that is wrong in a thousand ways is told about a few of them, without its own words."""
    text = json.dumps({f"hostile{number}" * 30: "<script>" for number in range(1000)})
    with pytest.raises(ModelError) as raised:
        read_answer(text, Shape)
    assert (True, False) == (len(str(raised.value)) < 1500, "<script>" in str(raised.value))


@given(st.text())
def test_any_text_is_read_or_has_a_state(text: str) -> None:
    """No text makes reading fail in another way."""
    with pytest.raises(ModelError) as raised:
        read_answer(text, Shape)
    assert raised.value.state in ("not-json", "wrong-shape", "refused")


@given(st.text(), st.text())
def test_any_text_around_an_object(before: str, after: str) -> None:
    """Prose without braces and quotes hides no object."""
    prose = [part.translate(str.maketrans("", "", '{}[]":,')) for part in (before, after)]
    assert GOOD == read_answer(f"{prose[0]} . {J} {prose[1]}", Shape)


THOUGHTS = {
    "<think>a</think>b": "b",
    "\n<thinking>a\n{}</thinking>\n\nb": "b",
    "<THINK>a</THINK><think>c</think>b": "b",
    "<thought>a</thought>\nb": "b",
    "[THINK]a[/THINK]b": "b",
    "◁think▷a◁/think▷b": "b",
    "<|begin_of_thought|>a<|end_of_thought|><|begin_of_solution|>b<|end_of_solution|>": "b",
    "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b<|return|>": "b",
    "a, and so on\n</think>\n\nb": "b",
    "<think>a": "",
    "b <think>a</think>": "b <think>a</think>",
    "The tag `</think>` ends a thought": "The tag `</think>` ends a thought",
    "  b\n": "b",
}


@each_row("text", THOUGHTS)
def test_thoughts_are_left_out(text: str) -> None:
    """What a model thinks aloud before its answer is none of it."""
    assert THOUGHTS[text] == without_thoughts(text)


# A text between the quotes of JSON, as it came → as it was meant
TEX = {
    r"$\\alpha$ and $\\theta$": r"$\alpha$ and $\theta$",
    r"$\alpha \in \mathcal{O}(n^2)$, 3\% better": r"$\alpha \in \mathcal{O}(n^2)$, 3\% better",
    r"$\theta$, $\frac{1}{2}$, \textbf{bold} $\nabla f$": r"$\theta$, $\frac{1}{2}$, \textbf{bold} $\nabla f$",
    r"$\beta \to \rho$, $x \ne \nu$": r"$\beta \to \rho$, $x \ne \nu$",
    r"one\ntwo\tthree \"four\" \u00e9 \/": 'one\ntwo\tthree "four" é /',
    r"first.\nto be\nnot to be\n\nmid": "first.\nto be\nnot to be\n\nmid",
    r"$\upsilon \{x\} \, y$": r"$\upsilon \{x\} \, y$",
    "a raw\nline break": "a raw\nline break",
}


@each_row("text", TEX)
def test_tex_in_json(text: str) -> None:
    """Formulas survive in JSON, whether their backslashes are escaped or not, and so do JSON's own escapes."""
    answer = read_answer(J.replace('"about":"One sentence."', f'"about":"{text}"'), Shape)
    assert isinstance(answer, Shape)
    assert TEX[text] == answer.about


# Language and text → whether the text can be in that language
LANGUAGE = {
    ("en", "A cache."): True,
    ("en", "缓存。"): False,
    ("en", "The cache (缓存) moves keys to flash."): True,
    ("ko", "缓存을 옮긴다 缓存缓存缓存"): False,
    ("ko", "flash cache로 KV cache를 옮긴다."): True,
    ("ko", "A cache moves keys to flash."): False,
    ("zh", "用 flash 缓存 LLM 的 KV cache。"): True,
    ("zh", "A cache moves keys to flash."): False,
    ("zh", "1, 2, 3"): True,
    ("", "A cache."): True,
}


@each_row(("language", "text"), LANGUAGE)
def test_languages(language: str, text: str) -> None:
    """A text without the letters of its language is in another one; English terms may be many."""
    assert LANGUAGE[language, text] == is_in(language, text)


# Text and the most characters → what is kept
CUT = {
    ("One. Two. Three.", 16): "One. Two. Three.",
    ("One. Two. Three.", 12): "One. Two.",
    ("One two three four", 14): "One two…",
    ("Onetwothree", 6): "Onetw…",
    ("第一句。第二句。第三句", 9): "第一句。第二句。",
}


@pytest.mark.parametrize(("text", "most"), CUT)
def test_long_texts_are_cut(text: str, most: int) -> None:
    """A text is cut at the end of a sentence, or else of a word."""
    assert CUT[text, most] == cut_at_sentence(text, most)


def test_answers_are_not_refused_for_length() -> None:
    """A text that is longer than it may be is cut where a sentence ends."""
    shape = parts_shape(get_template("four-point"))
    part = get_template("four-point").parts[0]
    long = dict.fromkeys(shape.model_fields, "One sentence. " * 1000)
    kept = read_answer(json.dumps(long), shape).model_dump()[part.key]
    assert (True, True) == (len(kept) <= part.most, kept.endswith("sentence."))
