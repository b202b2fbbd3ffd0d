"""On AWS Lambda, under its real runtime client: whichever way a request comes, the answer is that over plain HTTP."""

import asyncio
import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus
from xml.etree import ElementTree

import httpx
import pytest

from core.config.settings import ROOT, Settings
from core.store import keys
from core.store.sqlite import SqliteStore
from tests.api import DAYS, FEEDS, FRIDAY, NOWHERE, OF_EACH_REQUEST, TOKEN, Raw, make_settings, noon, send, store_days
from tests.conftest import ONLY_WHEN_ASKED, serving_app
from tests.support.arxiv_format import Sheet
from tests.support.runtime_api import Function, FunctionError, running_function
from tests.support.tiers import matrix
from tests.support.upstream import Upstream, serving

pytest.importorskip("awslambdaric", reason="Lambda's runtime client is for Linux only")

HOST = "abc123.execute-api.eu-central-1.amazonaws.com"
ODD = [
    Sheet("2603.90401", "A cache with a=b & a+b, 100% or x < y", creator='J\\"urgen M\\"uller', categories=("cs.DC",)),
    Sheet("2603.90402", "A cache with a&b", creator="First Sample", categories=("cs.DC", "cs.LG")),
]
ALL_DAYS = {**DAYS, FRIDAY: [*DAYS[FRIDAY], *ODD]}
SCHEDULED = {"version": "0", "detail-type": "Scheduled Event", "source": "aws.events", "resources": [], "detail": {}}


# -- events as AWS documents them


@dataclass(frozen=True)
class Asked:
    """A request; its target is what stands in the request line."""

    target: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


def function_url(asked: Asked, *, stage: str = "$default") -> dict[str, Any]:
    """The event of a Function URL."""
    path = asked.path if stage == "$default" else f"/{stage}{asked.path}"
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": asked.query,
        "headers": {name.lower(): value for name, value in asked.headers.items()},
        "requestContext": {
            "domainName": HOST,
            "http": {"method": asked.method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
            "routeKey": "$default",
            "stage": stage,
        },
        "isBase64Encoded": False,
    }


def http_api(asked: Asked, *, stage: str = "$default") -> dict[str, Any]:
    """The event of an HTTP API (payload format 2.0) whose one route is a proxy."""
    event = function_url(asked, stage=stage)
    shown = {name: ",".join(values) for name, values in decoded(asked.query).items()}
    route = "ANY /{proxy+}" if asked.path != "/" else "ANY /"
    return event | {
        "routeKey": route,
        "queryStringParameters": shown,
        "pathParameters": {"proxy": asked.path.strip("/")} if asked.path != "/" else None,
        "cookies": ["a=b"],
    }


def rest_api(asked: Asked, *, stage: str = "", base: str = "") -> dict[str, Any]:
    """The event of a REST API: at a domain, perhaps with a base path, or at its own address under a stage."""
    parameters = decoded(asked.query)
    return {
        "resource": "/{proxy+}" if asked.path != "/" else "/",
        "path": base + asked.path,
        "httpMethod": asked.method,
        "headers": dict(asked.headers),
        "multiValueHeaders": {name: [value] for name, value in asked.headers.items()},
        "queryStringParameters": {name: values[-1] for name, values in parameters.items()} or None,
        "multiValueQueryStringParameters": parameters or None,
        "pathParameters": {"proxy": asked.path.strip("/")} if asked.path != "/" else None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": "/{proxy+}",
            "httpMethod": asked.method,
            "path": (f"/{stage}" if stage else base) + asked.path,
            "stage": stage or "live",
            "domainName": HOST,
            "identity": {"sourceIp": "192.0.2.1"},
        },
        "body": None,
        "isBase64Encoded": False,
    }


def decoded(query: str) -> dict[str, list[str]]:
    """What API Gateway makes of a query string: split at each first `=` first, then decoded."""
    pairs = [token.partition("=") for token in query.split("&") if token]
    names = [unquote_plus(name) for name, _, _ in pairs]
    return {n: [unquote_plus(v) for name, _, v in pairs if unquote_plus(name) == n] for n in names}


