"""What digests say of the wire that made them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Site:
    """The wire's `title`, and its addresses, absolute and in ASCII; "" or none where they are not known or not told.

    `feeds` pairs the formats of the feed with their addresses, `deployed` is where a deploy badge leads.
    """

    title: str
    feeds: tuple[tuple[str, str], ...] = ()
    digests: str = ""
    papers: str = ""
    deployed: str = ""
