"""Parameters that have one of a few values: `language=ko&front_matter=jekyll`."""

from collections.abc import Mapping, Sequence
from urllib.parse import unquote_plus

from core.domain.errors import QueryError


def read_options(raw: str, allowed: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Read a query string of which only the names in `allowed` are known, with the values there.

    Raises `QueryError` for all else.
    """
    found: dict[str, str] = {}
    for token in (unquote_plus(part) for part in raw.split("&") if part):
        name, equals, value = (part.strip() for part in token.partition("="))
        if not equals or name not in allowed:
            raise QueryError(token, "there is no such parameter here", tuple(allowed))
        if name in found:
            raise QueryError(token, f"{name} is there twice", ())
        if value not in allowed[name]:
            raise QueryError(token, f"{value!r} is no {name.replace('_', ' ')}", tuple(allowed[name]))
        found[name] = value
    return found
