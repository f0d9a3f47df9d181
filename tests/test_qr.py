"""Labels for rooms: each QR code leads to the report form with its place filled in."""

from __future__ import annotations

import re
from html import unescape

import pytest
import segno
from flask import Flask

from helpdesk import labels
from tests.factories import Person, a_report
from tests.pages import Page, Reader


def drawn(svg: str) -> list[list[int]]:
    """What a path of an SVG paints, as the dark (1) and light (0) fields of a code, with its border."""
    size = int(re.search(r'viewBox="0 0 (\d+) \1"', svg)[1])  # type: ignore[index]
    (path,) = re.findall(r'<path[^>]*stroke="#000"[^>]* d="([^"]+)"', svg) or re.findall(r' d="(M[^"]*?m[^"]*)"', svg)
    fields = [[0] * size for _ in range(size)]
    x = y = 0.0
    for command, values in re.findall(r"([Mmh])([-\d. ]+)", path):
        numbers = [float(value) for value in re.findall(r"-?[\d.]+", values)]
        if command == "M":
            x, y = numbers
        elif command == "m":
            x, y = x + numbers[0], y + numbers[1]
        else:
            for step in range(int(numbers[0])):
                fields[int(y)][int(x) + step] = 1
            x += numbers[0]
    return fields


@pytest.fixture
def hall(admin: Person) -> int:
    number: int = admin.post("/api/buildings", {"slug": "maple-hall", "name": "Maple Hall"}).json["id"]
    return number


def codes(html: str) -> list[str]:
    return re.findall(r"<svg.*?</svg>", html, re.S)


def test_each_code_is_of_the_exact_address_of_its_room(app: Flask, admin: Person, hall: int) -> None:
    rooms = ["214", "B 1.02", "Küche & Bad"]
    query = "&".join(["whole=1", "room=214", "typed=B+1.02%0D%0A%0D%0AK%C3%BCche+%26+Bad%0D%0A214"])
    page = Reader(app, admin).reads(f"/staff/admin/buildings/{hall}/labels?{query}")
    addresses = [
        "http://helpdesk.test/report?building=maple-hall",
        "http://helpdesk.test/report?building=maple-hall&room=214",
        "http://helpdesk.test/report?building=maple-hall&room=B+1.02",
        "http://helpdesk.test/report?building=maple-hall&room=K%C3%BCche+%26+Bad",
    ]
    found = codes(page.html)
    assert len(found) == len(addresses)
    for svg, address in zip(found, addresses, strict=True):
        matrix = [[int(field > 0) for field in row] for row in segno.make_qr(address, error="m").matrix_iter(border=2)]
        assert drawn(svg) == matrix, address
        assert f'aria-label="QR code to {address.replace("&", "&amp;")}"' in page.html
    for words in ("Maple Hall", *rooms, "Scan to tell the helpdesk"):
        assert words in unescape(page.html)
    assert " style=" not in page.html


def test_where_a_label_leads_the_form_has_its_place_filled_in(app: Flask, admin: Person, hall: int) -> None:
    with app.test_request_context():
        leads_to = labels.address("maple-hall", "Küche & Bad")
    path = leads_to.removeprefix(app.config["PUBLIC_BASE_URL"])
    anonymous = Person(app)
    assert anonymous.get(path).status_code == 200  # the portal's page, which reads its own address
    form = Page(anonymous.get(path.replace("/report?", "/report/plain?"))).form_to("/report/plain")
    assert (form.data()["building"], form.data()["room"]) == (["maple-hall"], ["Küche & Bad"])


@pytest.mark.parametrize(("query", "channel"), [("?building=maple-hall&room=214", "qr"), ("", "web")])
def test_what_was_reported_by_a_label_says_so(
    app: Flask, admin: Person, customer: Person, hall: int, query: str, channel: str
) -> None:
    reader = Reader(app, customer)
    form = reader.reads(f"/report/plain{query}").form_to("/report/plain", button="Send report")
    refused = reader.sends(form, title="", category="facilities-leaks")
    assert refused.status_code == 422
    reader.is_led(reader.sends(Page(refused).form_to("/report/plain", button="Send report"), title="It drips here"))
    (ticket,) = admin.get("/api/tickets").json["items"]
    assert ticket["channel"] == channel


def test_a_program_may_say_so_too_and_nothing_else(admin: Person, customer: Person) -> None:
    assert admin.sees(customer.reports(via="qr"))["channel"] == "qr"
    assert customer.post("/api/tickets", a_report(via="email")).status_code == 422


def test_rooms_that_were_named_in_tickets_are_there_to_be_ticked(
    app: Flask, admin: Person, agent: Person, customer: Person, hall: int
) -> None:
    for room in ("214", "101", "214", None):
        customer.reports(building="maple-hall", room=room)
    page = Reader(app, admin).reads(f"/staff/admin/buildings/{hall}")
    ticks = [attrs["value"] for tag, attrs in page.tags if tag == "input" and attrs.get("name") == "room"]
    assert ticks == ["101", "214"]
    path = f"/staff/admin/buildings/{hall}/labels"
    assert len(codes(Reader(app, admin).reads(path).html)) == 1  # nothing chosen: the building
    assert Reader(app, agent).get(path).status_code == 403
    assert Reader(app, admin).get(path.replace(str(hall), "999999")).status_code == 404


def test_a_print_has_an_end(app: Flask, admin: Person, hall: int) -> None:
    typed = "%0A".join(str(number) for number in range(labels.AT_MOST + 5))
    page = Reader(app, admin).reads(f"/staff/admin/buildings/{hall}/labels?typed={typed}")
    assert len(codes(page.html)) == labels.AT_MOST
    assert page.says(f"These are the first {labels.AT_MOST}")


def test_markup_in_a_room_stays_text(app: Flask, admin: Person, hall: int) -> None:
    html = Reader(app, admin).reads(f"/staff/admin/buildings/{hall}/labels?room=%3Cscript%3Ex%3C/script%3E").html
    assert "<script>x" not in html
    assert "&lt;script&gt;x" in html
