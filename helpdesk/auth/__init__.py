"""Who somebody is: passwords, tokens, sessions, and the links in mails that prove an address.

Three secrets travel. An *access token* is a short JWT that names a row in `sessions`; the row and the user are read on
every request, so rights are decided now. A *refresh token* is derived from that row, its generation and the key, never
stored. A *link* in a mail is derived the same way and kept as a hash. All answers are built so that neither their text
nor their time tells who has an account: what depends on that happens in the worker.
"""

from helpdesk.auth.accounts import (
    change_password,
    check_registration_domain,
    confirm,
    flush_unique,
    forgot,
    login,
    normalize_email,
    register,
    require_password,
    reset,
    send_reset,
    take_user,
    take_verified,
)
from helpdesk.auth.bounces import came_back, is_reached, refused
from helpdesk.auth.keys import keys
from helpdesk.auth.links import (
    LINK_HOURS,
    end_links,
    link_token,
    mails_token,
    make_link_token,
    make_report_token,
    opens_report_of,
    read_link,
    read_mails_token,
    report_link,
)
from helpdesk.auth.passwords import PASSWORD_MAX, PASSWORD_MIN, check_new_password, hash_password, is_password
from helpdesk.auth.reply_addresses import (
    end_reply_addresses,
    make_reply_address,
    read_reply_address,
    reply_address,
)
from helpdesk.auth.sessions import (
    ACCESS_TOKEN_MINUTES,
    SESSION_DAYS,
    Identity,
    SignedIn,
    access_token,
    end_session,
    end_session_of,
    end_sessions,
    identify,
    refresh,
    sessions_of,
    start_session,
)

__all__ = [
    "ACCESS_TOKEN_MINUTES",
    "LINK_HOURS",
    "PASSWORD_MAX",
    "PASSWORD_MIN",
    "SESSION_DAYS",
    "Identity",
    "SignedIn",
    "access_token",
    "came_back",
    "change_password",
    "check_new_password",
    "check_registration_domain",
    "confirm",
    "end_links",
    "end_reply_addresses",
    "end_session",
    "end_session_of",
    "end_sessions",
    "flush_unique",
    "forgot",
    "hash_password",
    "identify",
    "is_password",
    "is_reached",
    "keys",
    "link_token",
    "login",
    "mails_token",
    "make_link_token",
    "make_reply_address",
    "make_report_token",
    "normalize_email",
    "opens_report_of",
    "read_link",
    "read_mails_token",
    "read_reply_address",
    "refresh",
    "refused",
    "register",
    "reply_address",
    "report_link",
    "require_password",
    "reset",
    "send_reset",
    "sessions_of",
    "start_session",
    "take_user",
    "take_verified",
]
