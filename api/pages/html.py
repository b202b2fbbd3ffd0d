"""Pages as HTML: the templates, and the functions that they may call.

This is loaded at the first request for a page: feeds do not need it.
"""

import asyncio
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import jinja2
from fastapi import Request
from fastapi.responses import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.bccache import Bucket, BytecodeCache
from jinja2.runtime import Context
from markupsafe import Markup, escape

from api.headers import PAGE_HEADERS
from api.urls import feed_url, is_owner, own_path, page_url, sent_key
from core.config.deploy_link import deploy_url
from core.model.categories import find_category
from core.model.paper import label_of, page_of
from core.model.sources import NAMES
from core.render.citations import coins
from core.util.signing import KEY, fingerprint

if TYPE_CHECKING:
    from core.app import Paperwire

# Web-based feed readers: name, and the URL to which a feed's URL is appended
_READERS = (
    ("Feedly", "https://feedly.com/i/subscription/feed%2F"),
    ("Inoreader", "https://www.inoreader.com/?add_feed="),
    ("NewsBlur", "https://www.newsblur.com/?url="),
    ("The Old Reader", "https://theoldreader.com/feeds/subscribe?url="),
)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
TEMPLATES = Path(__file__).parent / "templates"
COMPILED = TEMPLATES / "compiled"
MEDIA_TYPE = "text/html"
HEADERS = PAGE_HEADERS
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip

_STATES = {"failed": "could not be fetched", "waiting": "is not there yet", "expected": "is not there yet"}


def render(request: Request, template: str, **context: Any) -> bytes:
    """Render `template` with `context`. Returns the page in UTF-8.

    Templates also have `page_url(path)` for links to pages of this service, `feed_url(path)` for URLs to subscribe to,
    `form_url(path)` and `form_key` for forms, `asset(name)` for files of `public/`, `wire_title`, `sample`, `path`,
    `deploy_url` ("" but on Vercel), `unapi_url` for reference managers, and `is_owner`, which is false if a signature
    gives access to one feed of a private copy only.
    """
    wire: Paperwire = request.app.state.wire
    ours = {
        "page_url": partial(page_url, request),
        "feed_url": partial(feed_url, request),
        "form_url": partial(page_url, request, keyed=False),  # browsers replace the query of a form's URL
        "form_key": sent_key(request),
        "asset": partial(_asset, request),
        "wire_title": wire.title,
        "sample": wire.settings.sample,
        "path": own_path(request.scope),
        "is_owner": is_owner(request),
        "deploy_url": deploy_url(wire.settings),
        "unapi_url": unapi_url(request),
        "this_year": wire.due.date.year,
        "marked": lambda _: "",  # the classes of a row by the owner's marks
    }
    return _environment().get_template(template).render(ours | context).encode("utf-8", "replace")


async def page(
    request: Request, template: str, context: Mapping[str, Any], *, status: int = 200, cache: str = "no-cache"
) -> Response:
    """Answer with a page that is rendered for this request, in a thread."""
    body = await asyncio.to_thread(render, request, template, **context)
    if request.app.state.wire.settings.feed_key and cache != "no-store":
        cache = f"private, {cache}"
    return Response(body, status, {**HEADERS, "Cache-Control": cache}, MEDIA_TYPE)


def readers_of(address: str) -> list[tuple[str, str]]:
    """Returns the names of web-based feed readers, each with a URL to subscribe; empty for a private `address`."""
    if urlsplit(address).hostname in _LOOPBACK:
        return []
    return [(name, start + quote(address, safe="")) for name, start in _READERS]


def sentence(text: str) -> Markup:
    """Returns a text with a capital first letter, and with code in place of backticks."""
    first = text.partition(" ")[0].rstrip(",:")
    parts = (text if find_category(first) else text[:1].upper() + text[1:]).split("`")  # cs.AI stays as it is
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if at % 2 else escape(part) for at, part in enumerate(parts)
    )


def short_date(day: date) -> str:
    """Returns "Fri 6 Mar", independent of the locale."""
    return f"{_DAYS[day.weekday()][:3]} {day.day} {_MONTHS[day.month - 1][:3]}"


def state_in_words(state: str) -> str:
    """Returns what a sentence says of a date in this state: "could not be fetched", "is partial"."""
    return _STATES.get(state, f"is {state}")


@pass_context
def day_name(context: Context, day: date) -> str:
    """Returns "Friday 6 March"; with the year if it is not that of the due date."""
    year = "" if day.year == context["this_year"] else f" {day.year}"
    return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}{year}"


def day_time(moment: datetime) -> str:
    """Returns "Monday at about 05:20 UTC"."""
    return f"{_DAYS[moment.weekday()]} at about {moment:%H:%M} UTC"


def unapi_url(request: Request) -> str:
    """Returns the URL to which a reference manager appends `?id=…`.

    With a key it ends within the query, because that is appended all the same.
    """
    url = page_url(request, "/unapi")
    return f"{url}&from=" if sent_key(request) else url


def _asset(request: Request, name: str) -> str:
    """Returns the URL of a file of `public/`. It changes with every deployment, so caches may keep the file."""
    build = fingerprint("asset", request.app.state.wire.settings.build)[:8]
    return f"{page_url(request, f'/{name}', keyed=False)}?v={build}"


class _Compiled(BytecodeCache):
    """Compiled templates beside their sources, as Python keeps modules: compiling them takes 50 ms of a cold start.

    The name of a file has all that its content depends on beside the source, of which the file itself has a checksum.
    Where the folder cannot be written, templates are compiled each time.
    """

    def get_cache_key(self, name: str, filename: str | None = None) -> str:  # noqa: ARG002 - builds run elsewhere
        return f"{name}.{sys.implementation.cache_tag}.{fingerprint('template', jinja2.__version__, _OPTIONS)[:8]}"

    def load_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError), (COMPILED / bucket.key).open("rb") as file:
            bucket.load_bytecode(file)

    def dump_bytecode(self, bucket: Bucket) -> None:
        if sys.dont_write_bytecode:
            return
        part = COMPILED / f"{bucket.key}.{os.getpid()}"
        with suppress(OSError):
            COMPILED.mkdir(exist_ok=True)
            part.write_bytes(bucket.bytecode_to_string())
            part.replace(COMPILED / bucket.key)


def compile_templates() -> int:
    """Compile all templates, at the build of a bundle. Returns their number."""
    names = _environment().list_templates(extensions=["html"])
    for name in names:
        _environment().get_template(name)
    return len(names)


_OPTIONS: dict[str, Any] = {"trim_blocks": True, "lstrip_blocks": True}


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        bytecode_cache=_Compiled(),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        **_OPTIONS,
    )
    environment.globals |= {"key_name": KEY, "readers_of": readers_of, "coins": coins}
    environment.globals |= {"label_of": label_of, "page_of": page_of}
    environment.filters |= {
        "short_date": short_date,
        "day_name": day_name,
        "day_time": day_time,
        "state_in_words": state_in_words,
        "points": "{:g}".format,
        "signed": "{:+g}".format,
        "thousands": "{:,}".format,
        "sentence": sentence,
        "source_name": NAMES.__getitem__,
    }
    return environment
