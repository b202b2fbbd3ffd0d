"""Lists as people write them: parts between commas or line breaks, in double quotes where they hold such themselves."""

import re

# Up to the next comma or line break outside of quotes, which begin where a word does; there a quote is written twice
_PART = re.compile(r'[^\S\r\n]*((?:(?<![^\s:(,])"(?:[^"]|"")*"|[^,\r\n])*)(?:[,\r\n]|\Z)')
_QUOTED = re.compile(r'"((?:[^"]|"")*)"(?!")(.*)', re.DOTALL)
_SEPARATORS = re.compile(r'[,"\r\n]')


def split_list(text: str, *, rules: bool = False) -> list[str]:
    """The parts of a list, each once, without empty ones; what is in quotes is taken as it stands.

    What follows closing quotes belongs to the part: `"a, b":3`. Quotes mean something to `rules`, and stay on them
    where the list has no need of them: `"KV cache":3`. Raises `ValueError` for quotes without an end.
    """
    parts = (_unquoted(part, rules=rules) for part in _PART.findall(text))
    return list(dict.fromkeys(part for part in parts if part.strip()))


def quoted(part: str, *, rules: bool = False) -> str:
    """A part in such a way that `split_list` finds just it."""
    if _stands_alone(part) if rules and '"' in part else not _needs_quotes(part):
        return part
    return '"' + part.replace('"', '""') + '"'


def _stands_alone(rule: str) -> bool:
    try:
        return split_list(rule, rules=True) == [rule]
    except ValueError:  # a quote without an end
        return False


def _needs_quotes(part: str) -> bool:
    return bool(_SEPARATORS.search(part)) or part != part.strip()


def _unquoted(part: str, *, rules: bool) -> str:
    part = part.strip()
    if match := _QUOTED.fullmatch(part):
        if rules and not _needs_quotes(match[1]):
            return part
        return match[1].replace('""', '"') + match[2].rstrip()
    if part.startswith('"'):
        raise ValueError(f"the quotation mark before {part[1:].strip()!r} is not closed")
    return part
