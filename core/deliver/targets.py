"""Opens the target of an Apprise URL: a mailbox, a webhook that verifies signatures, or a chat.

Apprise knows the services and their protocols (https://github.com/caronc/apprise). Mails are made here, because they
have a plain-text part, an identity and a link to unsubscribe; a webhook is signed as https://www.standardwebhooks.com
says.
No message of an error has an address, which may hold secrets.
"""

import asyncio
import logging
import re
from contextlib import suppress
from importlib import import_module
from threading import Thread
from typing import Any, Protocol
from urllib.parse import urlsplit

from core.model.delivery import Message, Room
from core.model.errors import ConfigError, DeliveryError

NO_APPRISE = (
    "messages need the package apprise: pip install 'apprise>=2.3', or on Vercel and AWS add it to `dependencies` in "
    "pyproject.toml and deploy again; a webhook (json://, jsons://) needs no package"
)
SEND_SECONDS = 40.0  # of one message, with all that a target answers
LONGEST_CHAT = 12_000  # characters: beyond that nobody reads a chat message
# Limits in bytes: https://docs.ntfy.sh/publish/#limitations and
# https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
_BYTES = {"ntfy": 4096, "Feishu": 20_000, "Lark": 20_000}
_MARGIN = 0.8  # services count escapes, and some the title
_STATUS = re.compile(r"error=(\d{3})|\bHTTP (\d{3})\b|\b(4\d\d|5\d\d)\b")
WEBHOOKS = ("json", "jsons")


class Target(Protocol):
    """A place for messages. `kind` is "mail", "webhook" or the name of a chat service, which has `room` for a text."""

    kind: str
    room: Room

    def send(self, message: Message) -> None:
        """Send, and return when the target has accepted it. It may block without end. Raises `DeliveryError`."""


async def send_to(target: Target, message: Message) -> None:
    """Send, for at most `SEND_SECONDS`. Raises `DeliveryError`.

    Neither smtplib nor the clients of services bound a whole answer: a server that sends a byte at a time is waited for
    without end. So that nothing else waits for it, not even the end of the process, each message has a thread of its
    own. One that is given up may still arrive: it has the same identity then as the next try.
    """
    loop = asyncio.get_running_loop()
    accepted: asyncio.Future[None] = loop.create_future()

    def settle(error: Exception | None) -> None:
        if not accepted.done():
            accepted.set_result(None) if error is None else accepted.set_exception(error)

    def work() -> None:
        found: Exception | None = None
        try:
            target.send(message)
        except Exception as error:
            found = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, found)

    Thread(target=work, name=f"deliver to {target.kind}", daemon=True).start()
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await accepted
    except TimeoutError:
        raise DeliveryError(f"{target.kind} did not answer within {SEND_SECONDS:.0f} s") from None


def open_target(url: str) -> Target:
    """Returns the target of `url`, without connecting to it. Raises `ConfigError`, which does not quote it."""
    for name in ("httpx", "httpcore", "urllib3"):  # they log addresses, which may hold secrets
        logging.getLogger(name).setLevel(logging.WARNING)
    if urlsplit(url).scheme.lower() in WEBHOOKS:
        from core.deliver.webhook import Webhook

        return Webhook(url)
    try:
        apprise = import_module("apprise")  # 15 MB, and not in every deployment
    except ImportError:
        raise ConfigError([NO_APPRISE]) from None
    logger = logging.getLogger("apprise")
    logger.setLevel(logging.WARNING)
    logger.propagate = False  # its lines may have addresses with secrets
    known = apprise.Apprise()
    if not known.add(url) or len(known) != 1:
        raise ConfigError(["that is no URL of one target that Apprise knows: https://appriseit.com/services/"])
    (plugin,) = known
    if hasattr(plugin, "smtp_host") and hasattr(plugin, "from_addr"):
        from core.deliver.mail import Mailbox

        return Mailbox(plugin)
    return _Chat(apprise, known, plugin)


class _Chat:
    """A service that takes short texts: one message each, in the format that it prefers."""

    def __init__(self, apprise: Any, known: Any, plugin: Any) -> None:
        self.kind = str(plugin.service_name)
        self._known = known
        self._format = apprise.NotifyFormat.MARKDOWN
        plugin.overflow_mode = apprise.OverflowMode.TRUNCATE  # never two messages for one
        if self.kind == "ntfy":  # it shows Markdown where it is asked for
            plugin.notify_format = self._format
        most = _BYTES.get(self.kind, plugin.body_maxlen)
        self.room = Room(int(min(most * _MARGIN, LONGEST_CHAT)), in_bytes=self.kind in _BYTES)

    def send(self, message: Message) -> None:
        """See `Target.send`."""
        heard = _Heard()
        logger = logging.getLogger("apprise")
        logger.addHandler(heard)
        try:
            sent = self._known.notify(body=message.markdown, title=message.title, body_format=self._format)
        except Exception as error:
            raise DeliveryError(f"{self.kind}: {type(error).__name__}") from None
        finally:
            logger.removeHandler(heard)
        if not sent:
            raise DeliveryError(f"{self.kind} did not accept the message{heard.status}")


class _Heard(logging.Handler):
    """The status that a service answered with, and nothing else of what Apprise logs."""

    status = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the status."""
        if match := _STATUS.search(record.getMessage()):
            self.status = f": it answered {next(filter(None, match.groups()))}"
