"""Examples of answers, as the contract shows them; tests compare their shapes with real ones."""

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
    "mend": "`paperwire refresh --all` asks the API until all is there; `paperwire audit` shows what is missing",
    "act": True,
}
