"""Telling people that something went wrong: in the log, by webhook or by mail.

A message that cannot be sent is logged and forgotten: it never stops what it is about.

Belongs here: the message and the ways to send it. Does not belong here: when one is sent
(``automation.py``).
"""

import json
import logging
import smtplib
import ssl
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from orchestration.settings import Settings

#: For each step of talking to a server.
TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Notification:
    """What went wrong, why, what to do about it, and where to read more."""

    title: str
    problem: str
    way_out: str
    link: str

    @property
    def text(self) -> str:
        """All of it, a line each."""
        return "\n".join(
            part for part in (self.title, self.problem, self.way_out, self.link) if part
        )


def notify(settings: Settings, notification: Notification, log: logging.Logger) -> bool:
    """Send a message the way the settings say; the log gets it in any case.

    Args:
        settings: the way, and where to.
        notification: the message.
        log: gets the message, and why it could not be sent.

    Returns:
        whether it was sent; never raises for a server that does not do its part.
    """
    log.error(notification.text)
    try:
        if settings.notifier == "webhook":
            _post(settings, notification)
        elif settings.notifier == "email":
            _mail(settings, notification)
    except (OSError, HTTPException, smtplib.SMTPException, ValueError) as error:
        log.error(
            f"The notifier {settings.notifier} could not send this: {error}. Check the settings "
            "CUSTOMER_VALUE_NOTIFY_*."
        )
        return False
    return True


def _post(settings: Settings, notification: Notification) -> None:
    """Post JSON; ``text`` is the field that chat programs show."""
    if settings.notify_webhook_url is None:
        raise ValueError("no address is set")
    url = urlsplit(settings.notify_webhook_url.get_secret_value())
    host = url.hostname or ""
    connection = (
        HTTPSConnection(host, url.port, timeout=TIMEOUT_SECONDS)
        if url.scheme == "https"
        else HTTPConnection(host, url.port, timeout=TIMEOUT_SECONDS)
    )
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    body = json.dumps({"text": notification.text, **asdict(notification)}).encode()
    try:
        connection.request("POST", target, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read(10_000)
    finally:
        connection.close()
    if response.status >= 300:
        raise ValueError(f"the server answered {response.status} {response.reason}")


def _mail(settings: Settings, notification: Notification) -> None:
    message = EmailMessage()
    message["Subject"] = notification.title
    message["From"] = settings.notify_email_from
    message["To"] = ", ".join(settings.notify_email_to)
    message.set_content(notification.text)
    with smtplib.SMTP(
        settings.notify_smtp_host, settings.notify_smtp_port, timeout=TIMEOUT_SECONDS
    ) as server:
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        if settings.notify_smtp_user and settings.notify_smtp_password:
            server.login(
                settings.notify_smtp_user, settings.notify_smtp_password.get_secret_value()
            )
        server.send_message(message)
