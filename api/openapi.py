"""The OpenAPI contract beside the routes' own declarations: parameters, and an example of each answer and problem.

The examples come first, whose shapes tests compare with real answers; then the parameters; then each route's answers.
"""

from typing import Any

from core.config.url_rules import RULES
from core.model.digest import ALLOWED
from core.model.query import FIELDS, MAX_LIMIT, SORTABLE
from core.model.template import LANGUAGES
from core.render.shapes import ENTRY_FIELDS

ENTRY = {
    "id": "2603.90045",
    "version": 1,
    "feed": "main",
    "title": "KV cache compression for fast inference",
    "authors": [{"name": "First Sample", "affiliation": "Institute of Examples, Sampletown"}],
    "abstract": "We compress the KV cache …",
    "categories": ["cs.DC", "cs.LG"],
    "primary": "cs.DC",
    "type": "new",
    "announced": "2026-03-06",
    "links": {
        "abs": "https://arxiv.org/abs/2603.90045",
        "pdf": "https://arxiv.org/pdf/2603.90045v1",
        "html": "https://arxiv.org/html/2603.90045v1",
    },
    "score": 3,
    "reasons": [
        {"rule": "inference", "points": 1, "field": "title", "start": 30, "end": 39, "text": "inference"},
        {"rule": "inference in title", "points": 0.5, "field": "title", "start": 30, "end": 39, "text": "inference"},
        {"rule": "fast", "points": 1, "field": "title", "start": 25, "end": 29, "text": "fast"},
        {"rule": "fast in title", "points": 0.5, "field": "title", "start": 25, "end": 29, "text": "fast"},
    ],
}

BATCH = {"date": "2026-03-06", "state": "complete", "papers": 16, "counts": {"cs.DC": {"new": 2, "cross": 1}}}

REPORT = {
    "date": "2026-03-06",
    "state": "complete",
    "reason": "",
    "papers": 16,
    "changed": True,
    "requests": 1,
    "feeds": {"main": 7},
    "rejected": [],
    "error": "",
    "pending": {"dates": [], "papers": 0},
    "work": {
        "steps": 2,
        "seconds": 94.1,
        "pending": 0,
        "scheduled": False,
        "reading": {"main 2026-03-06": [15, 15]},
    },
    "failures": {},
    "busy": [],
}

HEALTHY = {
    "status": "ok",
    "due": "2026-03-06",
    "state": "complete",
    "next_due": "2026-03-09T04:20:00Z",
    "now": "2026-03-06T12:00:00Z",
    "batches": [
        {
            "date": "2026-03-06",
            "state": "complete",
            "papers": 463,
            "fetched": "2026-03-06T05:20:40Z",
            "categories": {
                "cs.LG": {
                    "state": "complete",
                    "since": "2026-03-06T05:20:40Z",
                    "source": "rss",
                    "announced": 463,
                    "confirmed": 441,
                    "missing": 0,
                    "extra": 22,
                    "read": "2026-03-06T05:21:02Z",
                }
            },
        }
    ],
}

TROUBLE = {
    "kind": "gap",
    "detail": "2026-03-03 is failed: it was not fetched while arXiv's feed held it",
    "since": "2026-03-03T05:20:00Z",
    "mend": "`paperwire refresh --all` asks the API until nothing is missing; `paperwire audit` shows what is missing",
    "act": True,
}


def parameter(name: str, about: str, example: Any = None, operators: tuple[str, ...] = ()) -> dict[str, Any]:
    """Returns a parameter of the query."""
    text = f"{about}. Operators: {' '.join(f'`{o}`' for o in operators)}" if operators else about
    shown = {} if example is None else {"example": example}
    return {"name": name, "in": "query", "required": False, "description": text, "schema": {"type": "string"}} | shown


def of_path(name: str, about: str, example: str) -> dict[str, Any]:
    """Returns a parameter of the path.

    Routes read `request.path_params`: for a typed parameter FastAPI imports pydantic.v1, 30 ms of a cold start.
    """
    return parameter(name, about, example) | {"in": "path", "required": True}


FILTERS = [
    *(
        parameter(
            name, f"{field.about}{': ' + ', '.join(field.choices) if field.choices else ''}", None, field.kind.operators
        )
        for name, field in FIELDS.items()
    ),
    parameter("sort", f"fields to order by, `-` for descending: {', '.join(SORTABLE)}"),
    parameter("limit", f"how many entries, 1 to {MAX_LIMIT}"),
    parameter("per_day", "only the best so many of each day"),
    parameter("cursor", "where to continue: `next` of the previous page"),
]
RULE_PARAMETERS = [
    *(parameter(name, rule.about, rule.example) for name, rule in RULES.items()),
    *(row for row in FILTERS if row["name"] not in RULES),
]
DIGEST_PARAMETERS = [
    parameter("style", f"how it is written: {', '.join(ALLOWED['style'])}", "staged"),
    parameter("language", f"of its headings: {', '.join(ALLOWED['language'])}", "en"),
    parameter("front_matter", f"at the top of Markdown: {', '.join(ALLOWED['front_matter'])}", "jekyll"),
]
PAPER_FILTERS = [*FILTERS, parameter("fields", f"only these fields of each entry: {', '.join(ENTRY_FIELDS)}")]


