"""The keys of this deployment, and what is derived from them."""

from __future__ import annotations

import base64
import hmac

from helpdesk.settings import setting


def keys() -> list[str]:
    """The signing key, then the one before, which still verifies."""
    return [key for key in (setting("SECRET_KEY"), setting("SECRET_KEY_PREVIOUS")) if key]


def derive(key: str, *parts: object) -> str:
    message = "|".join(str(part) for part in parts).encode()
    return base64.urlsafe_b64encode(hmac.digest(key.encode(), message, "sha256")).rstrip(b"=").decode()
