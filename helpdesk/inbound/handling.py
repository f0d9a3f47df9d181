"""What is done with a mail that came in: the same verbs as everywhere, for whoever may be believed.

Who may be believed is told by the address that it came in by and by nothing else (`auth.read_reply_address`): From,
subject and threading headers can be written by anybody. A mail without one is a report of somebody who has proven
nothing: it is held until they open the link in our answer, which holds none of its words.

A mail is kept, by `take_in`, before anything is done with it; the worker does the rest, at least once, and once only.
"""

from __future__ import annotations

import contextlib
import logging
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parseaddr
from functools import lru_cache
from typing import Any

from sqlalchemy import LargeBinary, bindparam, delete, func, or_, select, update

from helpdesk import auth, comments, events, guests, images, jobs, limits, policy, tickets
from helpdesk.errors import Conflict, Forbidden, HelpdeskError, Invalid, NotFound
from helpdesk.inbound import reading
from helpdesk.inbound.kinds import Kind, one_line
from helpdesk.inbound.reading import Incoming, Picture
from helpdesk.pictures import Looked, NotAPicture, look
from helpdesk.policy import ANONYMOUS, SYSTEM, Actor
from helpdesk.settings import setting
from models import (
    ActorKind,
    Audience,
    Category,
    Channel,
    Comment,
    InboundBlob,
    InboundMail,
    InboundState,
    Role,
    Rows,
    Status,
    Ticket,
    TicketReport,
    User,
    begin_write,
    db,
    now,
)

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
"""What could not be worked on so often is laid aside, where somebody sees it."""
KEEP_DAYS, KEEP_TOO_MANY_DAYS = 30, 7
"""So long the mail itself is kept, and so long one of too many."""
KEPT_OF_TOO_MANY = 256 * 1024
"""Its beginning, in bytes: the words of a mail that somebody lets in after all, and no flood fills the disk."""
REMEMBER_DAYS = 180
"""So long it is remembered that it came, and what became of it."""
MOST_PICTURES = 10
MOST_MERGES = 10
TITLE, TEXT = 200, 20_000


def take_in(raw: bytes, *, recipient: str | None = None, size: int = 0) -> bool:
    """Keep a mail and promise that it is worked on. Says whether it is new: each is taken in once.

    Of what is larger than MAX_BYTES the beginning is kept; `size` says how large it is, where `raw` is that.
    `recipient` is whom the mail server says it is for. Writes; whoever calls it commits before it lets go of the mail.
    """
    key, message_id = reading.key_of(raw)
    kept = raw if len(raw) <= reading.MAX_BYTES else raw[: reading.READ_OF_LARGER_BYTES]
    values = {
        "message_id": message_id, "recipient": (recipient or "")[:254] or None, "size_bytes": max(size, len(raw)),
        "sender": reading.sender_of(raw),  # before it is read, so that it can be found if they are erased
    }  # fmt: skip
    if not jobs.insert_ignore(InboundMail, key=key, **values):
        log.info("a mail is here already", extra={"mail_key": key})
        return False
    mail = db.session.scalars(select(InboundMail).where(InboundMail.key == key)).one()
    db.session.add(InboundBlob(mail_id=mail.id, data=kept, keep_until=now() + timedelta(days=KEEP_DAYS)))
    jobs.enqueue("inbound", {"mail_id": mail.id}, key=f"inbound:{mail.id}")
    return True


@dataclass
class Done:
    """What came of a mail."""

    state: InboundState
    outcome: str
    ticket_id: int | None = None
    comment_id: int | None = None


def _ignored(why: str) -> Done:
    return Done(InboundState.IGNORED, why)


def _quarantined(why: str) -> Done:
    return Done(InboundState.QUARANTINED, why)


