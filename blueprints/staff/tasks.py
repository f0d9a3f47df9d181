"""Tasks: everybody's, a team's or one's own, by when they are due. One line adds one, and one press ticks it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Response, redirect, request, url_for

from blueprints import http
from blueprints.pages import Due, since
from blueprints.staff import forms
from blueprints.staff.forms import Typed, first, number
from blueprints.staff.shell import desk, pages, refused, show
from blueprints.staff.ticket import ADD_TASK, beside
from blueprints.staff.ticket import ONE as TICKET
from blueprints.words import gettext, lazy_gettext, ngettext
from helpdesk import policy, tasks, users
from helpdesk.errors import HelpdeskError, Invalid
from helpdesk.policy import Action, Actor
from helpdesk.quick_task import ALL_DAY, Colleague, parse
from helpdesk.schemas import CreateTaskShape, EditTaskShape
from helpdesk.settings import setting
from helpdesk.tasks import MINE, Bounds, When
from models import TaskStatus, now

ONE = f"/tasks/{http.ID.format('task_id')}"
A_PAGE = 100
GROUPS = {
    When.OVERDUE: lazy_gettext("Overdue"),
    When.TODAY: lazy_gettext("Today"),
    When.WEEK: lazy_gettext("This week"),
    When.LATER: lazy_gettext("Later"),
    When.NO_DATE: lazy_gettext("No date"),
}
FIELDS = ("title", "description", "due_date", "due_time", "assignee_id", "ticket_id", "priority", "status")
WORDS = {
    "title": lazy_gettext("Say what is to be done in up to 200 characters"),
    "ticket_id": lazy_gettext("There is no such ticket"),
}


def zone() -> ZoneInfo:
    """The campus's: what is due on a day is due where the work is."""
    return ZoneInfo(setting("TIME_ZONE"))


LONG = timedelta(days=7)


# --- how a task is said -----------------------------------------------------------------------------------------------


@pages.app_template_filter("task_due")
def due(task: Any, bounds: Bounds | None = None) -> Due:
    """`12 min late`, `14:00`, `Wed`, `12 May`, `Done 08:29`: in how many words it needs."""
    bounds = bounds or Bounds.at_present()
    done_at, due_at = task["done_at"], task["due_at"]
    if done_at is not None:
        return Due("met", gettext("Done %(time)s", time=_when(done_at, bounds)), done_at)
    if due_at is None:
        return Due("none")
    group = bounds.group(due_at)
    if group == When.OVERDUE:
        return Due("late", _late(due_at, bounds), due_at)
    soon = (due_at - bounds.now).total_seconds() <= 3600 and not _is_all_day(due_at)
    return Due("soon" if soon else "ok", _when(due_at, bounds), due_at)


def _is_all_day(moment: datetime) -> bool:
    return moment.astimezone(zone()).time() == ALL_DAY


def _when(moment: datetime, bounds: Bounds) -> str:
    local = moment.astimezone(zone())
    clock = "" if _is_all_day(moment) else f"{local:%H:%M}"
    if bounds.today <= moment < bounds.tomorrow:
        return clock or gettext("Today")
    if bounds.tomorrow <= moment < bounds.monday:
        return f"{local:%a} {clock}".strip()
    year = "" if local.year == bounds.today.year else f" {local.year}"
    return f"{local.day} {local:%b}{year}"  # the time is in its title


def _late(due_at: datetime, bounds: Bounds) -> str:
    if not _is_all_day(due_at):
        if now() - due_at < LONG:
            return gettext("%(span)s late", span=since(due_at))
        return gettext("since %(time)s", time=_when(due_at, bounds))
    days = (bounds.today.date() - due_at.astimezone(zone()).date()).days
    return ngettext("%(num)s day late", "%(num)s days late", days)


# --- the page ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """What an address of the page says."""

    whose: str = MINE
    hides_done: bool = False
    cursor: str | None = None

    def address(self, **more: Any) -> str:
        """This address with other values. Another list begins at its first page."""
        values = {"whose": self.whose, "hide": "done" if self.hides_done else None, **more}
        if values["whose"] == MINE:
            del values["whose"]
        said = urlencode({name: value for name, value in values.items() if value is not None})
        return f"{url_for('staff.tasks')}?{said}" if said else url_for("staff.tasks")


def _asked(args: Mapping[str, str]) -> Asked:
    return Asked(args.get("whose") or MINE, args.get("hide") == "done", args.get("cursor") or None)


@pages.get("/tasks", endpoint="tasks")
def board() -> Response:
    return _page(desk(), _asked(request.args))


