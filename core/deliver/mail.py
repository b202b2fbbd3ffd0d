"""A mailbox: HTML with a plain-text part, one identity however often it is sent, and a link to unsubscribe.

Apprise reads the URL, and knows the servers of mail providers by their domains; `smtplib` sends.
"""

import logging
import smtplib
import ssl
from collections.abc import Iterable, Sequence
from contextlib import suppress
from email.message import EmailMessage
from email.utils import formataddr, formatdate
from typing import Any

from core.model.delivery import Message, Room
from core.model.errors import ConfigError, DeliveryError

log = logging.getLogger("paperwire")
_SECONDS = 20.0
_AUTHENTICATION = (530, 534, 535)


class Mailbox:
    """The recipients of one mailto:// or mailtos:// URL, as Apprise's `plugin` has read it. Raises `ConfigError`."""

    kind = "mail"
    room = Room()

    def __init__(self, plugin: Any) -> None:
        self._plugin = plugin
        if not plugin.targets:
            raise ConfigError(["the mail has no recipient: mailtos://user:password@example.org?to=you@example.org"])

    def send(self, message: Message) -> None:
        """See `Target.send`. All recipients are in one transaction: a failure repeats it for none or for all."""
        plugin = self._plugin
        mail = make_mail(message, plugin.from_addr, _named(plugin.targets), sorted(plugin.cc))
        recipients = [address for _, address in plugin.targets] + sorted({*plugin.cc, *plugin.bcc})
        try:
            with self._connected() as smtp:
                refused = smtp.send_message(mail, plugin.from_addr[1], recipients)
        except smtplib.SMTPResponseException as error:
            raise DeliveryError(_said(error.smtp_code)) from None
        except smtplib.SMTPRecipientsRefused:
            raise DeliveryError("the mail server refused all recipients") from None
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryError(f"the mail server could not be used: {type(error).__name__}") from None
        if refused:
            log.warning("a mail server refused %d of %d recipients", len(refused), len(recipients))

    def _connected(self) -> smtplib.SMTP:
        plugin = self._plugin
        context = ssl.create_default_context()
        if not plugin.verify_certificate:  # the owner's ?verify=no
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        mode, address = str(plugin.secure_mode), (plugin.smtp_host, plugin.port)
        if mode == "ssl":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(*address, timeout=_SECONDS, context=context)
        else:
            smtp = smtplib.SMTP(*address, timeout=_SECONDS)
        try:
            if mode == "starttls":
                smtp.starttls(context=context)
            if plugin.user and plugin.password:
                smtp.login(plugin.user, plugin.password)
        except BaseException:
            with suppress(OSError, smtplib.SMTPException):
                smtp.close()
            raise
        return smtp


def make_mail(message: Message, sender: Sequence[str], to: Sequence[str], cc: Sequence[str] = ()) -> EmailMessage:
    """Returns the mail from `sender` (name and address) to these addresses."""
    mail = EmailMessage()
    mail["Subject"] = message.title
    mail["From"] = formataddr((sender[0] or "Paperwire", sender[1]))
    mail["To"] = ", ".join(to)
    if cc:
        mail["Cc"] = ", ".join(cc)
    mail["Date"] = formatdate()
    mail["Message-ID"] = f"<{message.identity}@{sender[1].rpartition('@')[2] or 'paperwire.invalid'}>"
    mail["Auto-Submitted"] = "auto-generated"
    if message.unsubscribe:  # RFC 2369, RFC 8058
        mail["List-Unsubscribe"] = f"<{message.unsubscribe}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(message.text, cte="quoted-printable")
    mail.add_alternative(message.html, subtype="html", cte="quoted-printable")
    return mail


def _named(targets: Iterable[tuple[str, str]]) -> list[str]:
    return [formataddr((name or "", address)) for name, address in targets]


def _said(code: int) -> str:
    if code in _AUTHENTICATION:
        return f"the mail server refused user or password ({code})"
    return f"the mail server did not accept the message: it answered {code}"
