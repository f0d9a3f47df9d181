"""`flask mail-check`: each step of setting up mail, the one that fails by name, and what to do about it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from helpdesk import inbound, mail_check, mailservers
from helpdesk.mailservers import reaching
from models import InboundMail, InboundState, Ticket, begin_write, db
from tests.factories import work
from tests.servers import PASSWORD_IN_URL, Box, MailServer, Serving
from tests.test_mail_in import DESK

pytestmark = pytest.mark.once("what is asked of the database is one question by an index")

ME = "ada@campus.test"


@pytest.fixture(autouse=True)
def _as_before(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(mail_check, "LOOK_SECONDS", 0.05)
    before = {name: app.config[name] for name in ("INBOUND_ADDRESS", "MAIL_FROM", "IMAP_URL", "SMTP_URL")}
    app.config.update(MAIL_FROM=f"Campus Helpdesk <{DESK}>")
    yield
    app.config.update(before)
    mailservers.let_go()


def checks(app: Flask, *arguments: str) -> Result:
    result = app.test_cli_runner().invoke(args=["mail-check", *(arguments or (ME,))])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output and PASSWORD_IN_URL not in result.output
    return result


def fails(app: Flask, step: str, *, why: str) -> None:
    result = checks(app, ME, "--wait", "0.2")
    assert result.exit_code == 1, result.output
    assert f"{step}:" in result.output and "FAILED" in result.output and why in result.output, result.output
    assert mail_check.TO_DO[step] in result.output
    assert "Mail works" not in result.output


class Carrying(MailServer):
    """Hands what is for the desk to it, as a mail server does: into a mailbox, or through the pipe."""

    def __init__(self, app: Flask, box: Box | None = None) -> None:
        super().__init__()
        self.app, self.box, self.problems = app, box, []  # type: ignore[var-annotated]

    def handle_message(self, message: Any) -> None:
        super().handle_message(message)
        if message["X-RcptTo"].startswith("helpdesk+check"):
            threading.Thread(target=self._carry, args=(message.as_bytes(),)).start()

    def _carry(self, raw: bytes) -> None:
        if self.box is not None:
            self.box.gets(raw)
            return
        with self.app.app_context():
            begin_write()
            inbound.take_in(raw)
            db.session.commit()
            db.session.remove()


def test_where_all_is_well_it_says_so_and_one_mail_arrives(app: Flask, serves: Serving) -> None:
    server, _ = serves()
    result = checks(app)
    assert result.exit_code == 0, result.output
    assert "Mail works." in result.output and "none comes in" in result.output
    (message,) = server.messages
    assert (message["X-RcptTo"], message["From"]) == (ME, f"Campus Helpdesk <{DESK}>")


@pytest.mark.parametrize("way", ["mailbox", "pipe"])
def test_what_is_sent_comes_in_by_the_mailbox_or_the_pipe_and_is_no_report(
    app: Flask, serves: Serving, box: Box, way: str
) -> None:
    server, _ = serves(handler=Carrying(app, box if way == "mailbox" else None))
    app.config.update(INBOUND_ADDRESS=DESK, IMAP_URL=box.url() if way == "mailbox" else "")
    result = checks(app)
    assert result.exit_code == 0, result.output
    assert "coming in:   it was here after" in result.output
    assert len(server.messages) == 2
    work()
    db.session.rollback()
    mail = db.session.scalars(select(InboundMail)).one()
    assert mail.state == InboundState.IGNORED
    assert db.session.scalars(select(Ticket)).all() == []


def test_settings_that_are_missing_are_named(app: Flask, serves: Serving, box: Box) -> None:
    fails(app, "settings", why="SMTP_URL is not set")
    serves()
    app.config["IMAP_URL"] = box.url()
    fails(app, "settings", why="INBOUND_ADDRESS is not")
    result = checks(app, "ada")
    assert result.exit_code == 1 and "ada is no address" in result.output


def test_a_host_that_there_is_not_is_named(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    app.config["SMTP_URL"] = "smtp://nowhere.campus.test"
    fails(app, "name", why="SMTP_URL: there is no host nowhere.campus.test")


def test_a_server_that_is_not_there_is_told(app: Flask) -> None:
    app.config["SMTP_URL"] = "smtp://127.0.0.1:1"
    fails(app, "connection", why="it cannot be reached: Connection refused")


def test_a_certificate_that_is_not_trusted_is_told(app: Flask, box: Box, serves: Serving) -> None:
    serves()
    app.config.update(INBOUND_ADDRESS=DESK, IMAP_URL=box.url(tls=True))
    fails(app, "TLS", why="IMAP_URL: its certificate is not trusted")


def test_a_password_that_would_be_read_by_others_is_told(
    app: Flask, serves: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, port = serves(asks_for_password=True, auth_require_tls=False)
    monkeypatch.setattr(reaching.Server, "is_here", False)
    app.config["SMTP_URL"] = f"smtp://ada:{PASSWORD_IN_URL}@127.0.0.1:{port}"
    fails(app, "TLS", why="SMTP_URL: the mail server offers no TLS")


def test_a_login_that_is_refused_is_told(app: Flask, serves: Serving, box: Box) -> None:
    _, port = serves(asks_for_password=True, auth_require_tls=False)
    app.config["SMTP_URL"] = f"smtp://ada:canary@127.0.0.1:{port}"
    fails(app, "login", why="user and password of SMTP_URL with 535 5.7.8")
    app.config["SMTP_URL"] = f"smtp://127.0.0.1:{port}"
    app.config.update(INBOUND_ADDRESS=DESK, IMAP_URL=box.url().replace(PASSWORD_IN_URL, "canary"))
    fails(app, "login", why="user and password of IMAP_URL [AUTHENTICATIONFAILED]")


def test_a_mail_that_is_refused_is_told(app: Flask, serves: Serving) -> None:
    server, _ = serves()
    server.says["RCPT"] = ["550 5.7.1 We do not relay"]
    fails(app, "mail", why="550 5.7.1")


def test_a_folder_that_there_is_not_is_told(app: Flask, serves: Serving, box: Box) -> None:
    serves()
    app.config.update(INBOUND_ADDRESS=DESK, IMAP_URL=box.url(folder="Nowhere"))
    fails(app, "folder", why="there is no folder Nowhere")


def test_mail_that_does_not_come_in_is_told(app: Flask, serves: Serving, box: Box) -> None:
    serves()
    app.config["INBOUND_ADDRESS"] = DESK
    fails(app, "coming in", why="nothing came in at helpdesk+…@campus.test within 0 seconds")
    app.config["IMAP_URL"] = box.url()
    fails(app, "coming in", why="nothing came in")
