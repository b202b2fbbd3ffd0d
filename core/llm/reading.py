r"""Parses the texts of models: removes thoughts, finds JSON and repairs small faults in it, and cuts long texts.

Models put TeX into JSON without escaping its backslashes. Some of it is no JSON then (`\alpha`), some is JSON with
another meaning: `\theta` is a tab and "heta". Commands of TeX are recognised by their names.
"""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

_MOST_STARTS = 50  # braces at which an object is looked for
_FENCE = re.compile(r"```[a-zA-Z]*\s*\n(.*?)```", re.DOTALL)
_INSIDE = re.compile(r"(\"\s*:|[,\[])\s*\Z")
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|[A-Za-z]+|.)", re.DOTALL)
_HEX = re.compile(r"u[0-9a-fA-F]{4}")
_STRING_OR_COMMA = re.compile(r'"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])', re.DOTALL)

# Commands of TeX that begin like an escape of JSON: \b, \f, \n, \r or \t
_COMMANDS = """
backslash bar because begin beta between big bigcap bigcup bigg bigl bigoplus bigotimes bigr bigwedge binom bm
boldsymbol bot bowtie boxed breve bullet flat forall frac frown nabla neq newline ngeq nleq nolimits nonumber norm not
notin rangle rbrace rceil rfloor rho right rightarrow rightharpoonup rtimes rvert tanh tau tbinom text textbf textit
textrm textsc texttt tfrac therefore theta thickapprox tilde times top triangle triangleq
"""
_COMMANDS_IN_FORMULAS = "bf ne neg nexists ni nmid nparallel nu re rm tan to tt"  # elsewhere they may be words
_TEX, _TEX_IN_FORMULAS = frozenset(_COMMANDS.split()), frozenset(_COMMANDS_IN_FORMULAS.split())

# How thoughts begin and end, by model: DeepSeek and Qwen, Mistral, Kimi, Seed, GPT-OSS
_NAMES = "think|thinking|thought|thoughts|reasoning|reflection|seed:think"
_OPEN = rf"<(?:{_NAMES})>|\[THINK\]|<\|begin_of_thought\|>|◁think▷|<\|channel\|>analysis<\|message\|>"
_CLOSE = rf"</(?:{_NAMES})>|\[/THINK\]|<\|end_of_thought\|>|◁/think▷|<\|channel\|>final<\|message\|>"
_THOUGHTS = re.compile(rf"\A\s*(?:{_OPEN}).*?(?:(?:{_CLOSE})|\Z)", re.DOTALL | re.IGNORECASE)
_CLOSING = re.compile(_CLOSE, re.IGNORECASE)
_BEGINNING_LOST = re.compile(rf"\A((?!{_OPEN}).)*?(?<!`)(?:{_CLOSE})", re.DOTALL | re.IGNORECASE)
_OTHER_MARKS = re.compile(r"<\|(?:begin|end)_of_solution\|>|<\|(?:end|return)\|>\s*\Z")

CLAIM_CHARACTERS = 110  # characters of the line that says what is new
_SENTENCE_END = re.compile(r"[.!?。！？](?=\s|\Z)|[。！？]|\n")
_CLAUSE_END = re.compile(
    r"[,;:](?=\s)|\s[–—-]\s|[，；：]|\s(?=(?:while|which|and|but|with|without|by|on|over|using)\s)"
)
_NO_WORDS = re.compile(r"```.*?```|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]*\$", re.DOTALL)
_SCRIPTS = {"ko": "[가-힣]", "zh": "[㐀-鿿]", "ja": "[\u3040-\u30ff]"}  # compiled at first use: they take 2 ms
_LEAST_OF_SCRIPT = {"ko": 0.1, "zh": 0.1}  # of the letters
_MOST_OF_OTHERS = {  # of other languages' scripts
    "en": {"ko": 0.2, "zh": 0.2, "ja": 0.2}, "ko": {"zh": 0.05, "ja": 0.03}, "zh": {"ko": 0.05, "ja": 0.05},
}  # fmt: skip
_LEAST_SHARE = 0.5  # of a text that is cut at the end of a sentence; else it is cut at a word


