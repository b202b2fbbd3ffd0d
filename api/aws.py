"""`handler`, for AWS Lambda: Function URLs, API Gateway's HTTP and REST APIs, EventBridge schedules, and SQS."""

import asyncio
import re
from typing import Any
from urllib.parse import quote_plus, unquote

from mangum import Mangum
from starlette.types import Receive, Scope, Send

from api.deadline import MARGIN_SECONDS
from api.index import app
from core.app import Paperwire
from core.config.settings import load_settings
from core.model.errors import SourceError

FINISH_SECONDS = 10  # after up to 15 s for a first request; API Gateway times out after 29 s


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer an HTTP request, or refresh on schedule, or do a step for the queue. A failed refresh raises, and Lambda
    tries again.
    """
    # No HTTP client can set these: its request is inside the event
    if event.get("source") == "aws.events":
        scope = str((event.get("detail") or {}).get("scope", "all"))
        return asyncio.get_event_loop().run_until_complete(_refresh(_left(context), scope))
    if (records := event.get("Records")) and records[0].get("eventSource") == "aws:sqs":
        return asyncio.get_event_loop().run_until_complete(_work(_left(context), str(records[0]["body"])))
    answer = _http(event, context)
    if answer["statusCode"] == 304:  # Mangum adds JSON's media type, which caches would apply to their copy
        answer["headers"].pop("content-type", None)
    return answer


def _left(context: Any) -> float:
    """Returns how long a step may take: until Lambda ends the function, less a margin."""
    return max(float(context.get_remaining_time_in_millis()) / 1000 - MARGIN_SECONDS, 1.0)


async def _refresh(seconds: float, scope: str) -> dict[str, Any]:
    settings = load_settings()
    if "catch_up_seconds" in settings.model_fields_set:
        seconds = min(seconds, settings.catch_up_seconds)
    wire = Paperwire(settings)
    try:
        report = await wire.refresh("pending" if scope == "pending" else "all", seconds=seconds)
    finally:
        await wire.close()
    if report.failed:
        raise SourceError(report.failed)
    return {"status": "running"} if "today" in report.busy else report.to_plain()


async def _work(seconds: float, key: str) -> dict[str, Any]:
    """Do the step that the queue delivers. One that another process does is not delivered again: that one goes on."""
    wire = Paperwire(load_settings())
    try:
        return (await wire.refresh("step", seconds=seconds, key=key)).to_plain()
    finally:
        await wire.close()


async def _application(scope: Scope, receive: Receive, send: Send) -> None:
    """The application at the path that clients see. Waits for background work: Lambda freezes the process after it."""
    event, path = scope["aws.event"], scope["path"]
    if "resource" in event:  # a REST API
        path = unquote(event["requestContext"].get("path") or path)
        scope = {**scope, "query_string": _query(event)}
    root = _root(event, path)
    await app({**scope, "path": root + (path.removeprefix(root) or "/"), "root_path": root}, receive, send)
    if behind := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(behind, timeout=FINISH_SECONDS)


def _root(event: dict[str, Any], path: str) -> str:
    """Returns the prefix of the application's paths, from the event's route: stage or base path."""
    route, values = event.get("resource") or event["routeKey"].partition(" ")[2], event.get("pathParameters") or {}
    if route.startswith("/"):  # not $default
        own = re.sub(r"{(\w+)\+?}", lambda name: unquote(values.get(name[1], "")), route)
        return path.rstrip("/").removesuffix(own.rstrip("/"))
    stage = f"/{event['requestContext'].get('stage')}"
    return stage if f"{path}/".startswith(f"{stage}/") else ""


def _query(event: dict[str, Any]) -> bytes:
    """Encode the parameters again: the event has them decoded and split at the first `=`, `score>10` as a bare name."""
    pairs = (event.get("multiValueQueryStringParameters") or {}).items()
    sent = [(quote_plus(name, "!~"), quote_plus(value, ",:/")) for name, values in pairs for value in values]
    alone = re.compile("~|%3[CDE]").search  # ~ < = >
    return "&".join(name if not value and alone(name) else f"{name}={value}" for name, value in sent).encode()


_http = Mangum(_application, lifespan="off", text_mime_types=["text/", "/json", "+json", "/xml", "+xml"])