KINDS: dict[str, Callable[[Asked], dict[str, Any]]] = {
    "function-url": function_url,
    "http-api": http_api,
    "rest-api": rest_api,
}


# -- the two that are compared


@dataclass(frozen=True)
class Both:
    """The function, and the same application in a plain server."""

    function: Function
    plain: httpx.Client
    upstream: Upstream
    store: Path
    behind: tuple[Raw, Raw]  # answers one after the other, the first of them when a batch was due

    def let_pass(self) -> None:
        """Make the function's store forget the last request to arXiv, as three seconds do."""

        async def main() -> None:
            store = SqliteStore(self.store)
            await store.delete(keys.ARXIV_GATE)
            await store.close()

        asyncio.run(main())

    def ask(self, kind: str, asked: Asked) -> tuple[Raw, Raw]:
        """The answers of the plain server and of the function, without what is of the connection alone."""
        over_http = send(self.plain, asked.target, method=asked.method, headers=asked.headers)
        host = {"Host": f"{self.plain.base_url.host}:{self.plain.base_url.port}", "X-Forwarded-Proto": "http"}
        event = KINDS[kind](Asked(asked.target, asked.method, {**host, **asked.headers}))
        return bare(over_http), bare(answer_of(self.function, event))


def answer_of(function: Function, event: Mapping[str, Any]) -> Raw:
    """The answer to an event as AWS would send it on."""
    answer = function.invoke(event)
    assert not answer["isBase64Encoded"], answer["headers"]
    several = {name: ", ".join(values) for name, values in answer.get("multiValueHeaders", {}).items()}
    body = base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()
    return Raw(answer["statusCode"], answer["headers"] | several, body)


def bare(answer: Raw) -> Raw:
    connection = ("date", "server", "connection", "transfer-encoding", *OF_EACH_REQUEST)
    return answer._replace(headers={n: v for n, v in sorted(answer.headers.items()) if n not in connection})


def environment(settings: Settings, url: str = NOWHERE) -> dict[str, str]:
    return {
        "PYTHONPATH": str(ROOT),
        **ONLY_WHEN_ASKED,
        "ARXIV_RSS_URL": url,
        "NOW": noon(FRIDAY).isoformat(),
        "SQLITE_PATH": str(settings.sqlite_path),
        "FEEDS_TOML": FEEDS,
        "CRON_SECRET": TOKEN,
    }


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """A plain server that has all days in store, and a function that fetches Friday when it is first asked."""
    folder, cold = tmp_path_factory.mktemp("plain"), tmp_path_factory.mktemp("function")
    before = {day: sheets for day, sheets in ALL_DAYS.items() if day != FRIDAY}
    store_days(make_settings(cold), before)
    with serving(Upstream(day=FRIDAY, sheets=ALL_DAYS[FRIDAY], delay=0.3)) as upstream:
        settings = make_settings(folder, arxiv_rss_url=upstream.url)
        store_days(settings, ALL_DAYS)
        env = environment(make_settings(cold), upstream.url)
        with (
            serving_app(settings) as url,
            httpx.Client(base_url=url) as plain,
            running_function("api.aws.handler", env, cold) as function,
        ):
            events = [function_url(Asked(path)) for path in ("/api/papers/2603.00000", "/api/papers")]
            first, second = (answer_of(function, event) for event in events)
            yield Both(function, plain, upstream, cold / "store.sqlite3", (first, second))


