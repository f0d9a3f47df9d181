"""The words of the staff's pages: all of them can be translated, and what there is to translate is written down."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask
from flask_babel import get_babel
from sqlalchemy import select

from helpdesk.settings import ROOT
from models import Building, Category, Comment, SavedReply, SavedView, Tag, Task, Team, Ticket, User, begin_write, db
from tests.doors import change
from tests.factories import PASSWORD, Person
from tests.pages import VOID, Page, Reader

pytestmark = pytest.mark.once("words, whatever the rows come from")
POT = ROOT / "translations" / "messages.pot"
BRACKETS = "eo"
"""A language that says all things as English does, between ⟦ and ⟧."""


@pytest.fixture
def brackets(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """We have that language, and it is the desk's."""
    folder = tmp_path / BRACKETS / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with POT.open("rb") as file:
        catalogue = read_po(file, locale=BRACKETS)
    for message in catalogue:
        if message.id:
            texts = message.id if isinstance(message.id, tuple) else (message.id,)
            bracketed = tuple(f"⟦{text}⟧" for text in texts)
            message.string = bracketed if isinstance(message.id, tuple) else bracketed[0]
    with (folder / "messages.mo").open("wb") as file:
        write_mo(file, catalogue)
    babel = get_babel(app)
    monkeypatch.setattr(babel, "translation_directories", [str(tmp_path)])
    monkeypatch.setitem(app.extensions, "locales", {"en", BRACKETS})
    monkeypatch.setitem(app.config, "DEFAULT_LOCALE", BRACKETS)
    babel.instance.domain_instance.cache.clear()
    yield
    babel.instance.domain_instance.cache.clear()


def add(*rows: object) -> None:
    begin_write()
    db.session.add_all(rows)
    db.session.commit()


# --- what there is to translate ---------------------------------------------------------------------------------------


def test_what_there_is_to_translate_is_written_down(tmp_path: Path) -> None:
    again = tmp_path / "messages.pot"
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "scripts/messages.sh", str(again)], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert again.read_text() == POT.read_text(), "run `make messages`"


# --- whose language ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("brackets")
def test_a_page_speaks_its_readers_language_if_we_have_it_and_else_the_desks(
    app: Flask, agent: Person, admin: Person
) -> None:
    change(admin, locale=BRACKETS)
    for person, language, heading in ((agent, "en", "Tasks"), (admin, BRACKETS, "⟦Tasks⟧")):
        page = Reader(app, person).reads("/staff/tasks")
        assert f'<html lang="{language}"' in page.html
        assert f"<h1>{heading}</h1>" in page.html
    change(agent, locale="tlh")
    assert "<h1>⟦Tasks⟧</h1>" in Reader(app, agent).reads("/staff/tasks").html
    assert "<h1>⟦Staff log in⟧</h1>" in Reader(app).reads("/staff/login").html


