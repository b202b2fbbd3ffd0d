"""Messages at the other end: each service's own limits and shapes, mail with TLS, a signed webhook."""

import asyncio
import base64
import hmac
import logging
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path

import pytest

from core.deliver import targets
from core.deliver.targets import open_target, send_to
from core.llm.extractive import extract
from core.model.delivery import Message, Room
from core.model.errors import ConfigError, DeliveryError
from core.render.message import Brief, Part, make_message
from tests.support.digests import ENTRIES, FEED, RECORD, entry
from tests.support.targets import (
    Mails,
    Service,
    anything,
    discord_faults,
    feishu_faults,
    ntfy_faults,
    serving_mail,
    serving_service,
    slack_faults,
    telegram_faults,
)

# Where Apprise has the address of a service, what stands there, its check, and a URL as the service's owner has it
CHATS = {
    "Discord": ("discord", "NotifyDiscord", "notify_url", "{}/api/webhooks", discord_faults, "discord://{id}/{token}"),
    "Slack": (
        "slack",
        "NotifySlack",
        "webhook_url",
        "{}/services",
        slack_faults,
        "slack://T1JJ3T3L2/A1BRTD4JD/{token}",
    ),
    "Telegram": (
        "telegram",
        "NotifyTelegram",
        "notify_url",
        "{}/bot",
        telegram_faults,
        "tgram://{id}:{token}/12315544",
    ),
    "Feishu": ("feishu", "NotifyFeishu", "notify_url", "{}/hook/{{token}}/", feishu_faults, "feishu://{token}"),
    "ntfy": ("ntfy", "", "", "", ntfy_faults, "ntfy://{host}/topic"),
}
TOKEN = "TIiajkdnlazkcOXrIdevi7FQ"
HOSTILE = entry(9, 3, "@everyone *bold* <!channel> [x](http://evil.example) `code` | A & B_c_d <b>")


def links(_: object) -> list[tuple[str, str]]:
    return [
        (name, f"https://wire.example/vote/main/{name}/0123456789abcdef0123456789abcdef/x") for name in ("like", "save")
    ]


def message(room: Room, papers: int = 7, language: str = "en") -> Message:
    entries = (
        (HOSTILE, *ENTRIES)[:papers]
        if papers < 9
        else tuple(entry(n, 9, f"论文标题 한국어 {n}") for n in range(papers))
    )
    section = Part(FEED, entries, len(entries) + 3, RECORD, "https://wire.example/feeds/main", links)
    brief = Brief(
        "paperwire.x.1", "x", "Test wire", "2026-03-06", [section], language=language, room=room,
        unsubscribe="https://wire.example/unsubscribe/x/1",
    )  # fmt: skip
    return make_message(brief, lambda paper: extract(paper, "en"))


def _plugin(module: str, name: str) -> type:
    plugin: type = getattr(import_module(f"apprise.plugins.{module}"), name)
    return plugin


@pytest.fixture(params=CHATS)
def chat(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Service, str]]:
    module, name, attribute, template, check, url = CHATS[request.param]
    # Apprise leaves seconds between two messages: here it does not have to
    monkeypatch.setattr(_plugin(module, name or "NotifyNtfy"), "request_rate_per_sec", 0)
    with serving_service(check, "ok" if request.param == "Slack" else {"ok": True, "code": 0}) as service:
        if module != "ntfy":
            monkeypatch.setattr(_plugin(module, name), attribute, template.format(service.url))
        yield request.param, service, url.format(host=service.host, id=123456789, token=TOKEN)


@pytest.mark.parametrize("papers", [1, 7, 50])
def test_chats(chat: tuple[str, Service, str], papers: int) -> None:
    """One message, within the limits that the service documents, and nothing in it calls a whole team."""
    kind, service, url = chat
    target = open_target(url)
    for language in ("en", "ko"):
        target.send(message(target.room, papers, language))
    assert (kind, [], 2) == (target.kind, service.faults, len(service.received))
    text = service.received[0].body.decode()
    assert "Storage for models" in text
    assert "arxiv.org/abs/" in text
    for call in ("@everyone", "<!channel>", "](http://evil.example)"):
        assert call not in text.replace("\\u2060", "\u2060")


def test_a_chat_that_refuses(chat: tuple[str, Service, str], caplog: pytest.LogCaptureFixture) -> None:
    """The error names the service and its status, and neither address nor token; the log neither."""
    kind, service, url = chat
    service.status = 403
    target = open_target(url)
    with caplog.at_level(logging.DEBUG), pytest.raises(DeliveryError) as caught:
        target.send(message(target.room))
    assert str(caught.value) in (f"{kind} did not accept the message{end}" for end in ("", ": it answered 403"))
    assert TOKEN not in caplog.text


@pytest.fixture
def mails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mails]:
    with serving_mail(tmp_path) as mails:
        monkeypatch.setenv("SSL_CERT_FILE", str(mails.certificate))
        yield mails


