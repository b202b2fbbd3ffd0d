"""The analysis of what feeds show: its stages, what is published of them, and that nothing is paid for twice."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.app import Paperwire
from core.config.settings import Settings, load_settings
from core.jobs.feed_date import Analysed
from core.model.entries import choose
from core.model.feed import Entry
from core.model.query import parse_query
from tests.conftest import serving_app
from tests.support.judge import DAY, RUBRIC, feeds, judge, sheets, steps, texts, upstream
from tests.support.model_server import MODEL, ModelServer
from tests.support.model_server import serving as serving_model
from tests.support.tiers import matrix
from tests.support.upstream import Upstream, serving

NOON = datetime(2026, 3, 6, 17, tzinfo=UTC)
WORTH = (8, 6, 5, 4, 3, 1, 0)


class Place:
    """An upstream, a model, and the settings of instances between them."""

    def __init__(self, folder: Path, source: Upstream, model: ModelServer) -> None:
        self.folder, self.source, self.model = folder, source, model
        self.options: dict[str, Any] = {"feeds_toml": feeds(), "now": NOON}

    @property
    def settings(self) -> Settings:
        """The settings of an instance, made again."""
        fixed: dict[str, Any] = {
            "arxiv_rss_url": self.source.url,
            "replay_gate_seconds": 0,
            "sqlite_path": self.folder / "store.sqlite3",
            "llm_base_url": self.model.url,
            "llm_model": MODEL,
            "admin_token": "open-sesame",
        }
        return load_settings(_env_file=None, **fixed | self.options)

    def refresh(self, seconds: float = 60, **options: Any) -> Analysed:
        """Refresh in an instance of its own, to which `options` come from now on: what came of the analysis."""
        self.options |= options

        async def main() -> Analysed:
            wire = Paperwire(self.settings)
            try:
                report = await wire.refresh(seconds=seconds)
            finally:
                await wire.close()
            assert report.rested
            assert {} == {name: why for name, why in report.failures.items() if name != "analyze"}
            return report.analyze

        self.model.requests.clear()
        return asyncio.run(main())

    def shown(self, query: str = "", **options: Any) -> list[Entry]:
        """What the main feed shows, best first, in an instance of its own."""
        self.options |= options

        async def main() -> list[Entry]:
            wire = Paperwire(self.settings)
            try:
                manifest = await wire.ready()
                parsed = parse_query(query)
                entries = (await wire.entries(manifest, wire.main, parsed)).entries
                return sorted(choose(wire.main, entries, parsed, capped=True), key=lambda entry: entry.rank)
            finally:
                await wire.close()

        return asyncio.run(main())

    def states(self) -> dict[int, str]:
        """The states of the summaries that are shown, by paper; "" for none."""
        return {number(entry): entry.summary.state if entry.summary else "" for entry in self.shown()}


def number(entry: Entry) -> int:
    """The number of an invented paper."""
    return int(entry.paper.id[5:])


@contextmanager
def at_place(folder: Path, *worth: int) -> Iterator[Place]:
    """A place with papers that are worth so many points."""
    with serving(upstream(*worth)) as source, serving_model(judge()) as model:
        yield Place(folder, source, model)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A place with papers of all bands."""
    with at_place(tmp_path, *WORTH) as made:
        yield made


# -- stages


def test_stages(place: Place) -> None:
    """All are screened by their abstracts, those at the threshold read and judged, and the best ones summarised."""
    done = place.refresh()
    assert {"analyse": [1, 2, 3, 4], "screen": [1, 2, 3, 4, 5, 6, 7], "summarise": [5]} == steps(place.model)
    assert (7, 4, 1, 0, 0, []) == (
        done.screened, done.analysed, done.summarised, done.pending, done.failed.total(), done.problems,
    )  # fmt: skip
    assert (6, 600, 120) == (done.usage.calls, done.usage.prompt, done.usage.completion)