def test_a_language_that_we_do_not_have_is_english(app: Flask, agent: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    change(agent, locale="tlh")
    monkeypatch.setitem(app.config, "DEFAULT_LOCALE", "tlh")
    page = Reader(app, agent).reads("/staff/tasks")
    assert ('<html lang="en"' in page.html, "<h1>Tasks</h1>" in page.html) == (True, True)


@pytest.mark.usefixtures("brackets")
def test_what_people_write_is_no_code_in_a_translated_sentence(app: Flask, admin: Person, customer: Person) -> None:
    change(admin, locale=BRACKETS)
    change(customer, name="<i>%(name)s</i>")
    number = customer.reports()
    customer.writes(number, "Any news?")
    page = Reader(app, admin).reads(f"/staff/tickets/{number}/delete")
    assert "&lt;i&gt;%(name)s&lt;/i&gt;. It cannot be undone.⟧" in page.html
    page = Reader(app, admin).reads(f"/staff/tickets/{number}")
    assert "<i>" not in page.html
    assert 'aria-label="⟦What &lt;i&gt;%(name)s&lt;/i&gt; said: more⟧"' in page.html


# --- all of it --------------------------------------------------------------------------------------------------------

READ_ALOUD = ("aria-label", "title", "placeholder", "alt", "label")
DATA = (
    User.name, User.email, Ticket.title, Ticket.description, Ticket.room, Comment.text, Task.title, Category.name,
    Building.name, Team.name, Tag.name, SavedView.name, SavedReply.title, SavedReply.text,
)  # fmt: skip
"""What people called things and wrote: nobody translates it."""
ALSO = (
    "Campus Helpdesk",
    "true",
    r"(Mon|Tues?|Wed|Thu|Fri|Sat|Sun)\b",
    r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b",
)
"""The name of the desk, what an address says of a filter that has no menu, and dates."""


class Words(HTMLParser):
    """What a page says: its running text in one piece, and what else is read aloud."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.aloud = "", []
        self._inside: list[tuple[str, bool]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.aloud += [found[name] or "" for name in READ_ALOUD if name in found]
        # keys are called as they are on the keyboard; an avatar shows initials; what was typed is typed
        is_data = tag in ("script", "style", "kbd", "textarea") or "avatar" in (found.get("class") or "")
        if tag not in VOID:
            self._inside.append((tag, is_data))

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not any(is_data for _, is_data in self._inside):
            self.text += f" {data}"


def outside(text: str, data: list[str]) -> str:
    """The letters of a text that stand in no brackets and are no data."""
    depth, found = 0, ""
    for letter in " ".join(text.split()):
        depth += (letter == "⟦") - (letter == "⟧")
        found += "\n" if depth or letter == "⟧" else letter
    for words in data:
        found = found.replace(words, " ")
    for pattern in ALSO:
        found = re.sub(pattern, " ", found)
    return " ".join(re.findall(r"[^\n]*[A-Za-z][^\n]*", found))


def data() -> list[str]:
    db.session.rollback()
    values = [value for column in DATA for value in db.session.scalars(select(column).distinct()) if value]
    texts = {" ".join(part.split()) for value in values for part in [value, *value.split("\n")]}
    return sorted((text for text in texts if re.search("[A-Za-z]", text)), key=len, reverse=True)


def is_all_translated(page: Page, where: str) -> None:
    words, known = Words(page.html), data()
    assert "⟦" in page.html, where
    found = [outside(text, known) for text in (words.text, *words.aloud)]
    assert [text for text in found if text] == [], where


@pytest.fixture
def world(app: Flask, admin: Person, agent: Person, customer: Person, other: Person) -> dict[str, int]:
    """Something of everything, on a ticket above all."""
    add(Building(slug="maple", name="Maple Hall"), Tag(name="hvac"), Tag(name="exam"))
    team = admin.get("/api/teams").json["items"][0]["id"]
    number = customer.reports(building="maple", room="214")
    alike, merged, closed = customer.reports(), other.reports(), customer.reports(title="Old lift")
    other.joins(number)
    customer.uploads(to=number)
    customer.uploads(to=number, ready=False)
    said = customer.writes(number, "Any news?")
    other.writes(number, "Here as well.")
    agent.writes(number, "Looking.", audience="affected")
    note = agent.writes(number, "Ask the plumber.", audience="internal")
    agent.patch(f"/api/comments/{note}", {"text": "Ask the other plumber."})
    gone = agent.writes(number, "Wrong ticket.", audience="internal")
    agent.delete(f"/api/comments/{gone}")
    for change_of in (
        {
            "priority": "high",
            "assignee_id": agent.id,
            "team_id": team,
            "handoff_reason": "At night.",
            "tags": ["hvac", "exam"],
        },
        {"status": "in_progress", "title": "Water from the ceiling", "public_title": "Water", "room": "215"},
        {"tags": ["exam"], "assignee_id": None, "public_title": None, "category": "it-wifi"},
        {"assignee_id": admin.id, "status": "waiting"},
        {"status": "open", "building": None},
    ):
        agent.sets(number, **change_of)
    agent.sets(closed, status="resolved")
    agent.sets(alike, is_confidential=True)
    for title, fields in (
        ("Call", {"due_at": "2026-01-02T10:00:00Z"}),
        ("Write", {"due_at": "2099-01-02T10:00:00Z", "priority": "high"}),
        ("Look", {"assignee_id": agent.id}),
        ("Done", {}),
    ):
        task = admin.post("/api/tasks", {"title": f"{title} TODO", "ticket_id": number, **fields}).json["id"]
    admin.patch(f"/api/tasks/{task}", {"status": "done"})
    view = admin.post("/api/views", {"name": "Leaks", "is_shared": True, "filters": {"q": "777"}}).json["id"]
    reply = admin.post("/api/saved-replies", {"title": "Coming", "text": "Soon.", "is_shared": True}).json["id"]
    agent.post(f"/api/tickets/{merged}/merge", {"into_id": number})
    for _ in range(5):
        Person.made(app, "customer").joins(number)
    admin.put(f"/api/tickets/{number}/draft", {"text": "123"})
    agent.put(f"/api/tickets/{number}/presence", {"is_writing": True})
    change(admin, locale=BRACKETS)
    return {
        "ticket": number, "alike": alike, "merged": merged, "closed": closed, "comment": said, "task": task,
        "view": view, "reply": reply,
    }  # fmt: skip


PAGES = (
    "", "?part=rows", "?status=resolved&status=open", "?q=777", "?assignee=me&due=overdue&priority=high&team=7&tag=7",
    "?assignee=none&building=maple&category=it&resolved=week", "?view={view}", "?held=true", "?status=waiting",
    "tickets/{ticket}", "tickets/{ticket}?list=sort%3Dcreated_at", "tickets/{ticket}?merged={merged}", "tickets/{merged}", "tickets/{closed}",
    "tickets/{alike}", "tickets/{ticket}/print", "tickets/{ticket}/print?notes=1", "tickets/{ticket}/delete",
    "tickets/{ticket}/news?after=0", "tickets/{ticket}?undone=0", "tickets/{ticket}?undone=1", "tickets/new",
    "tasks", "tasks?whose=everyone", "tasks?whose=none&hide=done", "tasks?done={task}", "tasks/{task}",
    "tasks/{task}?from=ticket", "merge?ids={ticket}", "merge?ids={ticket},{alike}", "merge?ids={closed}&into={ticket}",
    "merge?ids={ticket}&number=", "comments/{comment}/split", "views/new?list=q%3D777%26status%3Dopen%26due%3Doverdue",
    "views/{view}", "views/{view}?list=priority%3Dhigh%26view%3D{view}", "replies", "replies/{reply}", "keys", "find",
    "find?q=777", "find?q=wa",
)  # fmt: skip


@pytest.mark.usefixtures("brackets")
def test_every_word_of_every_page_is_translated(app: Flask, admin: Person, world: dict[str, int]) -> None:
    desk = Reader(app, admin)
    for path in PAGES:
        response = desk.get(f"/staff/{path.format(**world)}")
        assert response.status_code in (200, 422), (path, response.status_code)
        is_all_translated(Page(response), path)


@pytest.mark.usefixtures("brackets")
def test_every_word_of_what_a_page_answers_is_translated(app: Flask, admin: Person, agent: Person, world: dict[str, int]) -> None:  # fmt: skip
    desk, at = Reader(app, admin), f"/staff/tickets/{world['ticket']}"
    form = desk.reads(at).form_to(at, button="Save")
    agent.writes(world["ticket"], "Seen.", audience="internal")
    agent.sets(world["ticket"], room="216")
    for button, typed in (
        ("Save", {"room": "9"}), ("Save", {"room": "9", "text": "Soon."}), ("Resolve", {}), ("Resolve", {"text": "Soon."}),
    ):  # fmt: skip
        do = "save" if button == "Save" else "resolve"
        page = Page(desk.open("POST", at, data={**form.data(**typed), "do": do}))
        assert page.status == 412
        is_all_translated(page, "overtaken")
    form = desk.reads(at).form_to(f"{at}/comments")
    is_all_translated(Page(desk.sends(form, text="")), "nothing was written")
    page = Page(desk.sends(form, text="Soon.", room="9"))
    is_all_translated(page, "sent, and a property is not saved")
    for path, action in (
        ("tickets/new", "tickets/new"), ("replies", "replies"), ("tasks", "tasks"), ("views/new", "views/new"),
        (f"comments/{world['comment']}/split", f"comments/{world['comment']}/split"),
    ):  # fmt: skip
        form = desk.reads(f"/staff/{path}").form_to(f"/staff/{action}")
        empty = {"title": "", "name": "", "description": "", "text": "", "task": ""}
        sent = {name: "" for name in empty if name in form.data()}
        is_all_translated(Page(desk.sends(form, **sent)), path)
    form = desk.reads("/staff/").form_to("/staff/bulk", button="Apply")
    is_all_translated(Page(desk.sends(form)), "nothing was selected")
    page = desk.is_led(desk.sends(form, ids=[str(world["ticket"])], priority="urgent"))
    is_all_translated(page, "many were changed")


@pytest.mark.usefixtures("brackets")
def test_every_word_on_the_way_in_is_translated(app: Flask, admin: Person, customer: Person) -> None:
    number = customer.reports()
    change(customer, locale=BRACKETS)
    out = Reader(app)
    is_all_translated(out.reads("/staff/login?next=/staff/tasks"), "login")
    form = out.reads("/staff/login").form_to("/staff/login")
    is_all_translated(Page(out.sends(form)), "nothing was typed")
    is_all_translated(Page(out.sends(form, identifier=admin.username, password="no")), "a wrong password")
    not_staff = out.sends(form, identifier=customer.username, password=PASSWORD)
    is_all_translated(Page(not_staff), "not one of the staff")
    written = {"text": "123", "audience": "internal", "then": "waiting", "is_confidential": "on", "assignee_id": "me"}
    page = Page(Reader(app).open("POST", f"/staff/tickets/{number}/comments", data=written))
    is_all_translated(page, "a session that ended")
    form = page.form_to("/staff/login")
    page = Page(Reader(app).sends(form, identifier=admin.username, password=PASSWORD))
    assert page.says("Staff only")
    is_all_translated(page, "what was written")
