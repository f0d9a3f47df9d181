"""The documents: the tour of the README is run as it stands, and what the documents name is there."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from flask import Flask

from blueprints.http import served
from helpdesk.settings import ROOT, database_url, settings_table
from tests.conftest import SECRET_KEY, WORKER

README = ROOT / "README.md"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
EXAMPLE_URL = "http://127.0.0.1:8000"
START_SECONDS = 60


def section(text: str, heading: str) -> str:
    """What stands under a heading of the second level."""
    found = re.search(rf"^## {re.escape(heading)}$(.*?)(?=^## |\Z)", text, re.M | re.S)
    assert found, f"there is no “{heading}”"
    return found[1]


# --- the tour ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def own_database(folder: Path, postgresql: str | None) -> Iterator[str]:
    """An empty database that no other test uses."""
    if postgresql is None:
        with TemporaryDirectory(dir=folder) as own:
            yield f"sqlite:///{own}/tour.db"
        return
    server, _, name = re.sub(r"^postgres(ql)?(\+\w+)?:", "postgresql:", postgresql).rpartition("/")
    mine = f"{name}_{WORKER}_tour"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{mine}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{mine}"')
        yield f"{server}/{mine}"
        connection.execute(f'DROP DATABASE "{mine}" WITH (FORCE)')


class Machine:
    """Where somebody types the README's commands: a database, a port, an environment of its own."""

    def __init__(self, folder: Path, database: str) -> None:
        self.said = folder / "said.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "ENVIRONMENT": "development",
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "PUBLIC_BASE_URL": self.url,
            "DATABASE_URL": database,
            "SECRET_KEY": SECRET_KEY,
            "BCRYPT_ROUNDS": "4",
            "LOG_LEVEL": "WARNING",
        }

    def run(self, *command: str) -> None:
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr

    @contextmanager
    def serves(self, script: str) -> Iterator[subprocess.Popen[bytes]]:
        """While it runs. It leads a process group, as what a terminal starts does."""
        with self.said.open("w") as log:
            process = subprocess.Popen(
                [sys.executable, script], cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        try:
            _wait_until_ready(process, f"{self.url}/readyz", self.said)
            yield process
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=20)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def machine(folder: Path, own_database: str) -> Iterator[Machine]:
    yield Machine(folder, own_database)
    digest = hashlib.sha256(database_url(own_database, folder).encode()).hexdigest()[:8]
    shutil.rmtree(ROOT / "instance" / "mailbox" / digest, ignore_errors=True)


@pytest.fixture
def server(machine: Machine) -> Iterator[str]:
    """The address of a server that was made by hand, as the README says it, with its worker and a few tickets."""
    machine.run("setup_db.py")
    machine.run("insert_dummy_data.py", "--tickets", "5")
    with machine.serves("app.py"):
        yield machine.url


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, said: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the server did not start:\n{said.read_text()}")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_make_run_says_where_it_is_and_who_can_log_in_and_ctrl_c_ends_all_of_it(
    machine: Machine, postgresql: str | None
) -> None:
    if (
        postgresql is not None
    ):  # filled by verbs it is in other tests; what may differ is to be served by a second process
        machine.run("setup_db.py")
        machine.run("insert_dummy_data.py", "--tickets", "5")
    for _ in range(2 if postgresql is None else 1):  # an empty database is filled, a filled one served
        with machine.serves("scripts/run.py") as process:
            said = machine.said.read_text()
            assert f"{machine.url}/staff/" in said
            assert "admin, agent, customer" in said and "campus-demo" in said
            with urllib.request.urlopen(f"{machine.url}/staff/login", timeout=5) as page:
                assert b"Log in" in page.read()
            family = _children(process.pid)
            assert len(family) == 2, "the web's process, the jobs' worker"
            os.killpg(process.pid, signal.SIGINT)
            process.wait(timeout=20)
            assert _gone(family)
            assert "Traceback" not in machine.said.read_text()