def test_what_entries_show(place: Place) -> None:
    """Points and bands follow the rubric, scorecards tell whence they come, and the best have their summaries."""
    place.source.texts = texts(sheets(*WORTH))
    place.refresh()
    entries = place.shown()
    assert [8, 6, 5, 4, 3, 1, 0] == [entry.points for entry in entries]
    bands = ["must-read", "must-read", "must-read", "review", "skip", "skip", "skip"]
    assert bands == [entry.band for entry in entries]
    cards = [entry.scorecard for entry in entries]
    assert [("analysed", "html")] * 4 + [("screened", "abstract")] * 3 == [(c.stage, c.input) for c in cards if c]
    assert cards[0]
    assert ("Sample University",) == cards[0].institutions
    assert [("Direct", 3), ("Algorithmic", 3), ("Impact", 2)] == [(m.criterion, m.points) for m in cards[0].marks]
    summaries = [entry.summary for entry in entries]
    assert ["html"] * 5 == [summary.input for summary in summaries if summary]
    assert {("four-point", MODEL, "ready")} == {(s.template, s.model, s.state) for s in summaries if s}


def test_full_texts_are_read_once(place: Place) -> None:
    """A paper's text is fetched once a run, for those that are read; of others nothing is fetched."""
    place.source.texts = texts(sheets(*WORTH))
    place.refresh()
    assert sorted(path for path in place.source.paths if "/html/" in path) == [
        f"/html/2603.{n:05}v1" for n in (1, 2, 3, 4, 5)
    ]
    assert not [path for path in place.source.paths if "/pdf/" in path]


def test_other_templates(place: Place) -> None:
    """Another template is asked for separately, over the full text, after the judgements, for the papers worth most."""
    place.source.texts = texts(sheets(*WORTH))
    place.refresh(feeds_toml=feeds(summary="key-findings", summaries=2))
    assert [1, 2] == steps(place.model)["summarise"]
    summaries = [entry.summary for entry in place.shown()]
    assert [("key-findings", "html")] * 2 == [(s.template, s.input) for s in summaries if s]


def test_best_by_points(tmp_path: Path) -> None:
    """Summaries go to the papers with most points, wherever they stand in the feed."""
    with at_place(tmp_path, 1, 2, 8, 0, 3) as place:
        place.refresh(feeds_toml=feeds(summary="sections", summaries=2))
        assert [3, 5] == steps(place.model)["summarise"]


def test_no_model(place: Place) -> None:
    """Without a model summaries are extracted from abstracts, nothing is judged, and nothing is asked of anybody."""
    done = place.refresh(llm_base_url="", llm_model="")
    assert (5, 0, []) == (done.extracted, done.pending, done.problems)
    first = place.shown()[0]
    assert first.summary
    assert ("extract", "", "ready") == (first.summary.template, first.summary.model, first.summary.state)
    assert "places pages by their use" in first.summary.markdown
    assert (None, None, None) == (first.points, first.band, first.scorecard)
    assert not [path for path in place.source.paths if path.startswith(("/html/", "/pdf/"))]
    assert 0 == place.refresh().extracted + place.refresh(llm_base_url="", llm_model="").summarised


def test_extract_beside_a_model(place: Place) -> None:
    """A feed whose template is the extract has no summaries written for it, though its papers are judged."""
    done = place.refresh(feeds_toml=feeds(summary="extract", summaries=3))
    assert ["analyse", "screen"] == list(steps(place.model))
    assert (3, 0) == (done.extracted, done.summarised)
    assert [1, 2, 3] == [number(entry) for entry in place.shown() if entry.summary]


def test_a_model_that_came_later(place: Place) -> None:
    """Once there is a model, extracts make way for what it writes."""
    place.refresh(llm_base_url="", llm_model="")
    place.refresh(llm_base_url=place.model.url, llm_model=MODEL)
    assert {MODEL} == {entry.summary.model for entry in place.shown() if entry.summary}


# -- again