@jobs.handles("inbound")
def work_on(job: jobs.Claimed) -> None:
    """Work on a mail. That it was tried is written before: one that kills its worker is laid aside like any other.

    One that an admin lets in is not counted again; as a report it is one whatever address it came by.
    """
    mail_id = job.payload["mail_id"]
    begin_write()
    mail = _take(mail_id)
    if mail is None:
        db.session.rollback()
        return
    mail.attempts += 1
    if mail.attempts > MAX_ATTEMPTS:
        _finish(mail, _quarantined(f"It could not be worked on, {MAX_ATTEMPTS} times."))
    recipient, size, is_first = mail.recipient, mail.size_bytes, mail.attempts == 1
    is_over = mail.state != InboundState.WAITING
    db.session.commit()
    blob = db.session.get(InboundBlob, mail_id)
    if is_over or blob is None:
        return
    try:
        incoming = reading.read(blob.data, is_cut=size > len(blob.data))
    except reading.Unreadable as error:
        db.session.rollback()
        begin_write()
        if (mail := _take(mail_id)) is not None:
            _finish(mail, _quarantined(str(error)))
        db.session.commit()
        return
    # a second try is no second mail
    is_counted = is_first and not job.payload.get("is_let_in")
    counted = _count(incoming, recipient) if is_counted else _Counted()
    db.session.rollback()  # nothing is locked while a mail is read, nor while it is counted
    begin_write()
    mail = _take(mail_id)
    if mail is not None:
        mail.sender, mail.subject = incoming.sender.lower(), incoming.subject
        known = None if job.payload.get("is_report") else _known(incoming, recipient)
        mail.user_id = known[0].id if known else None
        try:
            with db.session.begin_nested():
                done = _quarantined(counted.too_many) if counted.too_many else _decide(incoming, mail, known, counted)
        except (Forbidden, Conflict, Invalid) as error:
            done = _quarantined(_why(error))
        _finish(mail, done)
        if counted.too_many:
            soon = now() + timedelta(days=KEEP_TOO_MANY_DAYS)
            kept = {"keep_until": soon, "data": blob.data[:KEPT_OF_TOO_MANY]}
            db.session.execute(update(InboundBlob).where(InboundBlob.mail_id == mail_id).values(kept))
    db.session.commit()


def _known(incoming: Incoming, recipient: str | None) -> tuple[User, int] | None:
    """Who answers, and on which ticket, by the first of our addresses that it came in by."""
    return auth.read_reply_address(recipient or "", *incoming.recipients)


@dataclass(frozen=True)
class _Counted:
    too_many: str = ""
    """Of what there were too many, in words; empty where it is one of few."""
    is_answered: bool = True
    """Whether a report gets an answer."""


def _count(incoming: Incoming, recipient: str | None) -> _Counted:
    """Count a mail that somebody wrote. Whoever has proven nothing is counted with everybody of the same domain, and
    with all others who have not; an address of somebody here may report as often as they may on the page, and no flood
    of others' mails keeps it from that."""
    if incoming.kind not in (Kind.PERSON, Kind.DOUBTFUL, Kind.ROBOT):
        return _Counted()
    known = _known(incoming, recipient)
    if known is not None:
        is_more = limits.wait_seconds(limits.CREATE, f"mails of {known[0].id}")
        return _Counted("They wrote too many." if is_more else "")
    sender = limits.mailbox(auth.normalize_email(incoming.sender))
    is_of_somebody = _is_of_somebody(incoming)
    unproven = (
        ((limits.MAIL_ADDRESS, sender), "There were too many of this sender’s."),
        ((limits.MAIL_DOMAIN, sender.rpartition("@")[2]), "There were too many from where it comes from."),
        ((limits.MAIL_UNPROVEN, ""), "There were too many of senders that nobody knows."),
    )
    proven = (
        ((limits.CREATE, f"mails from {sender}"), "There were too many of this sender’s."),
        ((limits.MAIL_KNOWN, ""), "There were too many of all who have an address here."),
    )
    for (limit, subject), words in proven if is_of_somebody else unproven:
        if limits.wait_seconds(limit, subject):
            return _Counted(words)
    return _Counted(is_answered=not is_of_somebody or not limits.wait_seconds(limits.MAIL_ANSWERS, sender))


def _is_of_somebody(incoming: Incoming) -> bool:
    """Whether the sender’s address is that of somebody here who has proven it. That they wrote it nobody knows."""
    sender = auth.normalize_email(incoming.sender)
    proven = select(User.id).where(User.email_normalized == sender, User.email_verified_at.is_not(None))
    return bool(sender) and db.session.scalar(proven) is not None


def _take(mail_id: int) -> InboundMail | None:
    """The mail, locked, where nobody has come to an end with it."""
    waiting = InboundMail.id == mail_id, InboundMail.state == InboundState.WAITING
    return db.session.scalar(select(InboundMail).where(*waiting).with_for_update())


