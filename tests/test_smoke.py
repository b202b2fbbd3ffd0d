"""The main job, end to end."""

import httpx

from tests.support.upstream import Upstream


def test_first_request_fetches_and_answers(client: httpx.Client, upstream: Upstream) -> None:
    """The first request for papers fetches the day's announcements and answers in one go."""
    answer = client.get("/api/papers?score>=1")
    assert answer.status_code == 200
    assert answer.json()["total"] > 0
    assert 1 == len(upstream.paths)
    assert upstream.paths[0].startswith("/rss/cs.")