def test_nothing_is_asked_twice(place: Place) -> None:
    """A second refresh asks nothing, and changes nothing that readers see."""
    place.refresh()
    before = place.shown()
    done = place.refresh()
    assert ({}, 0) == (steps(place.model), done.usage.calls)
    assert before == place.shown()


CHANGES: dict[str, tuple[dict[str, Any], dict[str, list[int]]]] = {
    # what changes → what is asked again
    "title": ({"more": 'description = "Another"'}, {}),
    "more summaries": ({"summaries": 6}, {"summarise": [6]}),
    "template": ({"summary": "sections"}, {"summarise": [1, 2, 3, 4, 5]}),
    "criterion": (
        {"rubric": RUBRIC.replace("Is it about storage?", "Is it about caches?")},
        {"analyse": [1, 2, 3, 4], "screen": [1, 2, 3, 4, 5, 6, 7]},
    ),
    "bands": ({"rubric": RUBRIC.replace("must_read_at = 5", "must_read_at = 7")}, {}),
    "lower threshold": ({"rubric": RUBRIC.replace("deep_at = 4", "deep_at = 3")}, {"analyse": [5]}),
    "language": (
        {"language": "ko"},
        {"analyse": [1, 2, 3, 4], "screen": [1, 2, 3, 4, 5, 6, 7], "summarise": [5]},
    ),
}


@matrix("change", CHANGES, daily=("title", "criterion", "language"))
def test_only_what_changed_is_asked_again(place: Place, change: str) -> None:
    """Another rubric, template, language or number: what does not depend on it is not paid for again."""
    options, expected = CHANGES[change]
    place.refresh()
    place.refresh(feeds_toml=feeds(**options))
    assert expected == steps(place.model)
    assert {} == (place.refresh(), steps(place.model))[1]


def test_another_model_for_summaries(place: Place) -> None:
    """Another model for one step: the others' answers stay."""
    place.model.models = (MODEL, "stand-in-2")
    place.refresh()
    place.refresh(llm_model_summarise="stand-in-2", feeds_toml=feeds(summary="sections", summaries=2))
    assert {"summarise": [1, 2]} == steps(place.model)
    assert {"stand-in-2"} == {entry.summary.model for entry in place.shown() if entry.summary}


def test_views_of_other_rules_do_not_show(place: Place) -> None:
    """What was analysed under other rules is not shown as if it were under these; what is stored serves again."""
    place.refresh()
    other = feeds(rubric=RUBRIC.replace("must_read_at = 5", "must_read_at = 7"))
    assert {None} == {entry.band for entry in place.shown(feeds_toml=other)}
    place.refresh()
    assert "review" == place.shown()[1].band


# -- what goes wrong

FAULTS = ("invalid-json", "wrong-schema", "refusal", "cut-off", "empty", "too long", "policy", "deep", "null")


@matrix("fault", FAULTS, daily=("invalid-json", "refusal"))
def test_one_paper_fails(place: Place, fault: str) -> None:
    """Whatever a model makes of one paper, the others have what they get, and what is missing is said, with why."""
    place.model.prey, place.model.faulty_for_ever = "Paper 2 worth", True
    place.model.faults = [fault]
    done = place.refresh(feeds_toml=feeds(rubric=""))
    assert (4, 1) == (done.summarised, done.failed.total())
    states = place.states()
    assert {1: "ready", 3: "ready", 4: "ready", 5: "ready", 6: "", 7: ""} == {n: s for n, s in states.items() if n != 2}
    absent = place.shown()[1].summary
    assert absent
    assert ("", True) == (absent.markdown, bool(absent.problem))
    lasting = fault in ("refusal", "too long", "policy")
    assert ("failed" if lasting else "pending") == absent.state
    assert (0 if lasting else 1) == done.pending