def _finish(mail: InboundMail, done: Done) -> None:
    mail.state, mail.outcome, mail.handled_at = done.state, one_line(done.outcome)[:200], now()
    mail.ticket_id, mail.comment_id = done.ticket_id, done.comment_id


def _why(error: HelpdeskError) -> str:
    if isinstance(error, Invalid):
        return " ".join(str(message) for messages in error.errors.values() for message in messages)
    return error.detail or error.title


def _decide(incoming: Incoming, mail: InboundMail, known: tuple[User, int] | None, counted: _Counted) -> Done:
    if incoming.kind == Kind.BOUNCE:
        return _bounced(incoming, mail, known[0] if known else None)
    if incoming.kind in (Kind.AUTO_REPLY, Kind.LIST):
        return _ignored("An answer that nobody wrote." if incoming.kind == Kind.AUTO_REPLY else "From a mailing list.")
    if _is_ours(incoming.sender):
        return _ignored("From our own address.")
    if not incoming.text and not incoming.pictures and not incoming.is_encrypted:
        return _ignored("There is nothing in it.")
    if known is None:
        return _reported(incoming, mail, counted)
    if incoming.kind == Kind.ROBOT:
        return _ignored("A robot answered.")
    return _answered(incoming, mail, *known)


def _is_ours(sender: str) -> bool:
    """Whether a mail came from here: two desks that answer each other would go on for ever."""
    own = {parseaddr(setting("MAIL_FROM"))[1].lower(), setting("INBOUND_ADDRESS").lower()}
    local, _, host = sender.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{host}" in own


def _bounced(incoming: Incoming, mail: InboundMail, user: User | None) -> Done:
    """Believed, as far as `auth.came_back` does, where it came to the address that only that mail was sent from."""
    bounce = incoming.bounce
    if user is not None and bounce is not None and bounce.is_final and auth.came_back(user, bounce.recipient):
        return _ignored(f"A mail to them came back ({bounce.status}).")
    if bounce is not None and user is None:
        mail.user_id = db.session.scalar(select(User.id).where(User.email_normalized == bounce.recipient))
    return _ignored("Of the mail system, about a mail that was not delivered.")


# --- by the address of an answer --------------------------------------------------------------------------------------

_COMMANDS = re.compile(r"^#(close|resolve|wait|assign me)\s*$", re.IGNORECASE)
_NOTE = re.compile(r"^\s*#note\b[\s:.,-]*", re.IGNORECASE | re.MULTILINE)
_NEARLY_A_NOTE = re.compile(r"#\s*note\b", re.IGNORECASE)
_UNKNOWN = re.compile(r"^#\w")
_STATUS = {"close": Status.CLOSED, "resolve": Status.RESOLVED, "wait": Status.WAITING}


@dataclass
class Wish:
    """What the first lines of one of the staff ask for."""

    text: str
    is_note: bool = False
    changes: dict[str, Any] = field(default_factory=dict)


def _as_seen(text: str) -> str:
    """Without what nobody sees, and letters in the form that everybody types."""
    return "".join(one for one in unicodedata.normalize("NFKC", text) if unicodedata.category(one) != "Cf")


def wish_of(text: str, actor: Actor) -> Wish:
    """`#close`, `#resolve`, `#wait` and `#assign me`, each on a line of its own before anything else; and `#note`,
    wherever a line begins with it: words that were to stay here must not go out.

    Raises Conflict for a first line that looks like one of these and is none, and for what looks like `#note` anywhere.
    """
    is_note = bool(_NOTE.search(text))
    if not is_note and _NEARLY_A_NOTE.search(_as_seen(text)):
        raise Conflict("It says #note, though not as the first word of a line: nothing of it was sent.")
    lines = _NOTE.sub("", text).split("\n")
    wish = Wish("", is_note=is_note)
    while lines and (not lines[0].strip() or _COMMANDS.match(lines[0].strip())):
        found = _COMMANDS.match(lines.pop(0).strip())
        word = found[1].lower() if found else ""
        if word in _STATUS:
            wish.changes["status"] = _STATUS[word]
        elif word:
            wish.changes["assignee_id"] = actor.id
    if lines and _UNKNOWN.match(lines[0].strip()):
        raise Conflict(f"There is no {lines[0].strip()[:40]}.")
    wish.text = "\n".join(lines).strip()
    return wish


