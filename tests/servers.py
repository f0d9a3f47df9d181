"""Mail servers on this machine, and what happens to connections: certificates, Dovecot, a line that is cut."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import imaplib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiosmtpd.handlers import Message
from aiosmtpd.smtp import AuthResult

DOVECOT = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")
PASSWORD = f"geheim & süß/{secrets.token_hex(4)}"
"""Of this process: whoever has another's server at its port by chance does not get in."""
PASSWORD_IN_URL = quote(PASSWORD, safe="")
START_SECONDS = 30


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Certificates:
    """An authority of our own, and a server's certificate for localhost and 127.0.0.1 by it."""

    def __init__(self, folder: Path) -> None:
        self.authority, self.certificate, self.key = (folder / name for name in ("ca.pem", "cert.pem", "key.pem"))
        new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        self._openssl("req", "-x509", *new, "-keyout", f"{folder}/ca.key", "-out", str(self.authority), "-days", "2",
                      "-subj", "/CN=The campus")  # fmt: skip
        self._openssl("req", *new, "-keyout", str(self.key), "-out", f"{folder}/cert.csr", "-subj", "/CN=localhost")
        (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
        self._openssl("x509", "-req", "-in", f"{folder}/cert.csr", "-CA", str(self.authority), "-CAkey",
                      f"{folder}/ca.key", "-CAcreateserial", "-out", str(self.certificate), "-days", "2", "-extfile",
                      f"{folder}/names")  # fmt: skip

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)


CONFIG = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
mail_location = maildir:~/Maildir
mailbox_list_index = no
first_valid_uid = 1
first_valid_gid = 1
auth_failure_delay = 0
auth_mechanisms = plain login
disable_plaintext_auth = no
passdb {{
  driver = static
  args = password={{PLAIN.b64}}{password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%n
}}
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""


class Dovecot:
    """Debian's, as somebody who may do nothing: whoever has a name has a mailbox, and all have one password."""

    def __init__(self, certificates: Certificates) -> None:
        # of a short name, for the names of sockets are; and somewhere that others may enter
        self.folder = Path(tempfile.mkdtemp(prefix="hd-", dir="/tmp"))
        self.folder.chmod(0o711)
        for path in (certificates.certificate, certificates.key):
            shutil.copy(path, self.folder / path.name)
        (self.folder / "mail").mkdir()
        self.who = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        if os.getuid() == 0:
            for path in (self.folder, *self.folder.iterdir()):
                os.chown(path, self.who.pw_uid, self.who.pw_gid)
        for _ in range(3):  # somebody may take a port before it does
            self.port, self.tls_port = free_port(), free_port()
            if self._starts():
                return
        raise RuntimeError(f"Dovecot does not start:\n{self._said()}")

    def _starts(self) -> bool:
        config = self.folder / "dovecot.conf"
        group = subprocess.run(["id", "-gn", self.who.pw_name], capture_output=True, text=True, check=True).stdout
        config.write_text(
            CONFIG.format(
                folder=self.folder, user=self.who.pw_name, group=group.strip(), uid=self.who.pw_uid, imap=self.port,
                gid=self.who.pw_gid, imaps=self.tls_port, password=base64.b64encode(PASSWORD.encode()).decode(),
            )
        )  # fmt: skip
        assert DOVECOT
        as_nobody = {"user": self.who.pw_uid, "group": self.who.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
        self.process = subprocess.Popen(
            [DOVECOT, "-F", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True, **as_nobody,  # type: ignore[call-overload]
        )  # fmt: skip
        end = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(OSError, imaplib.IMAP4.error), self.client("anybody"):
                return True
            time.sleep(0.05)
        self.stop()
        return False

    def _said(self) -> str:
        log = self.folder / "log"
        return log.read_text() if log.exists() else ""

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @contextmanager
    def client(self, name: str) -> Iterator[imaplib.IMAP4]:
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=20)
        try:
            client.authenticate("PLAIN", lambda _: f"\0{name}\0{PASSWORD}".encode())
            yield client
        finally:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                client.logout()


class Box:
    """One of its mailboxes, as its owner sees it."""

    def __init__(self, dovecot: Dovecot, name: str) -> None:
        self.dovecot, self.name = dovecot, name

    def url(self, *, port: int | None = None, tls: bool = False, host: str = "127.0.0.1", folder: str = "INBOX") -> str:
        port = port or (self.dovecot.tls_port if tls else self.dovecot.port)
        return f"imap{'s' if tls else ''}://{self.name}:{PASSWORD_IN_URL}@{host}:{port}/{folder}"

    def gets(self, *mails: bytes) -> None:
        with self.dovecot.client(self.name) as client:
            for raw in mails:
                kind, said = client.append("INBOX", "", "", raw)
                assert kind == "OK", said

    def holds(self, folder: str = "INBOX") -> list[tuple[str, bool]]:
        """The Message-IDs that lie in a folder, and whether each counts as read."""
        with self.dovecot.client(self.name) as client:
            kind, said = client.select(f'"{folder}"', readonly=True)
            if kind != "OK" or said == [b"0"]:
                return []
            _, said = client.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (Message-ID)])")
            return sorted(
                (part[1].decode().partition(":")[2].strip(), b"\\Seen" in part[0])
                for part in said
                if isinstance(part, tuple)
            )

    @property
    def files(self) -> list[Path]:
        return list((self.dovecot.folder / "mail" / self.name / "Maildir").glob("[nc]*/*"))


