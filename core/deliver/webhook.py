"""A webhook: a JSON document by POST, signed as Standard Webhooks has it (https://www.standardwebhooks.com)."""

import base64
import binascii
import hmac
from time import time
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import httpx

from core.model.delivery import Message, Room
from core.model.errors import ConfigError, DeliveryError
from core.util.signing import canonical_json

_SECONDS = 15.0
_PREFIX = "whsec_"


def signature(secret: bytes, identity: str, timestamp: int, body: bytes) -> str:
    """Returns the value of `webhook-signature`."""
    signed = f"{identity}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret, signed, "sha256").digest()).decode()


class Webhook:
    """`jsons://host/path?secret=…`: `secret` signs, and is not sent. Raises `ConfigError`."""

    kind = "webhook"
    room = Room()

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        query = parse_qsl(parts.query, keep_blank_values=True)
        self._secret = _key(next((value for name, value in query if name == "secret"), ""))
        rest = urlencode([(name, value) for name, value in query if name != "secret"])
        scheme = "https" if parts.scheme.lower() == "jsons" else "http"
        self._url = urlunsplit((scheme, parts.netloc, parts.path or "/", rest, ""))
        try:
            is_address = bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_address = False
        if not is_address:
            raise ConfigError(["the webhook has no valid host and port: jsons://host:443/path?secret=…"])

    def send(self, message: Message) -> None:
        """See `Target.send`. Redirects are not followed: messages go where the owner said."""
        body, now = canonical_json(message.plain), int(time())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message.identity,
            "webhook-timestamp": str(now),
        }
        if self._secret:
            headers["webhook-signature"] = signature(self._secret, message.identity, now, body)
        try:
            with (
                httpx.Client(timeout=_SECONDS) as client,
                client.stream("POST", self._url, content=body, headers=headers) as answer,
            ):
                status = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise DeliveryError(f"webhook: {type(error).__name__}") from None
        if not 200 <= status < 300:
            raise DeliveryError(f"webhook did not accept the message: it answered {status}")


def _key(text: str) -> bytes:
    if not text.startswith(_PREFIX):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ConfigError(["the webhook's secret begins with whsec_, but the rest is not Base64"]) from None
