"""Mail that is fetched from a mailbox: by one worker at a time, and let go of only once it is kept here.

What lies in the folder is to be taken in, whoever has looked at it meanwhile; what was taken in goes to another. What
was not moved, because somebody died in between, is found again, and `take_in` knows it (`reading.key_of`). Nothing is
remembered of the mailbox.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from sqlalchemy import select

from helpdesk import jobs, mailservers
from helpdesk.inbound import handling, reading
from helpdesk.settings import setting
from models import Job, JobState, begin_write, db, now

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=30)
MOST_SECONDS = 20
"""Then other jobs have their turn, and the rest is fetched in the next."""
LONGEST_WAIT_SECONDS = 600
MOST_STUCK = 3
"""Mails that the server hangs up on, before it is taken to be away."""
DELETE = "delete"


@jobs.handles("fetch_mail", every=EVERY, needs="IMAP_URL")
def fetch_mail(job: jobs.Claimed) -> None:
    """Fetch what lies in the mailbox. A server that is away is asked again later, each time after a longer while."""
    if not setting("IMAP_URL") or _is_others(job):
        return
    is_all, stuck = _visit(job)
    if stuck:
        uid, why = next(iter(stuck.items()))
        raise jobs.NotYet(f"The mailbox: {len(stuck)} of the mails stay there. Number {uid}: {why}")
    if not is_all:
        begin_write()
        jobs.enqueue("fetch_mail", {}, delay=timedelta(seconds=1))
        db.session.commit()


def _is_others(job: jobs.Claimed) -> bool:
    """Whether somebody else is at it, or waits to try again: the oldest of these jobs does it."""
    unfinished = Job.state.in_((JobState.READY, JobState.RUNNING))
    older = db.session.scalar(select(Job.id).where(Job.kind == "fetch_mail", unfinished, Job.id < job.id).limit(1))
    db.session.rollback()  # nothing is held while a mail server takes its time
    return older is not None


def _patience(job: jobs.Claimed) -> float:
    """As long again as it has failed by now."""
    return min(max((now() - job.created_at).total_seconds(), EVERY.total_seconds()), LONGEST_WAIT_SECONDS)


def _visit(job: jobs.Claimed) -> tuple[bool, dict[int, str]]:
    """Take in what lies there: whether that was all, and what stays there and why. One bad mail stops no other."""
    stuck: dict[int, str] = {}
    while True:
        known = len(stuck)
        try:
            with mailservers.opened(setting("IMAP_URL")) as mailbox:
                return take_all(mailbox, stuck), stuck
        except mailservers.Failed as error:
            if not known < len(stuck) <= MOST_STUCK:  # it was not because of one mail
                raise jobs.NotYet(f"The mailbox: {error}", _patience(job)) from None


def fetch_now() -> None:
    """Fetch what lies in the mailbox, beside whoever does it. Raises mailservers.Failed."""
    with mailservers.opened(setting("IMAP_URL")) as mailbox:
        take_all(mailbox, {})


def take_all(mailbox: mailservers.Mailbox, stuck: dict[int, str]) -> bool:
    """Says whether that was all. `stuck` is what is passed by, and why; more may come to it. Raises Failed."""
    folder = None if setting("IMAP_HANDLED") == DELETE else setting("IMAP_HANDLED")
    end = time.monotonic() + MOST_SECONDS
    mailbox.enter()
    waiting = [uid for uid in mailbox.waiting() if uid not in stuck]
    if waiting and folder is not None:
        mailbox.let_there_be(folder)
    sizes = mailbox.sizes(waiting)
    for number, uid in enumerate(waiting, 1):
        stuck[uid] = "the server hangs up"  # if it does
        if _take_one(mailbox, uid, sizes.get(uid, 0), folder, stuck):
            del stuck[uid]
        if time.monotonic() > end:  # however slow it is, one at a visit
            return number == len(waiting)
    return True


def _take_one(mailbox: mailservers.Mailbox, uid: int, size: int, folder: str | None, stuck: dict[int, str]) -> bool:
    """Whether it is done with."""
    most = reading.READ_OF_LARGER_BYTES if size > reading.MAX_BYTES else reading.MAX_BYTES
    try:
        raw = mailbox.read(uid, most)
        if raw is None:
            return True
        begin_write()
        handling.take_in(raw, size=size)
        db.session.commit()
        mailbox.lay_aside(uid, folder)
    except mailservers.Refused as error:
        if not mailbox.has_mail(uid):  # somebody else was quicker
            return True
        log.warning("a mail stays in the mailbox", extra={"uid": uid, "reason": str(error)})
        stuck[uid] = str(error)
        return False
    return True