class Line:
    """A line to a server that is cut once what comes from there, or goes there, is what somebody waits for."""

    def __init__(self, port: int, *, hides: tuple[bytes, ...] = ()) -> None:
        self.to, self.is_cut, self.hides = port, threading.Event(), hides
        """Words that do not come through, such as STARTTLS."""
        self.cut_when: Callable[[bytes], bool] = lambda _: False
        self.cut_when_sent: Callable[[bytes], bool] = lambda _: False
        self.connections = 0
        self.carried, self.sent = 0, b""
        """How much came from the server, and what went there."""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                if self.is_cut.is_set():
                    near.close()
                    continue
                self.connections += 1
                far = socket.create_connection(("127.0.0.1", self.to))
                for one, other, is_to_us in ((far, near, True), (near, far, False)):
                    threading.Thread(target=self._carry, args=(one, other, is_to_us), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, is_to_us: bool) -> None:
        seen = b""
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                for word in self.hides if is_to_us else ():
                    data = data.replace(word, b"X" * len(word))
                seen = (seen + data)[-(2**20) :]
                if (self.cut_when if is_to_us else self.cut_when_sent)(seen):
                    if not is_to_us:
                        target.sendall(data[: len(data) // 2])
                        target.shutdown(socket.SHUT_WR)
                        source.shutdown(socket.SHUT_RDWR)
                        source.close()
                        return
                    break
                if is_to_us:
                    self.carried += len(data)
                else:
                    self.sent = seen
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def stop(self) -> None:
        self.is_cut.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class MailServer(Message):
    """Keeps what it is given. What it says at a stage instead of yes, it says as often as it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[Any] = []
        self.says: dict[str, list[str]] = {}
        self.protocols: list[Any] = []
        self.resets = 0
        self.hangs_up_after_the_dot = 0
        self.is_silent_at = ""
        self.passwords: list[bytes] = []
        self.encrypted: list[bool] = []

    async def _no(self, stage: str) -> str | None:
        if stage == self.is_silent_at:
            await asyncio.Event().wait()
        return self.says[stage].pop(0) if self.says.get(stage) else None

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, hostname: str, answers: list[str]) -> Any:
        if server not in self.protocols:
            self.protocols.append(server)
        session.host_name = hostname
        return answers

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if said := await self._no("MAIL"):
            return said
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if said := await self._no("RCPT"):
            return said
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_RSET(self, server: Any, session: Any, envelope: Any) -> str:
        self.resets += 1
        return await self._no("RSET") or "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if said := await self._no("DATA"):
            return said
        self.encrypted.append(session.ssl is not None)
        await super().handle_DATA(server, session, envelope)
        if self.hangs_up_after_the_dot:
            self.hangs_up_after_the_dot -= 1
            server.transport.abort()
        return "250 OK"

    def handle_message(self, message: Any) -> None:
        self.messages.append(message)

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.passwords.append(data.password)
        said = self.says["AUTH"].pop(0) if self.says.get("AUTH") else None
        if data.password == PASSWORD.encode() and not said:
            return AuthResult(success=True)
        return AuthResult(success=False, handled=False, message=said or "535 5.7.8 Not you")

    def hangs_up(self) -> None:
        async def now() -> None:
            self.protocols[-1].transport.abort()

        asyncio.run_coroutine_threadsafe(now(), self.protocols[-1].loop).result(timeout=30)

    @property
    def ids(self) -> list[str]:
        return [message["Message-ID"] for message in self.messages]


Serving = Callable[..., tuple[MailServer, int]]
