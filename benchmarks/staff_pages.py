"""What each page of the staff costs: statements, bytes all in (gzip), processor time as a ratio to the sign-in page.

Asks the application in this process about the demo campus that DATABASE_URL names (`insert_dummy_data.py --tickets N`).

    DATABASE_URL=sqlite:////tmp/campus.db .venv/bin/python benchmarks/staff_pages.py
"""

from __future__ import annotations

import gzip
import logging
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from flask.testing import FlaskClient  # noqa: E402
from sqlalchemy import event, select  # noqa: E402

from app import create_app  # noqa: E402
from blueprints.pages import built  # noqa: E402
from models import Comment, Ticket, User, db  # noqa: E402

TIMES = 40
BUDGETS = {"queue": 60_000, "ticket": 60_000}


def squeezed(data: bytes) -> int:
    return len(gzip.compress(data, 6))


def assets(app: Any) -> int:
    """What a first visit loads beside the page: stylesheet, icons, script."""
    with app.test_request_context():
        script = ROOT / built("src/staff/main.js")["scripts"][0].lstrip("/")
    return sum(squeezed(file.read_bytes()) for file in (ROOT / "static/ui.css", ROOT / "static/icons.svg", script))


def cpu(client: FlaskClient, path: str) -> float:
    """Seconds for one request."""
    began = time.process_time()
    for _ in range(TIMES):
        client.get(path, headers={"Accept": "text/html"})
    return (time.process_time() - began) / TIMES


def main() -> None:
    app = create_app()
    logging.disable(logging.INFO)
    client = app.test_client()
    client.post(
        "/staff/login",
        data={"identifier": "agent", "password": "campus-demo"},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    seen: list[str] = []
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
        longest = db.session.scalar(select(Ticket.id).order_by(Ticket.comment_count.desc(), Ticket.id.desc()).limit(1))
        comment = db.session.scalar(select(Comment.id).join(User).where(User.role == "customer").limit(1))
        size = db.session.scalar(select(Ticket.id).order_by(Ticket.id.desc()).limit(1))
    pages = {
        "queue": "/staff/", "queue, rows alone": "/staff/?part=rows", "search": "/staff/?q=light",
        "closed by due date": "/staff/?status=closed", "ticket": f"/staff/tickets/{longest}?list=sort%3Dcreated_at",
        "news of a ticket": f"/staff/tickets/{longest}/news?after=0", "merge": f"/staff/merge?ids={longest}",
        "split": f"/staff/comments/{comment}/split", "tasks": "/staff/tasks?whose=everyone",
        "replies": "/staff/replies", "find": "/staff/find?q=lib", "new ticket": "/staff/tickets/new",
    }  # fmt: skip
    around = assets(app)
    print(f"{size:,} tickets; beside each page {around / 1000:.1f} kB of styles, icons and script (gzip)")
    print(f"{'page':22} {'statements':>10} {'page kB':>8} {'all in kB':>10} {'ms':>7} {'ratio':>6}")
    bare = cpu(app.test_client(), "/staff/login")
    for name, path in pages.items():
        client.get(path, headers={"Accept": "text/html"})
        seen.clear()
        answer = client.get(path, headers={"Accept": "text/html"})
        count, page = len(seen), squeezed(answer.data)
        spent = cpu(client, path)
        print(
            f"{name:22} {count:>10} {page / 1000:>8.1f} {(page + around) / 1000:>10.1f} {spent * 1000:>7.1f}"
            f" {spent / bare:>6.1f}{'' if answer.status_code == 200 else f'  ({answer.status_code})'}"
        )
        if name in BUDGETS and page + around > BUDGETS[name]:
            raise SystemExit(f"{name}: over its budget of {BUDGETS[name]:,} bytes")


if __name__ == "__main__":
    main()