def _answered(incoming: Incoming, mail: InboundMail, user: User, ticket_id: int) -> Done:
    mail.is_from_elsewhere = auth.normalize_email(incoming.sender) != user.email_normalized
    if user.role != Role.CUSTOMER and mail.is_from_elsewhere:
        # the address may have been forwarded along with a mail: it lets nobody else work here
        return _quarantined("It came by the address for a colleague’s answers, from another sender.")
    auth.is_reached(user)
    actor = Actor(id=user.id, role=user.role, name=user.name)
    try:
        ticket = policy.take_ticket(actor, ticket_id)
        for _ in range(MOST_MERGES):  # what was merged goes on elsewhere
            if ticket.merged_into_id is None:
                break
            ticket = policy.take_ticket(actor, ticket.merged_into_id)
    except NotFound:
        return _quarantined(f"It answers #{ticket_id}, which they do not see any more.")
    return _as_staff(incoming, actor, ticket) if actor.is_staff else _as_customer(incoming, actor, ticket)


def _as_staff(incoming: Incoming, actor: Actor, ticket: Ticket) -> Done:
    wish = wish_of(incoming.own_words, actor)
    deed_id, comment = events.new_deed(), None
    if wish.text or incoming.pictures:
        photos, missing = _photos(actor, incoming)
        audience = Audience.AFFECTED if ticket.affected_count > 1 else Audience.REPORTER
        comment = comments.add(
            actor, ticket, _said(wish.text, missing), audience=Audience.INTERNAL if wish.is_note else audience,
            channel=Channel.EMAIL, photos=photos, deed_id=deed_id,
        )  # fmt: skip
    elif not wish.changes:
        raise Conflict("Nothing stands above what it quotes.")
    tickets.edit(actor, ticket, wish.changes, deed_id=deed_id)
    return _done("Said on", ticket, comment)


def _as_customer(incoming: Incoming, actor: Actor, ticket: Ticket) -> Done:
    photos, missing = _photos(actor, incoming)
    text = _said(incoming.text, missing)
    try:
        with db.session.begin_nested():
            comment = comments.add(actor, ticket, text, audience=None, channel=Channel.EMAIL, photos=photos)
    except Conflict:  # it is over: what they write is not lost
        category = db.session.get_one(Category, ticket.category_id)
        data = {
            "title": _title(incoming), "description": f"{text}\n\n*Answers #{ticket.id}, which is closed.*"[:TEXT],
            "category": _category(category), "images": photos, "is_confidential": ticket.is_confidential,
        }  # fmt: skip
        return _done("A new report:", tickets.create(actor, data, channel=Channel.EMAIL))
    return _done("Said on", ticket, comment)


def _done(what: str, ticket: Ticket, comment: Comment | None = None) -> Done:
    return Done(InboundState.DONE, f"{what} #{ticket.id}.", ticket.id, comment.id if comment else None)


# --- by nobody's address ----------------------------------------------------------------------------------------------


def _reported(incoming: Incoming, mail: InboundMail, counted: _Counted) -> Done:
    """A report of somebody who has proven nothing. What it shows waits with it: nothing of it is decoded before."""
    if not incoming.sender:
        return _quarantined("It does not say who sent it.")
    description = incoming.text or (
        "*This mail is encrypted and cannot be read here.*" if incoming.is_encrypted else "*A photo.*"
    )
    data = {
        "title": _title(incoming), "description": description[:TEXT], "category": _category(None),
        "email": incoming.sender, "name": incoming.sender_name or None,
    }  # fmt: skip
    if setting("INBOUND_KNOWN") == "open" and counted.is_answered and _is_of_somebody(incoming):
        reporter = tickets.person_by_email(incoming.sender)
        ticket: Ticket | None = tickets.write(ANONYMOUS, data, reporter, channel=Channel.EMAIL)
    else:
        answers = incoming.kind == Kind.PERSON and counted.is_answered
        ticket = guests.report(ANONYMOUS, data, channel=Channel.EMAIL, once=f"mail:{mail.id}", answers=answers)
    if ticket is None:
        return _ignored("Its sender was locked out.")
    mail.user_id = ticket.reporter_id
    guest = _guest(ticket)
    if ticket.held:
        photos, missing = _fit(incoming)
        mail.has_photos = bool(photos)
    else:
        taken, missing = _photos(guest, incoming)
        images.tie(guest, taken, ticket)
    if missing:
        ticket.description = _said(ticket.description, missing)[:TEXT]
    return _done("Held, until its sender confirms it:" if ticket.held else "A new report:", ticket)


