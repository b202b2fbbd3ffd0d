"""Writing TOML: tables of strings, numbers, truths, and lists of them."""

import json
from collections.abc import Mapping
from typing import Any

_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def to_toml(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """The text of a TOML file with these `tables`, by their dotted names, which have to be bare keys."""
    return "\n\n".join(_table(name, values) for name, values in tables.items()) + "\n"


def _table(name: str, values: Mapping[str, Any]) -> str:
    lines = [f"{_key(key)} = {_value(value)}" for key, value in values.items()]
    return "\n".join([f"[{name}]", *lines])


def _key(key: str) -> str:
    return key if key and set(key) <= _BARE else _value(key)


def _value(value: Any) -> str:
    """JSON's strings and numbers are TOML's too, but for one character."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
