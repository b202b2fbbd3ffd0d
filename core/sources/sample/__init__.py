"""The sample week: invented papers in arXiv's own format, to try Paperwire without the internet.

The files in this folder are what arXiv would serve on the five days from 2026-03-02 on, and Hugging Face's picks of
these papers, with upvotes. All of them are marked as samples.
"""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from pathlib import Path

import httpx

from core.model.calendar import due_date

FOLDER = Path(__file__).parent
TITLE = "Sample wire (invented papers)"


def days() -> list[date]:
    """Returns the dates of the sample week, in order."""
    return sorted(date.fromisoformat(path.stem) for path in FOLDER.glob("*.xml"))


def noon(day: date) -> datetime:
    """Returns a time on that date at which its batch is available."""
    return datetime.combine(day, time(17), UTC)


def picks(day: str) -> bytes:
    """Returns what Hugging Face would serve for a date, as JSON."""
    from core.sources.parse import parse_feed  # lxml: only where it is needed

    votes = dict(json.loads((FOLDER / "picks.json").read_text("utf-8")).get(day, ()))
    path = FOLDER / f"{day}.xml"
    papers = [item.paper for item in parse_feed(path.read_bytes()).announcements] if votes else []
    return json.dumps(
        [
            {
                "paper": {
                    "id": paper.id,
                    "title": paper.title,
                    "summary": paper.abstract,
                    "authors": [{"name": author.name, "hidden": False} for author in paper.authors],
                    "upvotes": votes[paper.id],
                }
            }
            for paper in papers
            if paper.id in votes
        ]
    ).encode()


class SampleTransport(httpx.AsyncBaseTransport):
    """Answers with the sample of the date that is due by `clock`, as arXiv's RSS would, or as Hugging Face."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Returns the sample of the due date, with an ETag; 404 outside the sample week."""
        if request.url.path == "/api/daily_papers":
            body = httpx.ByteStream(picks(request.url.params.get("date", "")))
            return httpx.Response(200, stream=body, request=request)
        path = FOLDER / f"{due_date(self._clock())}.xml"
        if not path.exists():
            body = httpx.ByteStream(b"the sample week has no such day")
            return httpx.Response(404, stream=body, request=request)
        headers = {"Content-Type": "application/rss+xml", "ETag": f'"{path.stem}"'}
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return httpx.Response(304, headers=headers, request=request)
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(path.read_bytes()), request=request)