def test_failures_are_tried_again_later(place: Place) -> None:
    """What may pass is tried again, after a pause that grows, and not sooner; at last it is left."""
    place.model.prey, place.model.faulty_for_ever, place.model.faults = "Paper 2 worth", True, ["empty"]
    place.refresh(feeds_toml=feeds(rubric=""))
    asked = []
    for hours in (0.5, 1.1, 2, 3.2, 24, 48, 96, 200):
        place.refresh(now=NOON + timedelta(hours=hours))
        asked.append(bool(place.model.requests))
    assert [False, True, False, True, True, True, False, False] == asked
    assert "failed" == place.states()[2]
    place.model.faults = []
    place.refresh(feeds_toml=feeds(rubric="", summary="sections"))
    assert "ready" == place.states()[2]


STOPS = {"401": "wrong-key", "404": "no-model", "no credit": "no-credit", "html": "no-answer"}


@matrix("fault", STOPS, daily=("401",))
def test_what_is_wrong_for_all(place: Place, fault: str) -> None:
    """A wrong key, a model that there is not: one problem is reported, after as few calls as there are at once."""
    place.model.faults, place.model.faulty_for_ever = [fault], True
    done = place.refresh()
    assert len(place.model.requests) <= 4
    assert 1 == len(done.problems)
    assert (7, 0) == (done.pending, done.screened)
    states = place.states()
    assert {"pending"} == {states[n] for n in (1, 2, 3, 4, 5)}
    place.model.faults = []
    assert (7, 4, 0, []) == ((done := place.refresh()).screened, done.analysed, done.pending, done.problems)


def test_budget(tmp_path: Path) -> None:
    """A budget for ten papers of a hundred: ten are done, the others wait, and go on the day after."""
    with at_place(tmp_path, *[0] * 100) as place:
        place.model.tokens = (3000, 100)
        options = {"feeds_toml": feeds(rubric="", summaries=100), "llm_daily_tokens": 36_000}
        done = place.refresh(**options)
        first = len(place.model.requests)
        assert (first, 100 - first) == (done.summarised, done.pending)
        assert 8 <= first <= 11
        assert ["budget"] * (100 - first) == [state for state in place.states().values() if state != "ready"]
        assert 1 == len(done.problems)
        assert (0, 0) == (place.refresh().summarised, len(place.model.requests))
        again = place.refresh(now=NOON + timedelta(hours=12))
        assert (again.summarised, 100 - first - again.summarised) == (len(place.model.requests), again.pending)
        assert 8 <= again.summarised


def test_text_that_may_come_later(place: Place) -> None:
    """A paper whose text cannot be had right now waits for it; when it still is not there, the abstract has to do."""
    place.source.faults, place.source.faulty_for_ever = ["/html/2603.00002v1 503", "/pdf/2603.00002v1 503"], True
    done = place.refresh()
    assert ([1, 3, 4], 1) == (steps(place.model)["analyse"], done.pending)
    second = place.shown()[1]
    assert (None, 6, "screened") == (second.band, second.points, second.scorecard and second.scorecard.stage)
    assert second.summary
    assert "pending" == second.summary.state
    assert "could not be fetched" in second.summary.problem
    place.refresh(now=NOON + timedelta(hours=1))
    assert {} == steps(place.model)
    place.refresh(now=NOON + timedelta(hours=2))
    assert {"analyse": [2]} == steps(place.model)
    card = place.shown()[1].scorecard
    assert card
    assert ("analysed", "abstract", True) == (card.stage, card.input, "the abstract was read" in card.note)


def test_no_full_text(tmp_path: Path) -> None:
    """A paper without HTML and PDF is judged by its abstract, which is said."""
    with at_place(tmp_path, 6) as place:
        place.refresh()
        card = place.shown()[0].scorecard
        assert card
        assert ("analysed", "abstract") == (card.stage, card.input)
        assert "arXiv has no PDF of it" in card.note
        assert [] == place.shown("has=pdf-analysis")