def _guest(ticket: Ticket) -> Actor:
    return Actor(id=ticket.reporter_id, role=Role.CUSTOMER, kind=ActorKind.GUEST)


@jobs.handles("inbound_photos")
def take_photos(job: jobs.Claimed) -> None:
    """Take over the photos of a report by mail, now that its sender has confirmed it."""
    waiting = InboundMail.ticket_id == job.payload["ticket_id"], InboundMail.has_photos
    found = db.session.execute(
        select(InboundMail.id, InboundMail.size_bytes, InboundBlob.data).join(InboundBlob).where(*waiting)
    ).first()
    if found is None:
        return
    incoming = reading.read(found.data, is_cut=found.size_bytes > len(found.data))
    db.session.rollback()
    begin_write()
    ticket = policy.take_ticket(SYSTEM, job.payload["ticket_id"])
    mail = db.session.scalar(select(InboundMail).where(InboundMail.id == found.id, *waiting).with_for_update())
    if mail is not None:
        mail.has_photos = False
        guest = _guest(ticket)
        with contextlib.suppress(Conflict, Invalid), db.session.begin_nested():  # it has ended, or has enough of them
            images.attach(guest, _photos(guest, incoming)[0], ticket)
    db.session.commit()


def _category(own: Category | None) -> str:
    if own is not None and not own.is_archived:
        return own.slug
    wanted = select(Category.slug).where(~Category.is_archived, Category.slug == setting("INBOUND_CATEGORY"))
    first = select(Category.slug).where(~Category.is_archived, Category.parent_id.is_(None)).order_by(Category.id)
    return str(db.session.scalar(wanted) or db.session.scalars(first.limit(1)).one())


_ANSWER = re.compile(r"^(?:\s*(?:re|aw|sv|antw|fwd?|wg|tr|rv|vs)\s*(?:\[\d+\])?\s*:)+\s*", re.IGNORECASE)


def _title(incoming: Incoming) -> str:
    """Of its subject, else of its first words."""
    subject = _ANSWER.sub("", incoming.subject[:400]).strip()
    first = next((line.strip() for line in incoming.text.split("\n") if line.strip()), "")
    title = subject if len(subject) >= 3 else first if len(first) >= 3 else "A mail without a subject"
    return title if len(title) <= TITLE else f"{title[: TITLE - 1]}…"


# --- what is attached -------------------------------------------------------------------------------------------------


def _photos(actor: Actor, incoming: Incoming) -> tuple[list[int], list[str]]:
    """The photos of a mail, kept as this actor's uploads, and what of it is not taken over."""
    taken: list[int] = []
    fit, missing = _fit(incoming)
    for picture, looked in fit:
        try:
            with db.session.begin_nested():
                taken.append(images.add(actor, picture.data, looked).id)
        except Invalid:  # more than somebody may send in a day
            missing.append(picture.name)
    return taken, missing


def _fit(incoming: Incoming) -> tuple[list[tuple[Picture, Looked]], list[str]]:
    """What of a mail is a photo that can be taken over, as far as its first bytes tell, and the names of the rest."""
    fit: list[tuple[Picture, Looked]] = []
    missing = list(incoming.not_taken)
    for picture in incoming.pictures:
        looked = _looked(picture.data)
        if looked is None or len(fit) == MOST_PICTURES or len(picture.data) > images.MAX_BYTES:
            missing.append(picture.name)
        else:
            fit.append((picture, looked))
    return fit, missing


def _looked(data: bytes) -> Looked | None:
    try:
        return look(data)
    except NotAPicture:
        return None


_MARKDOWN = re.compile(r"([\\`*_\[\]<>#~|])")


def _said(text: str, missing: Sequence[str]) -> str:
    """The words, and what was attached and is not taken over."""
    if not missing:
        return text[:TEXT]
    names = ", ".join(_MARKDOWN.sub(r"\\\1", name) for name in missing[:10])
    more = f" and {len(missing) - 10} more" if len(missing) > 10 else ""
    note = f"*Not taken over from the mail: {names}{more}.*"
    return f"{text[: TEXT - len(note) - 2]}\n\n{note}".strip()


MOST_BESIDE = 200


