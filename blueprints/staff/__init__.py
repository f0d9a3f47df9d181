"""The server-rendered pages of the staff. Every one of them works without a script."""

from __future__ import annotations

from blueprints.staff import login, new_ticket, queue, ticket
from blueprints.staff.shell import pages

__all__ = ["login", "new_ticket", "pages", "queue", "ticket"]
