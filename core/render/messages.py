"""The fixed sentences of digests and reviews, by their keys, in each language: `messages.toml`, read when needed."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

Sentences = Mapping[str, str]
_PATH = Path(__file__).with_name("messages.toml")
_OTHERWISE = "en"


@cache
def messages(document: str, language: str) -> Sentences:
    """The sentences of a `document` ("digest", "review", "evidence"); English where the language is another one."""
    return {key: texts.get(language, texts[_OTHERWISE]) for key, texts in _tables()[document].items()}


@cache
def _tables() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    return tomllib.loads(_PATH.read_text("utf-8"))
