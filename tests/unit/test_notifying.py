"""Notifiers: what arrives at a server on this machine, and what happens when none is there."""

import json
import logging
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from orchestration import notifying
from orchestration.notifying import Notification, notify
from orchestration.settings import Settings

NOTIFICATION = Notification(
    title="customer-value: refresh failed",
    problem="2 landing files could not be loaded: a.csv: Größe fehlt.",
    way_out="Put them right or remove them.",
    link="http://127.0.0.1:3000/runs/4711",
)
LOG = logging.getLogger("tests.notifying")


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Webhook(HTTPServer):
    """Keeps what is posted; answers with ``status``."""

    status = 200

    def __init__(self) -> None:
        self.posted: list[tuple[str, str, dict[str, Any]]] = []
        super().__init__(("127.0.0.1", 0), _WebhookHandler)


class _WebhookHandler(BaseHTTPRequestHandler):
    server: _Webhook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append((self.path, self.headers["Content-Type"], json.loads(body)))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test's output clean."""


class _MailServer(socketserver.TCPServer):
    """Speaks just enough SMTP to take a mail."""

    allow_reuse_address = True

    def __init__(self) -> None:
        self.commands: list[str] = []
        self.mails: list[str] = []
        super().__init__(("127.0.0.1", 0), _MailHandler)


class _MailHandler(socketserver.StreamRequestHandler):
    server: _MailServer

    def handle(self) -> None:
        self._say("220 here")
        while line := self.rfile.readline().decode().strip():
            self.server.commands.append(line)
            if line.upper().startswith("DATA"):
                self._say("354 go on")
                body = b""
                while not body.endswith(b"\r\n.\r\n"):
                    body += self.rfile.readline()
                self.server.mails.append(body.decode())
            if line.upper().startswith("QUIT"):
                self._say("221 bye")
                return
            if line.upper().startswith("EHLO"):
                self.wfile.write(b"250-here\r\n")
            self._say("250 well")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


def test_the_webhook_gets_all_of_it_as_json() -> None:
    server = _Webhook()
    with _serving(server) as port:
        url = f"http://127.0.0.1:{port}/hook?token=1"
        settings = Settings(notifier="webhook", notify_webhook_url=url)
        assert notify(settings, NOTIFICATION, LOG)
    ((path, content_type, posted),) = server.posted
    assert (path, content_type) == ("/hook?token=1", "application/json")
    assert posted["text"].splitlines() == [
        NOTIFICATION.title,
        NOTIFICATION.problem,
        NOTIFICATION.way_out,
        NOTIFICATION.link,
    ]
    assert {key: posted[key] for key in ("title", "problem", "way_out", "link")} == vars(
        NOTIFICATION
    )


def test_the_mail_says_all_of_it() -> None:
    server = _MailServer()
    with _serving(server) as port:
        settings = Settings(
            notifier="email",
            notify_email_to="one@example.org, two@example.org",
            notify_email_from="shop@example.org",
            notify_smtp_host="127.0.0.1",
            notify_smtp_port=port,
        )
        assert notify(settings, NOTIFICATION, LOG)
    recipients = [line for line in server.commands if line.lower().startswith("rcpt")]
    assert len(recipients) == 2
    (mail,) = server.mails
    assert f"Subject: {NOTIFICATION.title}" in mail
    assert "From: shop@example.org" in mail
    assert NOTIFICATION.link in mail


def test_the_log_gets_it_in_any_case(caplog: pytest.LogCaptureFixture) -> None:
    assert notify(Settings(), NOTIFICATION, LOG)
    assert NOTIFICATION.problem in caplog.text


def test_a_server_that_refuses_is_logged_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = _Webhook()
    server.status = 503
    with _serving(server) as port:
        url = f"http://127.0.0.1:{port}/"
        settings = Settings(notifier="webhook", notify_webhook_url=url)
        assert not notify(settings, NOTIFICATION, LOG)
    assert "the server answered 503" in caplog.text


@pytest.mark.parametrize("notifier", ["webhook", "email"])
def test_a_server_that_says_nothing_is_given_up(
    notifier: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifying, "TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        settings = _settings_for(notifier, port)
        assert not notify(settings, NOTIFICATION, LOG)
    assert f"The notifier {notifier} could not send this" in caplog.text


@pytest.mark.parametrize("notifier", ["webhook", "email"])
def test_a_server_that_is_not_there_is_logged(
    notifier: str, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert not notify(_settings_for(notifier, port), NOTIFICATION, LOG)
    assert NOTIFICATION.problem in caplog.text
    assert "refused" in caplog.text


def _settings_for(notifier: str, port: int) -> Settings:
    return Settings(
        notifier=notifier,
        notify_webhook_url=f"http://127.0.0.1:{port}/hook",
        notify_email_to="one@example.org",
        notify_smtp_host="127.0.0.1",
        notify_smtp_port=port,
    )