@pytest.mark.once("processes")
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_nothing_is_left_of_a_server_that_was_killed(machine: Machine) -> None:
    machine.run("setup_db.py")
    with machine.serves("app.py") as process:
        family = _children(process.pid)
        assert len(family) == 2
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=20)
        assert _gone(family)


def _children(pid: int) -> list[int]:
    """`ps` is not on every machine."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def _gone(pids: list[int]) -> bool:
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


@pytest.mark.once("ports: no database is opened")
@pytest.mark.parametrize("script", ["app.py", "scripts/run.py"])
def test_a_port_that_is_taken_is_said_at_once(machine: Machine, script: str) -> None:
    """Two servers could share it, for the server's socket allows that: so does this one."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for host in ("127.0.0.1", "0.0.0.0"):
            environment = machine.environment | {"PORT": str(port), "HOST": host}
            refused = subprocess.run(
                [sys.executable, script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30
            )
            assert refused.returncode == 1
            assert refused.stdout == "", "nothing was made, and no address was promised"
            assert (
                refused.stderr
                == f"Not started: port {port} is in use. Stop what listens there, or set PORT to another\n"
            )


@pytest.mark.once("addresses")
def test_a_server_for_every_address_says_what_others_need(machine: Machine) -> None:
    machine.environment["HOST"] = "0.0.0.0"
    machine.run("setup_db.py")
    for base, told in (("", True), ("http://192.0.2.2", False)):
        machine.environment["PUBLIC_BASE_URL"] = base
        with machine.serves("app.py"):
            assert ("To log in there, set PUBLIC_BASE_URL" in machine.said.read_text()) is told
            assert f"{base or machine.url}/staff/" in machine.said.read_text()


def tour() -> str:
    text = section(README.read_text(), "A tour of five minutes")
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S))


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is missing")
def test_the_tour_runs_as_it_stands_and_prints_what_it_says(server: str) -> None:
    script = tour()
    assert EXAMPLE_URL in script
    promised = re.findall(r"# → (.*)$", script, re.M)
    assert len(promised) > 10
    script = script.replace(EXAMPLE_URL, server)
    done = subprocess.run(["sh", "-eu"], input=script, capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines() == promised, done.stdout + done.stderr
    assert done.returncode == 0
    assert done.stderr == ""
    # a note is not only kept from the timeline: it is in no mail either
    request = urllib.request.Request(f"{server}/dev/mailbox", headers={"Accept": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        mails = [mail for mail in json.load(response)["items"] if "mara@campus.test" in mail["to"]]
    assert mails
    assert not [mail for mail in mails if "third time" in json.dumps(mail) or "tall ladder" in json.dumps(mail)]


# --- what the documents name ------------------------------------------------------------------------------------------


@lru_cache
def names_in(path: Path) -> frozenset[str]:
    """The functions, classes, constants and methods of a module."""
    found: set[str] = set()

    def note(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.add(prefix + node.name)
                if isinstance(node, ast.ClassDef):
                    note(node.body, f"{node.name}.")
            elif isinstance(node, ast.Assign):
                found.update(prefix + target.id for target in node.targets if isinstance(target, ast.Name))
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found.add(prefix + node.target.id)

    note(ast.parse(path.read_text()).body, "")
    return frozenset(found)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_code_that_a_document_names_is_there(document: Path) -> None:
    missing = []
    for path, name in re.findall(r"`([\w./-]+\.py)(?::([\w.]+))?`", document.read_text()):
        file = ROOT / path
        if not file.is_file() or (name and name not in names_in(file)):
            missing.append(f"{path}:{name}")
    assert missing == []


def test_the_walk_names_enough_to_be_held_to_it() -> None:
    assert len(re.findall(r"`[\w/]+\.py:[\w.]+`", (ROOT / "docs" / "walk.md").read_text())) > 30


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_link_between_documents_leads_somewhere(document: Path) -> None:
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if re.match(r"https?:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (document.parent / path) if path else document
        if not file.exists() or (anchor and anchor not in _anchors(file)):
            dead.append(target)
    assert dead == []


def _anchors(document: Path) -> set[str]:
    """What a heading is called in an address."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_a_call_that_a_document_names_is_served(application: Flask) -> None:
    rules = {f"{method} {rule.rule}" for rule in application.url_map.iter_rules() for method in rule.methods or ()}
    rules |= {f"{call.method} {call.rule}" for call in served(application)}
    known = {_whatever_its_ids_are_called(rule) for rule in rules}
    named = {call for document in DOCUMENTS for call in re.findall(_CALL, document.read_text())}
    assert len(named) > 10
    assert sorted(call for call in named if _whatever_its_ids_are_called(call) not in known) == []


_CALL = r"`((?:GET|POST|PUT|PATCH|DELETE) /[\w{}/.-]*)`"


def _whatever_its_ids_are_called(call: str) -> str:
    return re.sub(r"<[^>]*>|\{\w+\}", "*", call)


def test_the_map_shows_what_is_there_and_all_of_it() -> None:
    block = re.search(r"^```\n(.*?)^```$", section(README.read_text(), "The map"), re.M | re.S)
    assert block
    shown, folder = set(), ""
    for line in block[1].splitlines():
        name = line.split()[0]
        if not line.startswith(" "):
            folder = name if name.endswith("/") else ""
        shown.add(name if not line.startswith(" ") else folder + name)
    assert sorted(name for name in shown if not (ROOT / name).exists()) == []
    there = {path.name for path in ROOT.glob("*.py")}
    for package in ("blueprints", "helpdesk"):
        there |= {f"{package}/{path.name}" for path in (ROOT / package).glob("*.py")}
    assert sorted(there - shown - {"helpdesk/__init__.py"}) == []


def test_the_table_of_settings_is_what_is_read() -> None:
    found = re.search(r"<!-- settings -->\n(.*?)\n<!-- /settings -->", README.read_text(), re.S)
    assert found
    assert found[1] == settings_table()


def test_every_decision_is_in_their_index() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text()
    decisions = sorted(path for path in folder.glob("0*.md"))
    assert re.findall(r"\]\((0[^)]+)\)", index) == [path.name for path in decisions]
    for number, path in enumerate(decisions, 1):
        text = path.read_text()
        assert text.startswith(f"# {number:04}: "), path.name
        assert re.findall(r"^## (.+)$", text, re.M) == ["Context", "Decision", "Consequences"], path.name


# --- dependencies -----------------------------------------------------------------------------------------------------


def _required(name: str) -> set[str]:
    lines = (ROOT / name).read_text().splitlines()
    return {re.split(r"[\[=~<>;\s]", line)[0] for line in lines if re.match(r"[A-Za-z]", line)}


def _of_the_browser() -> set[str]:
    package = json.loads((ROOT / "frontend" / "package.json").read_text())
    return {*package.get("dependencies", {}), *package.get("devDependencies", {})}


DEPENDENCIES = {
    "What the product runs on": _required("requirements.in"),
    "What tests, checks and builds it": _required("requirements-dev.in"),
    "What installs it": _required("requirements-uv.in") | _required("requirements-node.in"),
    "What the browser is sent": _of_the_browser(),
}


@pytest.mark.parametrize("heading", DEPENDENCIES)
def test_each_direct_dependency_has_a_line_and_each_line_a_dependency(heading: str) -> None:
    text = (ROOT / "docs" / "dependencies.md").read_text()
    found = re.search(rf"^## {heading}.*?$(.*?)(?=^## |\Z)", text, re.M | re.S)
    assert found
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in re.findall(r"^\|.*\|$", found[1], re.M)[2:]]
    assert {name for row in rows for name in re.findall("`([^`]+)`", row[0])} == DEPENDENCIES[heading]
    assert all(len(row) == 4 and all(row) for row in rows)
