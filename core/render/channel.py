"""What a feed document says of itself, in whatever format."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Channel:
    """The head of a feed document. All addresses are absolute and in ASCII; "" where there is none.

    `updated` is the time of the newest batch, `next_url` the next page, `language` a BCP 47 tag, `icon` a square PNG,
    `hub` a WebSub hub (https://www.w3.org/TR/websub/#discovery) that tells subscribers of `self_url` what is new.
    """

    id: str
    title: str
    description: str
    home_url: str
    self_url: str
    updated: datetime
    next_url: str = ""
    language: str = "en"
    icon: str = ""
    hub: str = ""