def test_out_of_time(tmp_path: Path) -> None:
    """When the time is up, what was done is kept and shown, and the next refresh goes on."""
    with at_place(tmp_path, *[1] * 120) as place:
        place.model.delay = 1
        done = place.refresh(seconds=2.4, feeds_toml=feeds(summaries=0))
        assert 10 <= done.screened < 120
        assert 120 - done.screened == done.pending
        assert done.screened == sum(entry.points is not None for entry in place.shown())
        place.model.delay = 0
        rest = place.refresh()
        assert (120 - done.screened, 0) == (rest.screened, rest.pending)


# -- publishing


def test_filters(place: Place) -> None:
    """Points, bands and what entries have are filters and orders like all others."""
    place.source.texts = texts(sheets(*WORTH))
    place.refresh()
    with serving_app(place.settings) as url, httpx.Client(base_url=url) as client:

        def found(query: str) -> list[int]:
            papers = client.get(f"/api/papers?{query}").json()["papers"]
            return [int(paper["id"][5:]) for paper in papers]

        assert [1, 2, 3] == found("band=must-read&sort=-points")
        assert [4, 3] == found("points>=4&points<=5&sort=points")
        assert [5, 6, 7] == sorted(found("band=skip"))
        assert [1, 2, 3, 4, 5] == sorted(found("has=summary"))
        assert [1, 2, 3, 4] == sorted(found("has=pdf-analysis"))
        assert [1] == found("sort=-points&limit=1")
        assert [7] == found("sort=points&limit=1")
        paper = client.get("/api/papers/2603.00001?fields=points,band,scorecard,summary").json()
        rss = client.get("/api/feeds/main.rss?band=must-read").text
        page = client.get("/feeds/main?band=review").text
    shown = paper["entries"][0]
    assert ("must-read", 8, "analysed") == (shown["band"], shown["points"], shown["scorecard"]["stage"])
    assert "Must-read: 8 of 8 points: Direct 3/3 (One sentence.)" in rss
    assert 3 == rss.count("<title>Paper ")
    assert "Paper 4 worth 4" in page


def test_pending_in_words(place: Place) -> None:
    """Feeds and pages say honestly what is not there yet."""
    place.refresh(llm_daily_tokens=100)
    with serving_app(place.settings) as url:
        for path in ("/api/feeds/main.rss", "/feeds/main"):
            assert "the budget for models is spent" in httpx.get(f"{url}{path}").text
        papers = httpx.get(f"{url}/api/papers").json()["papers"]
    assert {"budget", None} == {paper.get("summary", {}).get("state") for paper in papers}


HOLD = "hold = true\nhold_hours = 12"


def test_hold(place: Place) -> None:
    """What waits for its summary is held back, mentioned on the page, and shown when it is there."""
    options = {"feeds_toml": feeds(more=HOLD, summaries=3), "llm_daily_tokens": 100}
    place.refresh(**options)
    assert [] == place.shown()
    with serving_app(place.settings) as url:
        assert "7 entries are held back until their summaries are there." in httpx.get(f"{url}/feeds/main").text
        assert 0 == httpx.get(f"{url}/api/papers").json()["total"]
    place.refresh(llm_daily_tokens=0)
    assert [1, 2, 3, 4, 5, 6, 7] == [number(entry) for entry in place.shown()]


def test_hold_ends(place: Place) -> None:
    """After the hours of the hold everything is shown, pending; who asks first after that moment notes it for all."""
    place.refresh(feeds_toml=feeds(more=HOLD), llm_daily_tokens=100)
    with serving_app(place.settings) as url:
        kept = httpx.get(f"{url}/api/feeds/main.rss")
        assert 0 == kept.text.count("<title>Paper ")
    assert [] == place.shown(now=NOON + timedelta(hours=11))
    place.options["now"] = NOON + timedelta(hours=12, seconds=1)
    with serving_app(place.settings) as url:
        headers = {"If-None-Match": kept.headers["ETag"], "If-Modified-Since": kept.headers["Last-Modified"]}
        now = httpx.get(f"{url}/api/feeds/main.rss", headers=headers)
    assert (200, 7) == (now.status_code, now.text.count("<title>Paper "))
    assert now.headers["Last-Modified"] != kept.headers["Last-Modified"]
    assert {"budget"} == set(place.states().values())


