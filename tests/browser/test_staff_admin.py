"""Looking after people, jobs and records in a browser: by keyboard alone, without a script, on a phone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from models import InboundBlob, InboundMail, InboundState, Job, JobState, User, begin_write, db, now
from tests.browser.conftest import THEMES, WIDTHS, Visiting
from tests.doors import NEW_PASSWORD
from tests.factories import Person, link_in, mails

USERS = "/staff/admin/users"


def opened(page: Page, path: str) -> None:
    page.goto(path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def tab_to(page: Page, name: str, *, role: str = "button") -> None:
    """Press Tab until something of this name has the focus."""
    wanted = page.get_by_role(role, name=name).first  # type: ignore[arg-type]
    for _ in range(120):
        page.keyboard.press("Tab")
        if wanted.evaluate("node => node === document.activeElement"):
            return
    raise AssertionError(f"no way to {name}")


def test_somebody_is_invited_by_keyboard_alone_and_comes_in(visits: Visiting, admin: Person, app: Flask) -> None:
    page = visits(admin).page
    opened(page, "/staff/")
    tab_to(page, "Users", role="link")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(USERS))
    tab_to(page, "Invite user", role="link")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Email")).to_be_focused()
    page.keyboard.type("sam@campus.test")
    page.keyboard.press("Tab")
    page.keyboard.type("Sam Okafor")
    page.keyboard.press("Tab")
    page.keyboard.type("Agent")
    page.keyboard.press("Tab")
    page.keyboard.type("IT")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Send invitation")).to_be_focused()
    page.keyboard.press("Enter")
    told = page.get_by_role("status").filter(has_text="The invitation is on its way")
    expect(told).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Invited")
    token = link_in(mails("sam@campus.test")[0])
    newcomer = visits().page
    newcomer.goto(f"/account/confirm?token={token}")
    newcomer.get_by_label("Password").first.fill(NEW_PASSWORD)
    newcomer.keyboard.press("Enter")
    newcomer.wait_for_url(lambda address: "/account/confirm" not in address)
    newcomer.goto("/staff/")
    expect(newcomer.locator(".sidebar")).to_contain_text("Sam Okafor")


def test_without_a_script_a_role_is_changed_and_an_account_deactivated(
    visits: Visiting, admin: Person, agent: Person
) -> None:
    page = visits(admin, java_script_enabled=False).page
    page.goto(USERS)
    page.get_by_label("Actions for Priya Nair").click()
    page.get_by_role("link", name="Change role to reporter").click()
    expect(page.get_by_text("The desk’s pages are closed to them")).to_be_visible()
    page.get_by_role("button", name="Change role").click()
    expect(page.get_by_text("The role is changed")).to_be_visible()
    page.get_by_role("link", name="Deactivate").click()
    page.get_by_role("button", name="Deactivate").click()
    expect(page.get_by_text("The account is deactivated")).to_be_visible()
    page.get_by_role("button", name="Activate").click()
    expect(page.get_by_text("The account is activated")).to_be_visible()


def test_the_list_is_searched_and_sorted(visits: Visiting, admin: Person, agent: Person, customer: Person) -> None:
    page = visits(admin).page
    opened(page, USERS)
    page.get_by_label("Search users").fill("web")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name=re.compile("^Search: web")).click()
    page.get_by_role("link", name="Name").click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Name")
    expect(page.locator("tbody th").first).to_contain_text("Ada Byron")


def _something_everywhere(agent: Person, customer: Person) -> int:
    customer.get("/api/tasks")
    begin_write()
    for number, state in enumerate((JobState.DEAD, JobState.DEAD, JobState.READY)):
        error = "SMTPRefused: refused with [451] " + "try again later " * 8
        payload = {"kind": "reset", "user_id": agent.id}
        db.session.add(
            Job(kind=("mail", "make_image")[number % 2], payload=payload, state=state, attempts=3, error=error)
        )
    db.session.commit()
    return db.session.query(Job.id).filter(Job.state == JobState.DEAD).limit(1).scalar() or 0


def _mails(app: Flask, agent: Person, customer: Person) -> tuple[int, int, int]:
    """A mail that was laid aside, one that became a comment, and an address that mails come back from."""
    number = customer.reports()
    comment = customer.writes(number, "It is the left one.")
    begin_write()
    for key, state, more in (
        ("aside", InboundState.QUARANTINED, {"outcome": "It came by the address for a colleague’s answers."}),
        ("done", InboundState.DONE, {"outcome": "Said.", "ticket_id": number, "comment_id": comment}),
    ):
        subject = "Re: " + "the window in the north wing is stuck and does not close " * 3 + "x" * 90
        mail = InboundMail(key=key, sender=f"{'jonas' * 9}@private.test", subject=subject, size_bytes=4711, state=state)
        mail.is_from_elsewhere = True
        for name, value in more.items():
            setattr(mail, name, value)
        db.session.add(mail)
        db.session.flush()
        raw = b"From: jonas@private.test\r\nSubject: Re: stuck\r\n\r\nThe left one.\r\n\r\n> " + b"which? " * 60
        db.session.add(InboundBlob(mail_id=mail.id, data=raw, keep_until=now() + timedelta(days=30)))
    db.session.get_one(User, customer.id).bounced_at = now()
    db.session.commit()
    aside = db.session.query(InboundMail.id).filter(InboundMail.state == InboundState.QUARANTINED).scalar()
    return aside, number, comment


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing(
    visits: Visiting, app: Flask, admin: Person, agent: Person, customer: Person, width: int, theme: str
) -> None:
    visit = visits(admin, width=width, theme=theme)
    page = visit.page
    opened(page, "/staff/admin/jobs")  # empty
    assert not visit.axe()
    opened(page, "/staff/admin/mails")
    assert not visit.axe()
    job = _something_everywhere(agent, customer)
    mail, number, comment = _mails(app, agent, customer)
    person = f"{USERS}/{agent.id}"
    for path in (
        USERS, f"{USERS}?q=nobody+here", f"{USERS}?role=boss", f"{USERS}/new", person, f"{USERS}/{admin.id}",
        f"{person}/role?role=admin", f"{person}/role", f"{person}/deactivate", f"{person}/erase",
        f"{USERS}/{admin.id}/erase", "/staff/admin/jobs", "/staff/admin/jobs?state=ready", f"/staff/admin/jobs/{job}",
        "/staff/admin/mails", "/staff/admin/mails?state=done", f"/staff/admin/mails/{mail}",
        f"/staff/tickets/{number}", f"/staff/comments/{comment}/original", f"{USERS}?is_bounced=true",
        f"{USERS}/{customer.id}",
        "/staff/admin/audit", "/staff/admin/audit?area=levels", f"/staff/admin/audit?target=user:{agent.id}",
    ):  # fmt: skip
        opened(page, path)
        assert not visit.axe(), path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    opened(page, f"{person}/erase")
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert not visit.axe()