PAGES = [
    "/",
    "/rss",
    "/api/feeds/main.atom",
    "/api/feeds/main.json",
    "/api/feeds/main.rss?score>=3&category=cs.DC,cs.LG",
    "/api/feeds/everything.json?limit=2",
    "/api/papers",
    "/api/papers/2603.90401v1",
    "/api/papers/hep-th/9901001",
    "/api/health",
    "/openapi.json",
    "/api/papers/2603.00000",
    "/nothing/here",
    "/api/papers?score~10",
    "/api/refresh",
]
# With `feed=everything`, where each must find papers
QUERIES = [
    "score>=0",
    "score%3E%3D0",
    "score>%3D0",
    "score%21%3D1",
    "title~a%3Db",
    "title%7Ea%3Db",
    "title~a%26b",
    "title~a%2Bb",
    "title~on+graphs",
    "title~100%25",
    "author%3DJ%C3%BCrgen%20M%C3%BCller",
    "category=cs.DC%2Ccs.AI",
    "category=cs.DC&score<1&category=cs.LG",
    "per_day=1&type=new,cross,replace,replace-cross",
]
# One row of each kind: a page, a feed, a query with each spelling of an operator, a problem
DAILY = [
    *((kind, target) for kind in KINDS for target in ("/", "/api/feeds/main.rss?score>=3&category=cs.DC,cs.LG")),
    ("function-url", "/api/papers?score~10"), ("http-api", "/nothing/here"), ("rest-api", "/api/papers/hep-th/9901001"),
]  # fmt: skip
DAILY_QUERIES = [
    *((kind, query) for kind in KINDS for query in ("score>=0", "score%3E%3D0", "title~a%26b", "title~on+graphs")),
    ("rest-api", "author%3DJ%C3%BCrgen%20M%C3%BCller"), ("http-api", "category=cs.DC&score<1&category=cs.LG"),
]  # fmt: skip


@matrix(("kind", "target"), [(kind, target) for kind in KINDS for target in PAGES], daily=DAILY)
def test_pages(both: Both, kind: str, target: str) -> None:
    """Every page has the same status, headers and body as over plain HTTP, and none is sent in base64."""
    over_http, on_lambda = both.ask(kind, Asked(target))
    assert over_http == on_lambda


@matrix(("kind", "query"), [(kind, query) for kind in KINDS for query in QUERIES], daily=DAILY_QUERIES)
def test_queries(both: Both, kind: str, query: str) -> None:
    """However a filter is spelled, the function understands what the server does, and finds papers."""
    over_http, on_lambda = both.ask(kind, Asked(f"/api/papers?feed=everything&{query}"))
    assert over_http == on_lambda
    assert 200 == on_lambda.status
    assert b'"papers":[{' in on_lambda.body


@matrix("kind", KINDS, daily=("function-url",))
@pytest.mark.parametrize("method", ["HEAD", "POST", "DELETE"])
@pytest.mark.parametrize("target", ["/rss", "/api/refresh", "/nothing/here"])
def test_methods(both: Both, kind: str, method: str, target: str) -> None:
    """HEAD has the headers and no body; what a path does not offer is refused in the same words."""
    over_http, on_lambda = both.ask(kind, Asked(target, method))
    assert over_http == on_lambda
    assert method != "HEAD" or b"" == on_lambda.body


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", ["/rss", "/api/papers?score>=3"])
def test_conditional_requests(both: Both, kind: str, target: str) -> None:
    """A client that has the document gets 304, without a type that would be taken for that of the document."""
    etag = both.ask(kind, Asked(target))[1].headers["etag"]
    over_http, on_lambda = both.ask(kind, Asked(target, headers={"If-None-Match": etag}))
    assert over_http == on_lambda
    assert (304, b"") == (on_lambda.status, on_lambda.body)
    assert "content-type" not in on_lambda.headers


@pytest.mark.parametrize("kind", KINDS)
def test_refresh(both: Both, kind: str) -> None:
    """Refreshing over HTTP needs the token; with it, arXiv is asked, and the report is the answer."""
    event = KINDS[kind](Asked("/api/refresh", "POST"))
    assert 401 == answer_of(both.function, event).status
    both.let_pass()
    asked = len(both.upstream.requests)
    event = KINDS[kind](Asked("/api/refresh", headers={"Host": HOST, "Authorization": f"Bearer {TOKEN}"}))
    answer = answer_of(both.function, event)
    assert 200 == answer.status, answer.body
    assert b'"state":"unconfirmed"' in answer.body
    assert asked < len(both.upstream.requests)


def test_nothing_is_left_for_later(both: Both) -> None:
    """A batch that is due is there when any first answer is out: afterwards the process stands still."""
    first, second = both.behind
    assert [404, 200] == [first.status, second.status]
    assert FRIDAY.isoformat().encode() in second.body


# -- where the client sees the application