def test_mail(mails: Mails) -> None:
    """HTML and plain text, over TLS with a password; one identity, and one click to unsubscribe (RFC 8058)."""
    target = open_target(mails.url() + "&cc=copy@example.org")
    made = message(target.room)
    target.send(made)
    (mail,) = mails.accepted
    assert [("wire@example.org", ["reader@example.org", "copy@example.org"])] == mails.envelopes
    assert ["wire"] == mails.users
    assert (made.title, "<paperwire.x.1@example.org>") == (mail["Subject"], mail["Message-ID"])
    assert "<https://wire.example/unsubscribe/x/1>" == mail["List-Unsubscribe"]
    assert "List-Unsubscribe=One-Click" == mail["List-Unsubscribe-Post"]
    assert "multipart/alternative" == mail.get_content_type()
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert made.text.split() == plain.get_content().split()
    assert made.html.split() == html.get_content().split()
    assert "&lt;b&gt;" not in html.get_content().split("<body")[0]


def test_mail_servers_that_refuse(mails: Mails, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong password, a full mailbox, a certificate of nobody, no server: said in words, without the address."""
    for url, refuse, expected in (
        (mails.url().replace("secret-word", "wrong"), "", "refused user or password (535)"),
        (mails.url(), "452 mailbox full", "it answered 452"),
        (mails.url().replace(f":{mails.port}", ":9"), "", "could not be used: ConnectionRefusedError"),
    ):
        mails.refuse = refuse
        target = open_target(url)
        with pytest.raises(DeliveryError) as caught:
            target.send(message(target.room, 1))
        assert expected in str(caught.value)
        assert not {"secret-word", "localhost", "example.org"} & set(str(caught.value).split())
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(DeliveryError, match="SSLCertVerificationError"):
        open_target(mails.url()).send(message(Room(), 1))
    assert [] == mails.accepted


def test_webhook() -> None:
    """The document is signed as Standard Webhooks has it, and the secret is not sent."""
    key = base64.b64encode(b"a key of 24 bytes, or so").decode()
    with serving_service(anything) as service:
        target = open_target(f"json://user:word@{service.host}/hook?a=1&secret=whsec_{key}")
        made = message(target.room)
        target.send(made)
        (one,) = service.received
        service.status = 302
        with pytest.raises(DeliveryError, match="it answered 302"):
            target.send(made)
    assert "/hook?a=1" == one.path
    assert one.json["feeds"][0]["entries"][0]["id"] == HOSTILE.id
    identity, timestamp = one.headers["webhook-id"], one.headers["webhook-timestamp"]
    signed = f"{identity}.{timestamp}.".encode() + one.body
    expected = base64.b64encode(hmac.new(b"a key of 24 bytes, or so", signed, "sha256").digest()).decode()
    assert ("paperwire.x.1", f"v1,{expected}") == (identity, one.headers["webhook-signature"])
    assert key not in str(one.headers) + one.path + one.body.decode()


@pytest.mark.parametrize(
    "url", ["nowhere://x", "mailtos://", "jsons://", "json://host:0/", "json://h/?secret=whsec_!!", "discord://x"]
)
def test_wrong_addresses(url: str) -> None:
    """What is no target is a mistake of the configuration, which is not quoted."""
    with pytest.raises(ConfigError) as caught:
        open_target(url)
    assert "whsec_!!" not in str(caught.value)


class _Dripping(socketserver.BaseRequestHandler):
    """A server that answers a byte at a time, and never ends: as HTTP, or as SMTP."""

    def handle(self) -> None:
        begin = b"2" if self.server.server_address[1] == self.server.smtp else b"HTTP/1.1 200 OK\r\nX: "  # type: ignore[attr-defined]
        with suppress(OSError):
            self.request.sendall(begin)
            while not self.server.over.wait(0.02):  # type: ignore[attr-defined]
                self.request.sendall(b"2")


@contextmanager
def dripping(*, smtp: bool) -> Iterator[int]:
    """The port of such a server."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Dripping) as server:
        port: int = server.server_address[1]
        server.smtp, server.over = port if smtp else 0, threading.Event()  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield port
        finally:
            server.over.set()  # type: ignore[attr-defined]
            server.shutdown()


@pytest.mark.parametrize("kind", ["webhook", "ntfy", "mail"])
def test_servers_that_never_end(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever library waits for it: the failure is named, without the address, and nothing else waits."""
    monkeypatch.setattr(targets, "SEND_SECONDS", 0.5)
    url = {
        "webhook": "json://{}/x",
        "ntfy": "ntfy://{}/topic",
        "mail": "mailto://u:p@{}?from=a@example.org&to=b@example.org",
    }
    with dripping(smtp=kind == "mail") as port:
        target = open_target(url[kind].format(f"127.0.0.1:{port}"))
        with pytest.raises(DeliveryError, match=f"^{target.kind} did not answer within 0 s$") as caught:
            asyncio.run(send_to(target, message(target.room, 1)))
    assert caught.value.again
