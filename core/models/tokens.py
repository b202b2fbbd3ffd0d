"""How many tokens a text may be: no tokenizer is asked, as each model has its own, so rather too many than too few."""

import re
from collections.abc import Mapping
from typing import Any

import orjson

_PIECES = re.compile(r"[A-Za-z]{1,4}|\n|[^\sA-Za-z]")  # digits, signs and other scripts may be a token for each
_A_MESSAGE = 16  # what frames it


def tokens_of(text: str) -> int:
    """An estimate from above for most tokenizers: about 1.3 times what they make of English prose."""
    return sum(1 for _ in _PIECES.finditer(text))


def tokens_of_request(request: Mapping[str, Any]) -> int:
    """How many tokens a request has to be read: its messages, and the schema if there is one."""
    messages = request["messages"]
    words = sum(tokens_of(message["content"]) + _A_MESSAGE for message in messages)
    return words + tokens_of(orjson.dumps(request.get("response_format") or "").decode())
