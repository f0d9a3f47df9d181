"""What a page of tickets costs the server, as a ratio to a bare Flask answer of the same size on the same server.

Starts both under Granian (one worker), asks each in turn over kept-alive connections, and reads the worker's CPU time
(user and system) from /proc: Linux only.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUESTS, ROUNDS = 1200, 3
CONNECTIONS = (1, 4)
"""Several at once cost more: on SQLite threads hand the interpreter over at every row that is read."""
BARE = """
import os
from flask import Flask, Response
BODY = open(os.environ["BARE_BODY"], "rb").read()
def create_app():
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: Response(BODY, mimetype="application/json"))
    return app
"""


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def serve(target: str, environment: dict[str, str], folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    port = free_port()
    command = ["--interface", "wsgi", "--factory", "--port", str(port), "--workers", "1", "--blocking-threads", "4"]
    process = subprocess.Popen(
        [sys.executable, "-m", "granian", *command, "--no-log", target],
        cwd=folder,
        env={**os.environ, **environment, "PYTHONPATH": f"{ROOT}:{folder}"},
    )
    for _ in range(200):
        try:
            ask(port, "/healthz", {}, 1)
            break
        except OSError:
            time.sleep(0.05)
    return process, port


def ask(port: int, path: str, headers: dict[str, str], times: int) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    body = b""
    for _ in range(times):
        connection.request("GET", path, headers=headers)
        body = connection.getresponse().read()
    connection.close()
    return body


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    """Of the process and its children."""
    ticks = 0
    pids = [process.pid]
    while pids:
        pid = pids.pop()
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
        for task in Path(f"/proc/{pid}/task").iterdir():
            pids += [int(child) for child in (task / "children").read_text().split()]
    return ticks / os.sysconf("SC_CLK_TCK")


def microseconds(
    process: subprocess.Popen[bytes], port: int, path: str, headers: dict[str, str], connections: int
) -> float:
    """Server CPU for one request, over REQUESTS of them."""
    before = cpu_seconds(process)
    each = REQUESTS // connections
    threads = [threading.Thread(target=ask, args=(port, path, headers, each)) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (cpu_seconds(process) - before) / (each * connections) * 1e6


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {
            "DATABASE_URL": os.environ.get("DATABASE_URL", f"sqlite:///{folder / 'bench.db'}"),
            "SECRET_KEY": "a-key-for-benchmarks-only-0123456789",
            "BCRYPT_ROUNDS": "4",
            "LOG_LEVEL": "ERROR",
        }
        for script in ("setup_db.py", "insert_dummy_data.py"):
            subprocess.run(
                [sys.executable, ROOT / script],
                env={**os.environ, **environment},
                check=True,
                stdout=subprocess.DEVNULL,
            )
        helpdesk, port = serve("app:create_app", environment, ROOT)
        login = http.client.HTTPConnection("127.0.0.1", port)
        login.request(
            "POST",
            "/api/auth/login",
            b'{"identifier": "agent", "password": "campus-demo"}',
            {"Content-Type": "application/json"},
        )
        token = json.load(login.getresponse())["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        path = "/api/tickets?limit=25"
        (folder / "bare_app.py").write_text(BARE)
        (folder / "body.json").write_bytes(ask(port, path, headers, 1))
        bare, bare_port = serve("bare_app:create_app", {"BARE_BODY": str(folder / "body.json")}, folder)
        try:
            one = json.loads(ask(port, path, headers, 1))["items"][0]["id"]
            calls = {
                "bare Flask, same bytes": (bare, bare_port, "/"),
                "GET /api/tickets?limit=25": (helpdesk, port, path),
                "GET /api/tickets/{id}": (helpdesk, port, f"/api/tickets/{one}"),
                "GET …/timeline": (helpdesk, port, f"/api/tickets/{one}/timeline"),
            }
            for _, target_port, target_path in calls.values():
                ask(target_port, target_path, headers, 300)
            size = (folder / "body.json").stat().st_size
            print(
                f"server CPU a request, best of {ROUNDS} rounds of {REQUESTS}; the page of 25 has {size / 1000:.1f} kB"
            )
            for connections in CONNECTIONS:
                best = {name: float("inf") for name in calls}
                for _ in range(ROUNDS):
                    for name, (target, target_port, target_path) in calls.items():
                        spent = microseconds(target, target_port, target_path, headers, connections)
                        best[name] = min(best[name], spent)
                base = best["bare Flask, same bytes"]
                print(f"{connections} at once")
                for name, value in best.items():
                    print(f"  {name:28} {value:8.0f} µs   {value / base:5.2f} x")
        finally:
            for process in (helpdesk, bare):
                process.terminate()
                process.wait(timeout=10)


if __name__ == "__main__":
    main()