def test_hold_ends_while_a_server_runs(place: Place) -> None:
    """A server whose answers are remembered shows what was held at the moment when the hold ends."""
    place.refresh(feeds_toml=feeds(more=HOLD), llm_daily_tokens=100)
    moments = [NOON]

    class Moving(Settings):
        @property
        def clock(self) -> Callable[[], datetime]:
            return lambda: moments[-1]

    moving = Moving(**{name: getattr(place.settings, name) for name in Settings.model_fields})
    with serving_app(moving) as url:
        for _ in range(3):
            assert 0 == httpx.get(f"{url}/api/feeds/main.rss").text.count("<title>Paper ")
        moments.append(NOON + timedelta(hours=12))
        assert 7 == httpx.get(f"{url}/api/feeds/main.rss").text.count("<title>Paper ")


def test_hold_keeps_places(tmp_path: Path) -> None:
    """While the best entries of a day are held back, those beyond the feed's number do not take their places."""
    with at_place(tmp_path, *[1] * 6) as place:
        toml = feeds(more=HOLD, summaries=2, rubric="").replace("max_entries = 200", "max_entries = 4")
        place.model.prey, place.model.faulty_for_ever, place.model.faults = "Paper 1 worth", True, ["empty"]
        place.refresh(feeds_toml=toml)
        assert [2, 3, 4] == [number(entry) for entry in place.shown()]


def test_huggingface(place: Place) -> None:
    """Hugging Face's picks are analysed like arXiv's announcements."""
    from tests.support.hf_format import Picked

    papers = sheets(3, 7, start=50)
    place.source.picks = {DAY: [Picked(papers[0], 9), Picked(papers[1], 4)]}
    place.source.texts = texts(papers)
    toml = '[feeds.daily]\ntitle = "Daily"\nsource = "huggingface"\nsummary = "sections"\n'
    done = place.refresh(
        feeds_toml=toml + feeds(rubric="", summary="", instance="").replace("feeds.main", "feeds.other")
    )
    assert {"summarise": [50, 51]} == steps(place.model)
    assert 2 == done.summarised
    assert [("sections", "html")] * 2 == [(e.summary.template, e.summary.input) for e in place.shown() if e.summary]


def test_two_feeds_share(place: Place) -> None:
    """Two feeds with the same questions about the same paper pay once."""
    other = feeds(summaries=0, instance="").replace("feeds.main", "feeds.second").replace("Main", "Second")
    place.refresh(feeds_toml=feeds(summaries=0) + other)
    assert {"analyse": [1, 2, 3, 4], "screen": [1, 2, 3, 4, 5, 6, 7]} == steps(place.model)


def test_older_dates(place: Place) -> None:
    """Models are asked about the newest dates only; those before keep what they have, also under other thresholds."""
    days = [DAY - timedelta(days=back) for back in (4, 3, 2, 1, 0)]
    place.source.days = {day: sheets(6, start=10 * at + 1) for at, day in enumerate(days)}
    for day in days:
        place.source.day = day
        place.refresh(now=datetime(day.year, day.month, day.day, 17, tzinfo=UTC))
        assert 2 == len(place.model.requests)
    assert ["must-read"] * 5 == [entry.band for entry in place.shown()]
    place.refresh(feeds_toml=feeds(rubric=RUBRIC.replace("must_read_at = 5", "must_read_at = 7")))
    assert [] == place.model.requests
    entries = place.shown()
    assert ["review"] * 5 == [entry.band for entry in entries]
    assert {"ready"} == {entry.summary.state for entry in entries if entry.summary}
    place.refresh(feeds_toml=feeds(language="ko"))
    assert {"screen": [21, 31, 41], "analyse": [21, 31, 41]} == steps(place.model)
    assert [None, None, 6, 6, 6] == sorted((entry.points for entry in place.shown()), key=lambda points: points or 0)
