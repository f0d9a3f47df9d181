"""How long a repeated request is recognised."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from helpdesk.jobs import Claimed, handles
from models import IdempotencyKey, begin_write, db, now

KEEP_HOURS = 24


@handles("purge_idempotency", every=timedelta(hours=1))
def purge(job: Claimed) -> None:
    begin_write()
    db.session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < now() - timedelta(hours=KEEP_HOURS)))
    db.session.commit()