@lru_cache(maxsize=1)
def beside() -> Rows:
    """What the staff are told of the mails beside the words of the ticket `ticket_id`: from which address it was where
    that is not theirs, and whether all of it can be read (`kept_id`). `comment_id` is null for the report itself."""
    columns = (
        InboundMail.id, InboundMail.comment_id, InboundMail.sender, InboundMail.is_from_elsewhere,
        InboundBlob.mail_id.label("kept_id"),
    )  # fmt: skip
    ticket_id: Any = bindparam("ticket_id")
    made_at = select(Ticket.created_at).where(Ticket.id == ticket_id).scalar_subquery()
    said = (
        select(*columns)
        .outerjoin(InboundBlob, InboundBlob.mail_id == InboundMail.id)
        .where(InboundMail.ticket_id == ticket_id)
        .where(or_(InboundBlob.mail_id.is_not(None), InboundMail.is_from_elsewhere))
        .where(or_(InboundMail.comment_id.is_not(None), InboundMail.received_at <= made_at))
    )
    return said.order_by(InboundMail.id.desc()).limit(MOST_BESIDE)


@jobs.handles("purge_inbound", every=timedelta(days=1))
def purge(job: jobs.Claimed) -> None:
    """Forget the mails themselves after a while, whatever became of them, and that they came after a longer one."""
    begin_write()
    waiting = select(InboundMail.id).where(InboundMail.state == InboundState.WAITING)  # for a worker that was away
    over = InboundBlob.keep_until < now(), InboundBlob.mail_id.not_in(waiting)
    db.session.execute(delete(InboundBlob).where(*over))
    old = InboundMail.received_at < now() - timedelta(days=REMEMBER_DAYS)
    db.session.execute(delete(InboundMail).where(old, InboundMail.state != InboundState.WAITING))
    db.session.commit()


@dataclass(frozen=True)
class Named:
    """The mails up to one that name somebody in their heads, of those that nobody knows yet to be about them."""

    address: str | None = None
    mail_ids: tuple[int, ...] = ()
    up_to: int = 0


def naming(user_id: int, *, after: int = 0) -> Named:
    """Looked for before anything is written: there may be many."""
    user = db.session.get(User, user_id)
    if user is None:
        return Named()
    address, words = user.email_normalized, auth.reply_words(user)
    head = func.substr(InboundBlob.data, 1, reading.MAX_HEAD_BYTES, type_=LargeBinary())
    unknown = InboundMail.state != InboundState.DONE, InboundMail.user_id.is_(None), InboundMail.id > after
    heads = select(InboundMail.id, InboundMail.recipient, head).join(InboundBlob).where(*unknown)
    named, up_to = [], after
    for mail_id, recipient, data in db.session.execute(heads.order_by(InboundMail.id)).yield_per(50):
        up_to = mail_id
        if reading.names(b"%s\n%s" % ((recipient or "").encode(), data), address, words):
            named.append(mail_id)
    return Named(address, tuple(named), up_to)


def forget_person(user: User, named: Named | None = None) -> None:
    """Take away what came by mail from somebody who is erased, or is about them, as long as their reply addresses are
    there; and the mails themselves of others on their tickets, which quote them. Writes.

    `named` is what `naming` found before: only what came since is read here.
    """
    before = named if named is not None and named.address == user.email_normalized else Named()
    since = naming(user.id, after=before.up_to)
    db.session.execute(delete(InboundMail).where(InboundMail.user_id == user.id))
    if user.email_normalized:
        db.session.execute(delete(InboundMail).where(InboundMail.sender == user.email_normalized))
    unknown = InboundMail.state != InboundState.DONE, InboundMail.user_id.is_(None)
    found = (*before.mail_ids, *since.mail_ids)
    for at in range(0, len(found), 500):
        db.session.execute(delete(InboundMail).where(InboundMail.id.in_(found[at : at + 500]), *unknown))
    reported = select(Ticket.id).where(Ticket.reporter_id == user.id)
    joined = select(TicketReport.ticket_id).where(TicketReport.user_id == user.id)
    beside = select(InboundMail.id).where(InboundMail.ticket_id.in_(reported.union(joined)))
    db.session.execute(delete(InboundBlob).where(InboundBlob.mail_id.in_(beside)))
    db.session.execute(update(InboundMail).where(InboundMail.id.in_(beside)).values(subject=""))
