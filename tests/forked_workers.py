"""Workers as processes of their own, one for each line on standard input: a start would take most of a second each."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from app import create_app
from blueprints import commands  # noqa: F401  (jobs' handlers)
from helpdesk import jobs


def main() -> None:
    app = create_app(instance_path=Path(sys.argv[1]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever is killed is gone at once
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            with app.app_context():
                jobs.work(threading.Event(), poll_seconds=0.02)
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
