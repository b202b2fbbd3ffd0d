"""Stand-ins for where messages go: a mail server with TLS, chats that check what their services document, a webhook."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.support.loopback import Handler, listening
from tests.support.ports import free_port


@dataclass
class Received:
    """One request: its path, its headers in lower case, and its body."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Service:
    """A service that takes down what it gets; with a `status` other than 200 it refuses it."""

    url: str = ""
    status: int = 200
    received: list[Received] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    before: Callable[[], None] = lambda: None

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc


Check = Callable[[Received], list[str]]


@contextmanager
def serving_service(check: Check, answer: Any = None) -> Iterator[Service]:
    """A service whose `check` names what its documentation does not allow; what is good gets `answer`."""
    service = Service()

    class Answering(Handler):
        def reply(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            one = Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            service.before()
            service.received.append(one)
            service.faults += check(one)
            data = json.dumps({"ok": True} if answer is None else answer).encode()
            data = data if isinstance(answer, dict) or answer is None else str(answer).encode()
            self.send_response(service.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    with listening(Answering) as url:
        service.url = url
        yield service


def slack_faults(one: Received) -> list[str]:
    """https://docs.slack.dev/reference/block-kit/blocks: 50 blocks, 3,000 characters in the text of a section.

    https://docs.slack.dev/changelog/2018-truncating-really-long-messages: 40,000 characters.
    """
    plain = one.json
    faults = [] if len(one.body) < 40_000 else ["the message has more than 40,000 characters"]
    if not (plain.get("text") or plain.get("blocks") or plain.get("attachments")):
        faults.append("no_text")
    blocks = [*plain.get("blocks", ()), *(b for a in plain.get("attachments", ()) for b in a.get("blocks", ()))]
    if len(blocks) > 50:
        faults.append("more than 50 blocks")
    faults += [f"{len(b['text']['text'])} characters" for b in blocks if "text" in b and len(b["text"]["text"]) > 3000]
    return faults


def discord_faults(one: Received) -> list[str]:
    """https://discord.com/developers/docs/resources/message#embed-object-embed-limits; content has 2,000 characters."""
    plain = one.json
    embeds = plain.get("embeds", [])
    faults = [] if len(plain.get("content") or "") <= 2000 else ["content is too long"]
    if not (plain.get("content") or embeds):
        faults.append("an empty message")
    if len(embeds) > 10:
        faults.append("more than 10 embeds")
    total = 0
    for embed in embeds:
        fields = embed.get("fields", [])
        texts = [embed.get("title") or "", embed.get("description") or ""]
        limits = [(256, texts[0]), (4096, texts[1])]
        limits += [(256, f["name"]) for f in fields] + [(1024, f["value"]) for f in fields]
        faults += [f"a text has more than {most}" for most, text in limits if len(text) > most]
        faults += ["more than 25 fields"] if len(fields) > 25 else []
        total += sum(len(text) for _, text in limits)
    return faults + (["embeds have more than 6,000 characters"] if total > 6000 else [])


_TELEGRAM_TAGS = {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "a", "code", "pre", "blockquote"}


def telegram_faults(one: Received) -> list[str]:
    """https://core.telegram.org/bots/api#sendmessage: 1 to 4096 characters after parsing, a few tags of HTML."""
    plain = one.json
    text = plain.get("text", "")
    faults = [] if plain.get("chat_id") else ["chat_id is empty"]
    if plain.get("parse_mode") == "HTML":
        names = {name.lower() for name in re.findall(r"</?([A-Za-z][\w-]*)", text)}
        faults += [f"unsupported start tag {name}" for name in names - _TELEGRAM_TAGS]
        text = re.sub(r"<[^>]*>", "", text)
    if not 1 <= len(text) <= 4096:
        faults.append(f"message has {len(text)} characters")
    return faults


def feishu_faults(one: Received) -> list[str]:
    """https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot: 20 KB, a known type with its content."""
    plain = one.json
    faults = [] if len(one.body) <= 20_000 else ["the request is larger than 20 KB"]
    content = {"text": "content", "interactive": "card", "post": "content"}.get(plain.get("msg_type"))
    return faults + ([] if content and plain.get(content) else [f"msg_type {plain.get('msg_type')} without content"])


def ntfy_faults(one: Received) -> list[str]:
    """https://docs.ntfy.sh/publish/#limitations: a message of 4,096 bytes; a longer one becomes an attachment."""
    text = one.json.get("message", "") if one.body.startswith(b"{") else one.body.decode()
    return [] if 0 < len(text.encode()) <= 4096 else [f"the message has {len(text.encode())} bytes"]


def anything(_: Received) -> list[str]:
    """A webhook takes any document."""
    return []


@dataclass
class Mails:
    """A mail server: its address, and the mails that it has accepted, each with who sent it to whom."""

    port: int = 0
    certificate: Path = Path()
    accepted: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    refuse: str = ""

    def url(self, *, user: str = "wire", to: str = "reader@example.org") -> str:
        """The URL for Apprise, which verifies the certificate."""
        return f"mailtos://{user}:secret-word@localhost:{self.port}?from=wire@example.org&to={to}&mode=starttls"


@contextmanager
def serving_mail(folder: Path) -> Iterator[Mails]:
    """A mail server on loopback that wants TLS and a password."""
    import ssl

    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import AuthResult, Envelope, Session

    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-days", "2", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *files, *subject], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    mails = Mails(certificate=certificate)

    class Taking:
        async def handle_DATA(self, _server: object, session: Session, envelope: Envelope) -> str:  # noqa: N802
            if mails.refuse:
                return mails.refuse
            assert session.ssl
            data = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
            mails.accepted.append(message_from_bytes(data, policy=policy.default))  # type: ignore[arg-type]
            mails.envelopes.append((str(envelope.mail_from), list(envelope.rcpt_tos)))
            return "250 OK"

    def authenticate(_server: object, _session: object, _envelope: object, _mechanism: str, data: Any) -> AuthResult:
        mails.users.append(data.login.decode())
        return AuthResult(success=data.password == b"secret-word", handled=False)

    controller = Controller(
        Taking(), hostname="127.0.0.1", port=free_port(), tls_context=context, require_starttls=True,
        auth_required=True, authenticator=authenticate, ready_timeout=120,
    )  # fmt: skip
    controller.start()
    try:
        mails.port = controller.port
        yield mails
    finally:
        controller.stop()