def problem_of(status: int, slug: str, title: str, detail: str, **more: Any) -> dict[str, Any]:
    """Returns a problem with an example."""
    example = {"type": f"urn:paperwire:problem:{slug}", "title": title, "status": status, "detail": detail} | more
    schema = {
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
        },
    }
    return {"description": title, "content": {"application/problem+json": {"schema": schema, "example": example}}}


def answer_of(description: str, example: Any) -> dict[str, Any]:
    """Returns an answer with an example."""
    return {"description": description, "content": {"application/json": {"example": example}}}


UNCHANGED = {"description": "Not modified: the client has this very document"}
_BAD_QUERY = problem_of(
    422,
    "query",
    "The query is not understood",
    "'score~10': score does not have the operator ~",
    token="score~10",  # noqa: S106 - a token of the query, no secret
    allowed=["=", "!=", ">=", ">", "<=", "<"],
)
_NOTHING = problem_of(
    503,
    "nothing-yet",
    "Nothing to serve yet",
    "The announcements of 2026-03-06 are being fetched for the first time; try again soon.",
)
_UNKNOWN = problem_of(404, "unknown-name", "Not found", "There is no feed 'mian' here. Known: main, storage.")
_LIMITED = problem_of(
    429,
    "rate-limited",
    "Too many requests",
    "Your address has asked for more than one client may; try again in 12 s. "
    "Feeds without filters, and answers that were made before, are not limited.",
)
_READ: dict[int | str, dict[str, Any]] = {304: UNCHANGED, 422: _BAD_QUERY, 429: _LIMITED, 503: _NOTHING}


def _plain_problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/problem+json": {}}}


# Answers of any path to malformed requests, and to requests without the key
EVERYWHERE: dict[int | str, dict[str, Any]] = {
    400: _plain_problem("The request cannot be understood: a header is wrong or comes twice"),
    401: _plain_problem("This is a private copy, and the key is missing or wrong"),
    404: _plain_problem("There is nothing at this address"),
    413: _plain_problem("The body is too long"),
    414: _plain_problem("The address is too long"),
    503: _plain_problem("The store does not answer, or nothing can be served yet"),
}

_FEED_CONTENT = {
    "application/rss+xml": {"schema": {"type": "string"}},
    "application/atom+xml": {"schema": {"type": "string"}},
    "application/feed+json": {"schema": {"type": "object"}},
}
FEED: dict[int | str, dict[str, Any]] = {
    200: {"description": "The feed in the format that was asked for", "content": _FEED_CONTENT},
    404: _UNKNOWN,
    **_READ,
}
NAMED_FEED: dict[int | str, dict[str, Any]] = FEED | {301: {"description": "The feed has another name now"}}
DIGEST: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The digest in the format that was asked for",
        "content": {
            "text/markdown": {"schema": {"type": "string"}},
            "text/html": {"schema": {"type": "string"}},
            "application/json": {"schema": {"type": "object"}},
        },
    },
    301: {"description": "The feed has another name now"},
    304: UNCHANGED,
    404: problem_of(404, "unknown-name", "Not found", "There is no batch '2025-01-01' here. Known: 2026-03-06."),
    422: problem_of(
        422,
        "query",
        "The query is not understood",
        "'style=table': 'table' is no style",
        token="style=table",  # noqa: S106 - a token of the query, no secret
        allowed=["list", "staged", "daily"],
    ),
    503: _NOTHING,
}
OPML: dict[int | str, dict[str, Any]] = {
    200: {"description": "The feeds as OPML 2.0", "content": {"text/x-opml": {"schema": {"type": "string"}}}},
    304: UNCHANGED,
}
RSS: dict[int | str, dict[str, Any]] = FEED | {
    200: {"description": "The feed as RSS", "content": {"application/rss+xml": {"schema": {"type": "string"}}}}
}
BADGE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture", "content": {"image/svg+xml": {"schema": {"type": "string"}}}},
    304: UNCHANGED,
    404: _UNKNOWN,
    429: _LIMITED,
    503: _NOTHING,
}
LIST_OF_FEEDS: dict[int | str, dict[str, Any]] = {
    200: answer_of(
        "The feeds",
        {
            "feeds": [{"name": "main", "title": "Efficient language models", "categories": ["cs.DC"]}],
            "batches": [BATCH],
            "generated": "2026-03-06T05:20:04Z",
        },
    ),
    304: UNCHANGED,
}
PAPERS: dict[int | str, dict[str, Any]] = {
    200: answer_of(
        "A page of entries; `total` counts all pages, `next` is the cursor of the next one",
        {
            "papers": [ENTRY],
            "total": 57,
            "next": "WyJkMjEwMTMxM2NhMWZjNzUxIl0",
            "batches": [BATCH],
            "generated": "2026-03-06T05:20:04Z",
        },
    ),
    **_READ,
}
PAPER: dict[int | str, dict[str, Any]] = {
    200: answer_of(
        "The paper as each feed shows it",
        {"entries": [ENTRY], "total": 1, "generated": "2026-03-06T05:20:04Z"},
    ),
    404: problem_of(404, "unknown-name", "Not found", "There is no paper '2603.00000' here."),
    **_READ,
}
REFRESH: dict[int | str, dict[str, Any]] = {
    200: answer_of("What was found", REPORT),
    202: answer_of("Another refresh is running", {"status": "running", "detail": "another refresh is at it"}),
    401: problem_of(
        401,
        "http",
        "Unauthorized",
        "Send the header `Authorization: Bearer …` with the value of CRON_SECRET or ADMIN_TOKEN.",
    ),
    429: _LIMITED,
    502: answer_of("arXiv delivered nothing usable; the stored batches stay", REPORT | {"state": "failed"}),
    503: problem_of(503, "store", "The store does not answer", "SQLite at …: disk I/O error"),
}
WORK = REFRESH | {200: answer_of("What was done, and what is pending", REPORT)}
HEALTH: dict[int | str, dict[str, Any]] = {
    200: answer_of("All is well, or the problem passes automatically", HEALTHY),
    503: answer_of("The owner should act", HEALTHY | {"status": "failing", "troubles": [TROUBLE]}),
}


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
        "Not found",
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

