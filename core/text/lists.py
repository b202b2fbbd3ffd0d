"""Lists as people write them: parts between commas or line breaks, in double quotes where they hold such themselves."""

import re

# In quotes, where a quote is written twice; or up to the next comma or line break
_PART = re.compile(r'[^\S\r\n]*("(?:[^"]|"")*"[^,\r\n]*|[^,\r\n]*)(?:[,\r\n]|\Z)')
_QUOTED = re.compile(r'"((?:[^"]|"")*)"(?!")(.*)', re.DOTALL)
_SEPARATORS = re.compile(r'[,"\r\n]')


def split_list(text: str) -> list[str]:
    """The parts of a list, each once, without empty ones; what is in quotes is taken as it stands.

    What follows closing quotes belongs to the part: `"a, b":3`. Raises `ValueError` for quotes without an end.
    """
    return list(dict.fromkeys(part for part in map(_unquoted, _PART.findall(text)) if part.strip()))


def quoted(part: str) -> str:
    """A part in such a way that `split_list` finds just it."""
    if _SEPARATORS.search(part) or part != part.strip():
        return '"' + part.replace('"', '""') + '"'
    return part


def _unquoted(part: str) -> str:
    if match := _QUOTED.fullmatch(part):
        return match[1].replace('""', '"') + match[2].rstrip()
    if part.startswith('"'):
        raise ValueError(f"the quotation mark before {part[1:].strip()!r} is not closed")
    return part.strip()
