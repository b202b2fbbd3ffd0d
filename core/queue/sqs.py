"""Amazon SQS, which calls a Lambda function: one signed HTTP call to send a message.

The call is signed by hand (Signature Version 4): boto3 takes 300 ms to import and is not in every image.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import orjson

from core.queue.base import post

_SERVICE = "sqs"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What Lambda gives to a function in its environment."""

    key_id: str
    secret: str
    session: str = ""


@dataclass(frozen=True, slots=True)
class SqsQueue:
    """The queue with this `url`, a standard one: it delivers at least once, and knows no duplicates.

    Lambda ends a chain of its calls after 16, so this one has fewer.
    """

    url: str
    region: str
    credentials: Credentials
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    most_delay: int = 900
    most_links: int = 12

    async def schedule(self, delay: int, key: str) -> None:
        """See `Queue`."""
        parts = urlsplit(self.url)
        body = orjson.dumps({"QueueUrl": self.url, "MessageBody": key, "DelaySeconds": delay})
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "Host": parts.netloc,
            "X-Amz-Target": "AmazonSQS.SendMessage",
        }
        signed = authorized(headers, body, self.region, _SERVICE, self.credentials, self.clock())
        await post(f"{parts.scheme}://{parts.netloc}/", signed, body)


def authorized(
    headers: Mapping[str, str], body: bytes, region: str, service: str, credentials: Credentials, now: datetime
) -> dict[str, str]:
    """Returns `headers` of a POST to the path `/` with its time and its signature. They have to include `Host`."""
    moment = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    sent = {**headers, "X-Amz-Date": moment}
    if credentials.session:
        sent["X-Amz-Security-Token"] = credentials.session
    named = sorted((name.lower(), value.strip()) for name, value in sent.items())
    names = ";".join(name for name, _ in named)
    lines = "".join(f"{name}:{value}\n" for name, value in named)
    request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{credentials.secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    who = f"Credential={credentials.key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**sent, "Authorization": f"AWS4-HMAC-SHA256 {who}"}
