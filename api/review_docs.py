"""What /docs shows of reviews, and of the summaries of single papers."""

from typing import Any

from api.docs import UNCHANGED, answer_of, parameter, problem_of
from core.domain.template import LANGUAGES

REVIEW_PARAMETERS = [
    parameter("language", f"of the text: {', '.join(LANGUAGES)}", "en"),
    parameter("front_matter", "at the top of Markdown: plain, jekyll, hugo", "jekyll"),
]
_TEXTS = {
    "text/markdown": {"schema": {"type": "string"}},
    "text/html": {"schema": {"type": "string"}},
    "application/json": {"schema": {"type": "object"}},
}
_BAD_LANGUAGE = problem_of(
    422,
    "query",
    "The query is not understood",
    "'language=fr': 'fr' is no language",
    token="language=fr",  # noqa: S106 - a token of the query, no secret
    allowed=list(LANGUAGES),
)
REVIEW: dict[int | str, dict[str, Any]] = {
    200: {"description": "The review in the format that was asked for", "content": _TEXTS},
    304: UNCHANGED,
    404: problem_of(
        404,
        "http",
        "Not Found",
        "There is no review of 2603.90045 yet. Its owner makes one with `paperwire review 2603.90045`, or with POST "
        "/api/papers/2603.90045/review and the header `Authorization: Bearer …`.",
    ),
    422: _BAD_LANGUAGE,
}
SUMMARY: dict[int | str, dict[str, Any]] = {
    200: {"description": "The summary in the format that was asked for", "content": _TEXTS},
    304: UNCHANGED,
    404: problem_of(404, "unknown-name", "Not found", "There is no paper '2603.00000' here."),
    422: _BAD_LANGUAGE,
}
_NO_TOKEN = problem_of(
    401,
    "http",
    "Unauthorized",
    "Send the header `Authorization: Bearer …` with the value of CRON_SECRET or ADMIN_TOKEN.",
)
_COMMANDED: dict[int | str, dict[str, Any]] = {
    401: _NO_TOKEN,
    404: problem_of(404, "unknown-name", "Not found", "There is no paper '2603.00000' here."),
    422: _BAD_LANGUAGE,
    501: problem_of(501, "no-model", "There is no language model", "This needs a language model; set LLM_MODEL."),
    502: problem_of(502, "model", "A language model did not answer", "The endpoint refuses the key."),
    503: problem_of(503, "model", "A language model did not answer", "The budget of tokens is used up."),
}
MAKE_REVIEW: dict[int | str, dict[str, Any]] = {
    200: answer_of("The review, complete", {"id": "2603.90045", "version": 1, "state": "ready", "language": "en"}),
    202: answer_of("Not complete yet: send it again", {"status": "running", "answered": 7, "total": 12}),
    **_COMMANDED,
}
MAKE_SUMMARY: dict[int | str, dict[str, Any]] = {
    200: {"description": "The summary in the format that was asked for", "content": _TEXTS},
    202: answer_of("Another process is at it", {"status": "running", "detail": "another process is making it"}),
    **_COMMANDED,
}
