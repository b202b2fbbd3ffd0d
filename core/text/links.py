"""Addresses that a paper itself names: what a model writes about it may link to no others."""

import re
from collections.abc import Iterable
from urllib.parse import quote

_HOSTS = frozenset({"arxiv.org", "www.arxiv.org", "doi.org", "dx.doi.org"})
_ADDRESS = re.compile(r"(?<![\w.-])(?:https?://)?[\w-]+(?:\.[\w-]+)+(?:/[^\s<>\"'`]*)?")
_HTTP = re.compile(r"https?://", re.IGNORECASE)
_PLAIN_URL = re.compile(r"https?://[\w.~:/?#\[\]!$&'()*+,;=%-]+", re.ASCII | re.IGNORECASE)  # no @, no \
_TRAILING = ".,;:!?)]}'\"/"


def addresses(text: str, urls: Iterable[str]) -> frozenset[str]:
    """The addresses that `text` names, and `urls`, each without its scheme, so that spellings compare."""
    return frozenset(_bare(url) for url in (*_ADDRESS.findall(text), *urls))


def is_known(url: str, known: frozenset[str]) -> bool:
    """Whether `url` is one of the `known` addresses, in whatever spelling."""
    return bool(_PLAIN_URL.fullmatch(url)) and _bare(url) in known


def may_lead_to(url: str, known: frozenset[str]) -> bool:
    """Whether a link may lead to `url`: to a known address, to arXiv, or to a DOI."""
    return is_known(url, known) or (bool(_PLAIN_URL.fullmatch(url)) and _bare(url).partition("/")[0] in _HOSTS)


def _bare(url: str) -> str:
    """An address without its scheme and what a sentence puts behind it, in ASCII, so that spellings compare."""
    host, slash, path = _HTTP.sub("", url).rstrip(_TRAILING).partition("/")
    return host.lower() + slash + quote(path, safe="%/?#[]!$&'()*+,;=:@~-._")