@pages.post("/tasks")
def add_task() -> Response:
    """What was typed becomes a task of whoever typed it, unless it names somebody else."""
    actor, asked = desk(), _asked(request.form)
    try:
        wish = read(actor, request.form.get("task", ""))
        http.begin_form(actor)
        made = tasks.create(actor, wish)
        return http.look(asked.address(added=made.id))
    except http.Replay as replay:
        return http.seen_before(replay)
    except forms.REFUSALS as error:
        return _page(actor, asked, error)


@pages.post("/tasks/tick")
def tick_task() -> Response:
    """A task is done, or is to be done again: its button says which."""
    actor, asked = desk(), _asked(request.form)
    try:
        http.begin_form(actor)
        said = tick(actor)
        return http.look(asked.address(cursor=asked.cursor, **said))
    except http.Replay as replay:
        return http.seen_before(replay)
    except forms.REFUSALS as error:
        return _page(actor, asked, error)


def tick(actor: Actor) -> dict[str, int]:
    """Set the task that the pressed button names to what it is called: `done` or `todo`. Raises NotFound."""
    name = "done" if "done" in request.form else "todo"
    task_id = number(request.form.get(name, ""))
    task = tasks.take(actor, task_id if isinstance(task_id, int) else 0)
    tasks.edit(actor, task, {"status": TaskStatus(name)})
    return {name: task.id}


def read(actor: Actor, text: str, ticket_id: int | None = None) -> dict[str, Any]:
    """What a line says, for `tasks.create`; its ticket is this one where it names none. Raises Invalid under `task`."""
    people = [Colleague(one["id"], one["name"]) for one in users.staff(actor)]
    found = parse(text, at=now(), zone=zone(), people=people, me=actor.id)
    wish: dict[str, Any] = {"title": found.title, "assignee_id": found.assignee_id or actor.id}
    if found.due_at is not None:
        wish["due_at"] = found.due_at.isoformat()
    wanted = found.ticket_id or ticket_id
    if wanted is not None:
        wish["ticket_id"] = wanted
    try:
        loaded = http.load(CreateTaskShape(), wish)
        if wanted is not None and not tasks.is_ticket(actor, wanted):
            raise Invalid({"ticket_id": [gettext("There is no ticket #%(number)s", number=wanted)]})
    except Invalid as error:
        words = {
            "title": gettext("Say what is to be done, in up to 200 characters"),
            "due_at": gettext("Choose another day"),
        }
        field, messages = next(iter(error.errors.items()))
        raise Invalid({"task": [words.get(field) or messages[0]]}) from None
    return loaded


def _page(actor: Actor, asked: Asked, error: HelpdeskError | None = None) -> Response:
    if error:
        refused(error)
    bounds = Bounds.at_present()
    try:
        rows, following = tasks.board(actor, asked.whose, limit=A_PAGE, cursor=asked.cursor)
    except Invalid:  # an address that was cut, or of another list
        asked = Asked(asked.whose, asked.hides_done)
        rows, following = tasks.board(actor, asked.whose, limit=A_PAGE, cursor=None)
    done = [] if asked.hides_done or asked.cursor else tasks.done_today(actor, asked.whose)
    return show(
        actor,
        "tasks.html",
        status=error.status if error else 200,
        asked=asked,
        groups=_groups([*map(_shown, rows)], bounds),
        done=[{**_shown(row), "due": due(_shown(row), bounds)} for row in done],
        done_shown=tasks.DONE_SHOWN,
        tally=tasks.numbers(actor, asked.whose),
        labels=GROUPS,
        next=asked.address(cursor=following) if following else None,
        typed=request.form.get("task", "") if error else "",
        error=error,
        problems=forms.problems(error, {"task": [request.form.get("task", "")]}),
        banner=_banner(actor, [*rows, *done]),
    )


def _shown(row: Any) -> dict[str, Any]:
    assignee = {"id": row.assignee_id, "name": row.assignee_name} if row.assignee_id else None
    place = " ".join(part for part in (row.building, row.room) if part)
    return {**row._mapping, "assignee": assignee, "place": place}