def without_thoughts(text: str) -> str:
    """Returns the answer without the thoughts before it; "" if the thoughts do not end."""
    before = None
    while before != text:
        before, text = text, _THOUGHTS.sub("", text)
    text = _BEGINNING_LOST.sub("", text) if _CLOSING.search(text) else text
    return _OTHER_MARKS.sub("", text).strip()


def find_objects(text: str) -> Iterator[dict[str, Any]]:
    """Yields the JSON objects in a text: the whole text, else those in code fences, else those in prose, in order."""
    text = _escape_tex(text)
    found = list(_objects(text))
    yield from found or _objects(_STRING_OR_COMMA.sub(lambda match: "" if match[0] == "," else match[0], text))


def is_in(language: str, text: str) -> bool:
    """Returns whether a text can be in a language, with technical terms in English. Formulas and code do not count."""
    text = _NO_WORDS.sub(" ", text)
    letters = sum(map(str.isalpha, text))
    shares = {name: len(re.findall(script, text)) / letters for name, script in _SCRIPTS.items()} if letters else {}
    if not shares:
        return True
    most = {name: share for name, share in _MOST_OF_OTHERS.get(language, {}).items() if shares[name] > share}
    return not most and (language not in _LEAST_OF_SCRIPT or shares[language] >= _LEAST_OF_SCRIPT[language])


def cut_at_sentence(text: str, most: int) -> str:
    """Returns `text` if it has at most `most` characters, else its beginning up to the end of a sentence or word."""
    if len(text) <= most:
        return text
    ends = [match.end() for match in _SENTENCE_END.finditer(text[:most])]
    if ends and ends[-1] >= most * _LEAST_SHARE:
        return text[: ends[-1]].rstrip()
    return f"{text[: most - 1].rpartition(' ')[0] or text[: most - 1]}…"


def cut_at_clause(text: str, most: int) -> str:
    """Returns the first sentence of a text, cut at a clause or word within `most` characters."""
    end = next((match.end() for match in _SENTENCE_END.finditer(text)), len(text))
    text = text[:end].strip()
    if len(text) <= most:
        return text
    ends = [match.start() for match in _CLAUSE_END.finditer(text[: most + 1])]
    if ends and ends[-1] >= most * _LEAST_SHARE:
        return text[: ends[-1]].rstrip()
    return f"{text[: most - 1].rpartition(' ')[0] or text[: most - 1]}…"


def _objects(text: str) -> Iterator[dict[str, Any]]:
    for candidate in (text, *_FENCE.findall(text)):
        whole = _loaded(candidate)
        if isinstance(whole, list) and len(whole) == 1:
            whole = whole[0]
        if isinstance(whole, dict):
            yield whole
            return
    end = 0
    for start in islice((match.start() for match in re.finditer("{", text)), _MOST_STARTS):
        # An object inside another one is not an answer, even if the outer one is incomplete
        if start < end or _INSIDE.search(text[max(start - 20, 0) : start]):
            continue
        try:
            found, end = json.JSONDecoder(strict=False).raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        yield found


def _loaded(text: str) -> Any:
    try:
        return json.loads(text, strict=False)  # with raw line breaks in texts
    except (ValueError, RecursionError):
        return None


def _escape_tex(text: str) -> str:
    """Returns the text with every backslash doubled that begins a TeX command, or is not a JSON escape."""
    out, end, dollars = [], 0, 0
    for match in _ESCAPE.finditer(text):
        dollars += text.count("$", end, match.start())
        out.append(text[end : match.start()])
        out.append(match[0] if _is_escape(match[0][1:], in_formula=dollars % 2 == 1) else f"\\{match[0]}")
        end = match.end()
    return "".join([*out, text[end:]])


def _is_escape(name: str, *, in_formula: bool) -> bool:
    """Returns whether a backslash with `name` is a JSON escape."""
    if name[0] not in "bfnrtu" or not name.isascii():
        return name in '"\\/'
    if name[0] == "u":
        return bool(_HEX.fullmatch(name))
    return name not in _TEX and not (in_formula and name in _TEX_IN_FORMULAS)
