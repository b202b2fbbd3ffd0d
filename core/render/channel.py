"""What a feed document says of itself, in whatever format."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Channel:
    """The head of a feed document. `updated` is the time of the newest batch; `next_url` the next page or ""."""

    id: str
    title: str
    description: str
    home_url: str
    self_url: str
    updated: datetime
    next_url: str = ""
    language: str = "en"
