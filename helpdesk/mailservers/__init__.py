"""Connections to mail servers: encrypted before a password is told, patience that ends, errors that name nobody."""

from helpdesk.mailservers.imap import Mailbox, opened
from helpdesk.mailservers.reaching import (
    Failed,
    LoginRefused,
    Lost,
    NotEncrypted,
    Refused,
    RefusedForGood,
    Unreachable,
)
from helpdesk.mailservers.smtp import hand_over, let_go, rest, try_login

__all__ = [
    "Failed",
    "LoginRefused",
    "Lost",
    "Mailbox",
    "NotEncrypted",
    "Refused",
    "RefusedForGood",
    "Unreachable",
    "hand_over",
    "let_go",
    "opened",
    "rest",
    "try_login",
]
