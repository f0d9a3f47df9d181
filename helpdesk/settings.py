"""Every setting: its name, default, meaning and what makes it unsafe. Read once, when the application is made."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import secrets
from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values
from flask import current_app

ROOT = Path(__file__).resolve().parent.parent


class UnsafeSettings(Exception):
    """The process must not start. The message names each setting and the reason, never a value that is secret."""


@dataclass(frozen=True)
class Setting:
    name: str
    default: str
    help: str
    read: Callable[[str], Any] = str
    secret: bool = False


def _integer(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return read


def _one_of(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text

    return read


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[,\s]+", text) if word]


def _url(text: str, *schemes: str) -> SplitResult | None:
    """The parts of an address with one of these schemes and a host, else None: the parser's own errors quote passwords."""
    try:
        parts = urlsplit(text)
        return parts if parts.scheme in schemes and parts.hostname and parts.port != 0 else None
    except ValueError:
        return None


def _origin(text: str) -> str:
    """`https://host[:port]`, nothing after it: links are built by appending a path to this."""
    parts = _url(text, "http", "https")
    if parts is None or parts.path not in {"", "/"} or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must look like https://helpdesk.example.edu, without a path")
    default_port = {"http": ":80", "https": ":443"}[parts.scheme]  # which browsers leave out of an Origin
    return f"{parts.scheme}://{parts.netloc.lower().removesuffix(default_port)}"


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("must be an address, such as 127.0.0.1, or 0.0.0.0 for all of this machine's") from None


def _origins(text: str) -> list[str]:
    return [_origin(word) for word in _words(text)]