CACHED = Asked("/api/feeds/main.atom", headers={"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-Port": "443"})
PLACES = {
    "function-url": (function_url(CACHED), ""),
    "http-api": (http_api(CACHED), ""),
    "http-api-stage": (http_api(CACHED, stage="prod"), "/prod"),
    "http-api-default-route": (function_url(CACHED, stage="prod"), "/prod"),
    "http-api-stage-api": (http_api(CACHED, stage="api"), "/api"),
    "rest-api-domain": (rest_api(CACHED), ""),
    "rest-api-stage": (rest_api(CACHED, stage="Prod"), "/Prod"),
    "rest-api-stage-api": (rest_api(CACHED, stage="api"), "/api"),
    "rest-api-base-path": (rest_api(CACHED, base="/wire/v1"), "/wire/v1"),
}


@pytest.mark.parametrize(("event", "root"), PLACES.values(), ids=PLACES)
def test_links_lead_back(both: Both, event: dict[str, Any], root: str) -> None:
    """Links in feeds have the stage or the base path in them, so that they lead to where the request came from."""
    answer = answer_of(both.function, event)
    assert 200 == answer.status, answer.body
    feed = ElementTree.fromstring(answer.body)
    links = {link.get("rel"): link.get("href") for link in feed.findall("{http://www.w3.org/2005/Atom}link")}
    assert f"https://{HOST}{root}/feeds/main" == links["alternate"]
    assert f"https://{HOST}{root}/api/feeds/main.atom" == links["self"]


@pytest.mark.parametrize("target", ["/", "/api/papers/2603.90301", "/rss", "/openapi.json"])
@pytest.mark.parametrize("stage", ["prod", "api"])
def test_every_path_below_a_stage(both: Both, stage: str, target: str) -> None:
    """Below a stage, whatever its name, all paths are what they are without one."""
    asked = Asked(target, headers={"Host": HOST})
    for event in (rest_api(asked, stage=stage), http_api(asked, stage=stage), function_url(asked, stage=stage)):
        assert 200 == answer_of(both.function, event).status
    home = rest_api(Asked("/"), stage=stage)
    home["requestContext"]["path"] = f"/{stage}"  # as it is when the client leaves out the last slash
    assert 200 == answer_of(both.function, home).status


# -- without HTTP


def test_schedule(both: Both) -> None:
    """A schedule refreshes without a token, for nobody can send its event over HTTP."""
    both.let_pass()
    asked = len(both.upstream.requests)
    report = both.function.invoke(SCHEDULED)
    assert (FRIDAY.isoformat(), "unconfirmed") == (report["date"], report["state"])
    assert asked < len(both.upstream.requests)


def test_the_source_of_a_request_is_not_in_its_hands(both: Both) -> None:
    """A client that sends a schedule's event as its body gets no refresh."""
    event = function_url(Asked("/api/refresh", "POST")) | {"body": '{"source": "aws.events"}'}
    assert 401 == answer_of(both.function, event).status


def test_a_schedule_that_fails_is_tried_again(tmp_path: Path) -> None:
    """A scheduled refresh that brings nothing is an error of the function, which is what makes Lambda try again."""
    with serving(Upstream(faults=["html"], faulty_for_ever=True)) as upstream:
        env = environment(make_settings(tmp_path), upstream.url)
        with running_function("api.aws.handler", env, tmp_path) as function:
            with pytest.raises(FunctionError, match="HTML page") as caught:
                function.invoke(SCHEDULED)
            assert "SourceError" == caught.value.type
            assert 503 == answer_of(function, function_url(Asked("/rss"))).status


def test_a_function_without_a_store_says_so(tmp_path: Path) -> None:
    """Where no store is configured, pages and schedules say what to set: the disk of a function does not stay."""
    env = environment(make_settings(tmp_path))
    del env["SQLITE_PATH"]
    with running_function("api.aws.handler", env, tmp_path) as function:
        answer = answer_of(function, function_url(Asked("/rss")))
        assert 503 == answer.status
        assert b"UPSTASH_REDIS_REST_URL" in answer.body
        with pytest.raises(FunctionError, match="UPSTASH_REDIS_REST_URL"):
            function.invoke(SCHEDULED)
