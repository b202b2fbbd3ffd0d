"""What a digest may be asked to be: `style=staged&language=ko&front_matter=jekyll`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_plus

from core.domain.digest import LANGUAGES, STYLES
from core.domain.errors import QueryError

FRONT_MATTERS = ("plain", "share", "jekyll", "hugo")
ALLOWED: Mapping[str, Sequence[str]] = {"style": STYLES, "language": LANGUAGES, "front_matter": FRONT_MATTERS}


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a digest shall be written; "" is as the feed's owner set it, or as the style has it."""

    style: str = ""
    language: str = ""
    front_matter: str = ""

    @property
    def canonical(self) -> str:
        """What was asked for, as a query in one spelling."""
        named = {name: getattr(self, name) for name in ALLOWED}
        return "&".join(f"{name}={value}" for name, value in named.items() if value)


def read_wanted(raw: str, names: Sequence[str] = tuple(ALLOWED)) -> Wanted:
    """Read a query string of which only `names` are known. Raises `QueryError` for all else."""
    found: dict[str, str] = {}
    for token in (unquote_plus(part) for part in raw.split("&") if part):
        name, equals, value = (part.strip() for part in token.partition("="))
        if not equals or name not in names:
            raise QueryError(token, "a digest takes no such parameter", tuple(names))
        if name in found:
            raise QueryError(token, f"{name} is there twice", ())
        if value not in ALLOWED[name]:
            raise QueryError(token, f"{value!r} is no {name.replace('_', ' ')}", tuple(ALLOWED[name]))
        found[name] = value
    return Wanted(**found)