def _groups(rows: Iterable[dict[str, Any]], bounds: Bounds) -> dict[When, list[dict[str, Any]]]:
    found: dict[When, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(bounds.group(row["due_at"]), []).append({**row, "due": due(row, bounds)})
    return found


def _banner(actor: Actor, rows: list[Any]) -> dict[str, Any] | None:
    """What was done a moment ago, as the address says."""
    for what in ("done", "todo", "added"):
        task_id = number(request.args.get(what, ""))
        if isinstance(task_id, int):
            title = next((row.title for row in rows if row.id == task_id), None) or tasks.title_of(actor, task_id)
            return {"what": what, "id": task_id, "title": title} if title else None
    return None


# --- on a ticket ------------------------------------------------------------------------------------------------------


@pages.post(f"{TICKET}/tasks")
def task_of_ticket(ticket_id: int) -> Response:
    """Add a task to a ticket, or tick one, and keep what else was typed on its page."""
    actor = desk()
    here = f"{url_for('staff.ticket', ticket_id=ticket_id)}#tasks"

    def deed() -> str:
        if asked == ADD_TASK:
            tasks.create(actor, read(actor, request.form.get("task", ""), ticket_id))
        else:
            tick(actor)
        return here

    asked = "tick" if {"done", "todo"} & request.form.keys() else ADD_TASK
    return beside(actor, ticket_id, asked, deed)


@pages.get(f"{TICKET}/tasks")
def tasks_of_ticket(ticket_id: int) -> Any:
    """Where a form is sent to is no page."""
    return redirect(url_for("staff.ticket", ticket_id=ticket_id))


# --- one task ---------------------------------------------------------------------------------------------------------


@pages.get(ONE)
def task(task_id: int) -> Response:
    return _task_page(desk(), task_id)


@pages.post(ONE)
def edit_task(task_id: int) -> Response:
    actor, typed = desk(), forms.typed(FIELDS)
    try:
        wish = _wish(typed)
        http.begin_form(actor)
        taken = tasks.take(actor, task_id)
        http.expect_form_version(taken.version)
        tasks.edit(actor, taken, wish)
        return http.look(_back(taken.ticket_id))
    except http.Replay as replay:
        return http.seen_before(replay)
    except forms.REFUSALS as error:
        return _task_page(actor, task_id, typed, error)


@pages.post(f"{ONE}/delete")
def delete_task(task_id: int) -> Response:
    """Its menu has asked already."""
    actor = desk()
    try:
        http.begin_form(actor)
        taken = tasks.take(actor, task_id)
        answer = _back(taken.ticket_id)
        tasks.destroy(actor, taken)
        return http.look(answer)
    except http.Replay as replay:
        return http.seen_before(replay)


def _back(ticket_id: int | None) -> str:
    """Whence it was opened: from its ticket, or from the tasks."""
    if ticket_id is not None and request.args.get("from") == "ticket":
        return f"{url_for('staff.ticket', ticket_id=ticket_id)}#tasks"
    return url_for("staff.tasks")


def _wish(typed: Typed) -> dict[str, Any]:
    """Raises Invalid."""
    wish: dict[str, Any] = {name: first(typed, name) for name in ("title", "description", "priority", "status")}
    wish["assignee_id"] = number(first(typed, "assignee_id"))
    wish["ticket_id"] = number(first(typed, "ticket_id").removeprefix("#"))
    wrong: dict[str, list[str]] = {}
    day, clock = first(typed, "due_date"), first(typed, "due_time")
    wish["due_at"] = None
    if day or clock:
        try:
            moment = datetime.combine(
                datetime.strptime(day, "%Y-%m-%d").date(),  # noqa: DTZ007  (the zone comes with the time)
                time.fromisoformat(clock) if clock else ALL_DAY,
                zone(),
            )
            if not 1970 < moment.year < 9000:
                raise ValueError
            wish["due_at"] = moment.isoformat()
        except ValueError:
            wrong["due_date"] = [
                gettext("Choose a day") if clock and not day else gettext("Choose a day and a time that there are")
            ]
    return http.load_form(EditTaskShape(), wish, wrong)


def _task_page(actor: Actor, task_id: int, typed: Typed | None = None, error: HelpdeskError | None = None) -> Response:
    if error:
        refused(error)
    policy.require(actor, Action.TASK_WRITE)
    shown = tasks.show_one(actor, task_id)
    due_at = shown["due_at"] and shown["due_at"].astimezone(zone())
    now_: Typed = {
        "title": [shown["title"]],
        "description": [shown["description"]],
        "due_date": [f"{due_at:%Y-%m-%d}" if due_at else ""],
        "due_time": [f"{due_at:%H:%M}" if due_at and due_at.time() != ALL_DAY else ""],
        "assignee_id": [str(shown["assignee"]["id"]) if shown["assignee"] else ""],
        "ticket_id": [str(shown["ticket_id"] or "")],
        "priority": [shown["priority"]],
        "status": [shown["status"]],
    }
    values = now_ if typed is None else typed
    problems = forms.problems(error, values)
    return show(
        actor,
        "task.html",
        status=error.status if error else 200,
        task=shown,
        typed=values,
        error=error,
        problems={**problems, **{name: WORDS[name] for name in problems if name in WORDS}},
        back=_back(shown["ticket_id"]),
        here=request.full_path.rstrip("?"),
    )
