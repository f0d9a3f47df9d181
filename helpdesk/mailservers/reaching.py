"""What sending and fetching have in common: an address with a password in it, TLS, and why a server was not reached."""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

PORTS = {"smtp": 25, "smtps": 465, "imap": 143, "imaps": 993}


class Failed(Exception):
    """What a mail server did not do. The text names neither a password nor anybody's address: it is kept and shown."""

    step = "connection"


class Unreachable(Failed):
    """Nobody answers there."""


class Lost(Failed):
    """It hung up, or stayed silent for too long."""


class NotEncrypted(Failed):
    """It offers no TLS, or none that can be trusted: what is secret stays here."""

    step = "TLS"


class LoginRefused(Failed):
    step = "login"


class Refused(Failed):
    """It said no, for now."""

    step = "mail"


class RefusedForGood(Refused):
    """It will say no again. `of_recipient`: because of whom the mail is for."""

    def __init__(self, text: str, *, of_recipient: bool = False) -> None:
        super().__init__(text)
        self.of_recipient = of_recipient


@dataclass(frozen=True)
class Server:
    """What an address such as imaps://user:password@host/INBOX says."""

    scheme: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    path: str

    @property
    def is_encrypted_from_the_start(self) -> bool:
        return self.scheme.endswith("s")

    @property
    def is_here(self) -> bool:
        """On this machine, where there is nobody between us."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def tls(self) -> ssl.SSLContext:
        """By the authorities that this system knows, or those in the file that SSL_CERT_FILE names."""
        context = ssl.create_default_context()
        if self.is_here and not self.is_encrypted_from_the_start:
            # a server of one's own has a certificate that nobody signed, and would be spoken to without any
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def check_secret(self, *, is_encrypted: bool) -> None:
        """Raises NotEncrypted where the password would go over the network for everybody to read."""
        if not is_encrypted and not self.is_here:
            raise NotEncrypted("the mail server offers no TLS: the password stays here")


def server_of(url: str) -> Server:
    parts = urlsplit(url)
    return Server(
        scheme=parts.scheme, host=parts.hostname or "localhost", port=parts.port or PORTS[parts.scheme],
        user=unquote(parts.username or ""), password=unquote(parts.password or ""), path=unquote(parts.path.strip("/")),
    )  # fmt: skip


def not_reached(error: OSError) -> Failed:
    """The same in words that may be shown."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return NotEncrypted(f"its certificate is not trusted: {error.verify_message}")
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError | ConnectionResetError | BrokenPipeError):
        return Lost("it hung up")
    if isinstance(error, ssl.SSLError):
        return NotEncrypted(
            f"TLS cannot be agreed upon: {(getattr(error, 'reason', None) or 'no common ground').replace('_', ' ')}"
        )
    if isinstance(error, socket.gaierror):
        return Unreachable("there is no host of this name")
    if isinstance(error, TimeoutError):
        return Lost("it took too long to answer")
    return Unreachable(f"it cannot be reached: {error.strerror or type(error).__name__}")


_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")


def code_of(code: int, said: bytes | str) -> str:
    """`550 5.1.1`: what a server said without its words, which may hold addresses."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    found = _ENHANCED.match(text)
    return f"{code} {found[0]}" if found else str(code)
