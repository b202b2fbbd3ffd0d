"""Digests as Markdown, HTML and JSON: each style makes blocks of a digest, which are then written."""

from core.render.digest.common import Site
from core.render.digest.document import (
    FRONT_MATTERS,
    blocks_of,
    front_matter_of,
    render_digest_json,
    render_html,
    render_markdown,
    title_of,
)

__all__ = [
    "FRONT_MATTERS",
    "Site",
    "blocks_of",
    "front_matter_of",
    "render_digest_json",
    "render_html",
    "render_markdown",
    "title_of",
]