def _networks(text: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    try:
        return [ipaddress.ip_network(word) for word in _words(text)]
    except ValueError:
        raise ValueError("must list addresses or networks, such as 127.0.0.1 or 10.0.0.0/8") from None


def _time_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: "Europe" is a folder
        raise ValueError("must name a time zone, such as Europe/Berlin") from None
    return text


def _mail_from(text: str) -> str:
    if "@" not in parseaddr(text)[1]:
        raise ValueError("must be an address, such as Helpdesk <helpdesk@example.edu>")
    return text


def _smtp_url(text: str) -> str:
    if text and _url(text, "smtp", "smtps") is None:
        raise ValueError("must look like smtp://user:password@mail.example.edu:587 or smtps://…")
    return text


def _imap_url(text: str) -> str:
    parts = _url(text, "imap", "imaps") if text else None
    if text and (parts is None or not parts.username or not parts.password):
        raise ValueError("must look like imaps://user:password@mail.example.edu/INBOX or imap://…")
    return text


def _redis_url(text: str) -> str:
    if text and not text.startswith("unix://") and _url(text, "redis", "rediss") is None:
        raise ValueError("must look like redis://:password@127.0.0.1:6379/0, rediss://… or unix:///…")
    return text


def _database_url(text: str) -> str:
    if text and not re.match(r"(sqlite|postgres(ql)?(\+\w+)?)://", text):
        raise ValueError("must begin with postgresql:// or sqlite:///")
    return text


def _days_of_year(text: str) -> list[tuple[int, int]]:
    days = []
    for word in _words(text):
        found = re.fullmatch(r"(\d{2})-(\d{2})", word)
        # of a year without a 29 February, so that there is such a day in each
        if (
            found is None
            or not 1 <= int(found[1]) <= 12
            or not 1 <= int(found[2]) <= monthrange(2001, int(found[1]))[1]
        ):
            raise ValueError("must be days such as 02-01,09-01")
        days.append((int(found[1]), int(found[2])))
    if not days:
        raise ValueError("must name a day at least")
    return days


SETTINGS: tuple[Setting, ...] = (
    Setting("ENVIRONMENT", "development", "`development`, `testing` or `production`; production refuses to start unsafely", _one_of("development", "testing", "production")),
    Setting("HOST", "127.0.0.1", "address to listen on; `0.0.0.0` for all of this machine's", _address),
    Setting("PORT", "8000", "port to listen on", _integer(1, 65535)),
    Setting("DATABASE_URL", "", "empty: SQLite in `instance/helpdesk.db`; or `postgresql://user:password@host/name`", _database_url, secret=True),
    Setting("REDIS_URL", "", "optional: makes rate limits cheaper; nothing depends on it", _redis_url, secret=True),
    Setting("SECRET_KEY", "", "at least 32 characters; signs tokens, links and cursors. Development makes one in `instance/`", secret=True),
    Setting("SECRET_KEY_PREVIOUS", "", "the key before the last change: what it signed stays valid", secret=True),
    Setting("PUBLIC_BASE_URL", "", "where people reach it, such as `https://helpdesk.example.edu`; links in mails begin with it. Development takes HOST and PORT", lambda text: _origin(text) if text else ""),
    Setting("TRUSTED_PROXIES", "", "addresses or networks of the reverse proxies whose forwarding headers count", _networks),
    Setting("CORS_ORIGINS", "", "other origins whose pages may call the API with cookies (a portal on a CDN under the same site)", _origins),
    Setting("SITE_NAME", "Campus Helpdesk", "the name on pages and in mails"),
    Setting("TIME_ZONE", "UTC", "in which pages and mails say times to people", _time_zone),
    Setting("TERM_STARTS", "02-01,09-01", "the days (month-day) on which terms begin, for figures of “this term”", _days_of_year),
    Setting("DEFAULT_LOCALE", "en", "language of new accounts"),
    Setting("EMERGENCY_TEXT", "", "whom to call first when somebody is in danger, beside every report form: `In danger or smelling gas? Call security on 2222 first.`"),
    Setting("REGISTRATION_DOMAINS", "", "mail domains that may register; empty: all", lambda text: [w.lower() for w in _words(text)]),
    Setting("BCRYPT_ROUNDS", "12", "cost of a password hash: 12 is about 0.3 s", _integer(4, 16)),
    Setting("SMTP_URL", "", "mail server, `smtp://` (STARTTLS where offered) or `smtps://`; empty: mails wait, in development they are at `/dev/mailbox`", _smtp_url, secret=True),
    Setting("MAIL_FROM", "Campus Helpdesk <helpdesk@localhost>", "sender of all mails", _mail_from),
    Setting("INBOUND_ADDRESS", "", "address whose mail comes in here, by IMAP_URL or `flask deliver-mail`; people answer to it with a signed word after a `+`. Empty: mails cannot be answered", lambda text: _mail_from(text) if text else ""),
    Setting("IMAP_URL", "", "mailbox to fetch that mail from, `imaps://user:password@host/INBOX`, or `imap://` (STARTTLS where offered); empty: a mail server hands it over", _imap_url, secret=True),
    Setting("IMAP_HANDLED", "Handled", "folder of that mailbox to which mails go once they were taken in; `delete` deletes them"),
    Setting("INBOUND_CATEGORY", "services", "category of what is reported by mail"),
    Setting("INBOUND_KNOWN", "hold", "a mail from a known address without a signed word: `hold` it until its sender opens the link in our answer, or `open` a ticket", _one_of("hold", "open")),
    Setting("SERVICES", "api,staff,portal", "which parts this process serves", _words),
    Setting("WEB_PROCESSES", "1", "processes that `python app.py` starts", _integer(1, 64)),
    Setting("LOG_LEVEL", "INFO", "`DEBUG`, `INFO`, `WARNING` or `ERROR`", _one_of("DEBUG", "INFO", "WARNING", "ERROR")),
)  # fmt: skip


def load(overrides: Mapping[str, Any] | None = None, *, instance: Path | None = None) -> dict[str, Any]:
    """Read overrides, else the environment, else `.env`, else defaults; every value checked and typed.

    Overrides may be typed already (tests) or text. Raises UnsafeSettings naming every setting that is wrong.
    """
    instance = instance or ROOT / "instance"
    environment = (overrides or {}).get("ENVIRONMENT") or os.environ.get("ENVIRONMENT")
    file = {} if environment == "testing" else dotenv_values(ROOT / ".env")  # tests must not send a developer's mails
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for setting in SETTINGS:
        raw: Any = (overrides or {}).get(setting.name)
        if raw is None:
            raw = os.environ.get(setting.name) or file.get(setting.name) or setting.default
        try:
            values[setting.name] = setting.read(raw.strip()) if isinstance(raw, str) else raw
        except ValueError as error:
            wrong.append(f"{setting.name} {error}")
    if wrong:
        raise UnsafeSettings("; ".join(wrong))
    if values["ENVIRONMENT"] == "production":
        _refuse_unsafe(values)
    else:
        _fill_for_development(values, instance)
    values["DATABASE_URL"] = database_url(values["DATABASE_URL"], instance)
    return values


def settings_table() -> str:
    """The table of README.md, which a test holds to SETTINGS."""
    rows = [f"| `{one.name}` | {f'`{one.default}`' if one.default else ''} | {one.help} |" for one in SETTINGS]
    return "\n".join(["| Setting | Default | What it is |", "| --- | --- | --- |", *rows])


def is_among(address: str | None, networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    """Whether a peer's address lies in one of the networks."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    return any(found in network for network in networks)


def setting(name: str) -> Any:
    """A setting of the running application."""
    return current_app.config[name]


def database_url(text: str, instance: Path) -> str:
    """The SQLAlchemy form: SQLite under `instance/` by default, and psycopg for any way to write PostgreSQL."""
    if not text:
        instance.mkdir(parents=True, exist_ok=True)
        return f"sqlite:///{instance / 'helpdesk.db'}"
    return re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql+psycopg://", text)


def _refuse_unsafe(values: dict[str, Any]) -> None:
    """The list of TRUST: start unsafely and somebody pays for it later, so do not start."""
    key: str = values["SECRET_KEY"]
    base: str = values["PUBLIC_BASE_URL"]
    reasons = [
        (not key, "SECRET_KEY is missing"),
        (bool(key) and len(key.encode()) < 32, "SECRET_KEY has fewer than 32 bytes"),
        (bool(key) and len(set(key)) < 8, "SECRET_KEY is too simple: use `python -c 'import secrets; print(secrets.token_urlsafe(48))'`"),
        (bool(key) and "change" in key.lower(), "SECRET_KEY is the one of an example"),
        (bool(values["SECRET_KEY_PREVIOUS"]) and len(values["SECRET_KEY_PREVIOUS"].encode()) < 32, "SECRET_KEY_PREVIOUS has fewer than 32 bytes"),
        (not base, "PUBLIC_BASE_URL is missing"),
        (base.startswith("http://"), "PUBLIC_BASE_URL must be https: the cookies are Secure"),
        (values["BCRYPT_ROUNDS"] < 12, "BCRYPT_ROUNDS is below 12"),
        (any(network.prefixlen == 0 for network in values["TRUSTED_PROXIES"]), "TRUSTED_PROXIES trusts every address"),
        (os.environ.get("FLASK_DEBUG", "").lower() in {"1", "true", "on", "yes"}, "FLASK_DEBUG is on"),
    ]  # fmt: skip
    if found := [reason for holds, reason in reasons if holds]:
        raise UnsafeSettings("; ".join(found))


def _fill_for_development(values: dict[str, Any], instance: Path) -> None:
    if not values["SECRET_KEY"]:
        values["SECRET_KEY"] = _development_key(instance / "secret_key")
    if not values["PUBLIC_BASE_URL"]:
        values["PUBLIC_BASE_URL"] = development_base_url(values["HOST"], values["PORT"])


def is_every_address(host: str) -> bool:
    """Whether it says to listen on all of them, which is nowhere that a browser could go."""
    return host in {"0.0.0.0", "::"}  # noqa: S104  (nothing listens here)


def development_base_url(host: str, port: int) -> str:
    """Where a browser on this machine finds a server that listens there."""
    host = "127.0.0.1" if is_every_address(host) else host
    return _origin(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")


def _development_key(path: Path) -> str:
    """One random key a checkout, so that a restart keeps everybody signed in and no key stands in the source."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        mine = path.with_name(f"{path.name}.{os.getpid()}")
        mine.touch(0o600)
        mine.write_text(secrets.token_urlsafe(48))
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(mine)  # the first of several processes wins
        mine.unlink()
    return path.read_text()