_VOTE = {"paper": "2603.90045", "sign": 1, "time": "2026-03-06T08:00:00Z", "title": "KV cache …", "abstract": "We …"}
_OF_VOTES: dict[int | str, dict[str, Any]] = {
    401: _NO_TOKEN,
    404: _UNKNOWN,
    409: problem_of(409, "conflict", "Something else is being changed", "Another vote is being stored right now."),
    422: problem_of(422, "input", "What was sent is not understood", "the vote on 2603.90045 is 2; 1 is a like …"),
}
VOTES: dict[int | str, dict[str, Any]] = {
    200: answer_of(
        "The votes, newest first, and the library",
        {
            "feed": "main", "likes": 1, "dislikes": 0, "votes": [_VOTE], "library": [], "removed": [], "dismissed": [],
        },
    ),
    **_OF_VOTES,
}  # fmt: skip
VOTED: dict[int | str, dict[str, Any]] = {
    200: answer_of(
        "What has changed, and the votes that undo it",
        {
            "feed": "main", "likes": 1, "dislikes": 0, "library": 0, "changed": {"2603.90045": 1},
            "undo": {"2603.90045": 0},
        },
    ),
    **_OF_VOTES,
}  # fmt: skip
LIBRARY_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            name: {"schema": {"type": "string"}}
            for name in (
                "application/x-bibtex",
                "application/x-research-info-systems",
                "application/vnd.citationstyles.csl+json",
                "text/plain",
            )
        },
    }
}
LIBRARY: dict[int | str, dict[str, Any]] = {
    200: answer_of(
        "What became of the entries",
        {
            "feed": "main", "format": "BibTeX", "rejected": 0, "used": 60, "abstracts": 48, "unknown": 0, "older": 0,
            "problem": "", "library": 60,
        },
    ),
    **_OF_VOTES,
}  # fmt: skip
SIMILAR: dict[int | str, dict[str, Any]] = {
    200: answer_of(
        "The similar papers, best first",
        {
            "paper": "2603.90045",
            "similar": [{"id": "2603.90046", "similarity": 0.31, "shared": ["KV cache", "inference"]}],
            "generated": "2026-03-06T05:20:04Z",
        },
    ),
    404: problem_of(404, "unknown-name", "Not found", "There is no paper '2603.00000' here."),
    **_READ,
}
LESSONS: dict[int | str, dict[str, Any]] = {
    200: answer_of(
        "The words that were learned, and suggested keywords",
        {
            "feed": "main",
            "from": {"likes": 12, "dislikes": 8, "library": 0},
            "words": [{"term": "kv cache", "likes": 5, "dislikes": 0, "points": 0.84}],
            "removed": [],
            "suggestions": [{"keyword": "speculative decoding", "weight": 2, "likes": 9, "of": 12}],
        },
    ),
    **_OF_VOTES,
}
