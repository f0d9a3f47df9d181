"""The command-line door: the worker, the server of `python app.py`, the documents that are made of the code."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app
from sqlalchemy import select

from blueprints import contract, permissions
from helpdesk import (  # noqa: F401  (jobs' handlers)
    analytics,
    auth,
    categories,
    idempotency,
    images,
    inbound,
    jobs,
    limits,
    mail,
    mail_check,
    notifications,
    outbox,
    tickets,
    users,
)
from helpdesk.errors import Conflict, NotFound
from helpdesk.policy import SYSTEM
from helpdesk.settings import ROOT, UnsafeSettings, development_base_url, is_every_address, load
from models import Job, JobState, begin_write, db


def register_commands(app: Flask) -> None:
    commands: list[click.Command] = [
        work,
        jobs_command,
        deliver_mail,
        mail_check_command,
        write_openapi,
        write_permissions,
    ]
    for command in commands:
        app.cli.add_command(command)


@click.command("work")
@click.option("--once", is_flag=True, help="Do what is due and stop.")
@click.option("--beside", type=int, metavar="PID", help="Stop when this process, which started it, is gone.")
def work(once: bool, beside: int | None) -> None:
    """Do the jobs: send mails, close what has been resolved for long, tidy up."""
    if once:
        click.echo(f"{jobs.drain()} jobs done")
        return
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    if beside is not None:
        threading.Thread(target=_stop_with, args=(beside, stop), daemon=True).start()
    jobs.work(stop)


def _stop_with(parent: int, stop: threading.Event) -> None:
    while os.getppid() == parent and not stop.wait(1):
        pass
    stop.set()


@click.command("jobs")
@click.option("--retry", type=int, metavar="ID", help="Try a job again that was given up.")
def jobs_command(retry: int | None) -> None:
    """List the jobs that were given up, or try one again."""
    if retry is not None:
        begin_write()
        try:
            outbox.retry(SYSTEM, retry)
        except (NotFound, Conflict):
            db.session.rollback()
            click.echo("There is no such job that was given up.")
        else:
            db.session.commit()
            click.echo("It will be tried again.")
        return
    for job in db.session.scalars(select(Job).where(Job.state == JobState.DEAD).order_by(Job.id)):
        click.echo(f"{job.id}\t{job.kind}\t{job.created_at:%Y-%m-%d %H:%M}\t{job.error}")


@click.command("deliver-mail")
@click.option("--recipient", help="Whom the mail server says it is for: Postfix's ${original_recipient}.")
def deliver_mail(recipient: str | None) -> None:
    """Take in a mail from standard input, as a mail server's pipe hands it over.

    What is in it is worked on later. Ends with 75 (try again later) where it could not be kept.
    """
    raw = sys.stdin.buffer.read(inbound.MAX_BYTES + 1)
    try:
        begin_write()
        inbound.take_in(raw, recipient=(recipient or "").encode("ascii", "replace").decode())
        db.session.commit()
    except Exception as error:  # whatever it is, the mail server keeps the mail
        click.echo(f"The mail was not kept: {type(error).__name__}", err=True)
        sys.exit(os.EX_TEMPFAIL)


@click.command("mail-check")
@click.argument("address")
@click.option("--wait", default=90.0, show_default=True, help="For how many seconds to wait for mail to come in.")
def mail_check_command(address: str, wait: float) -> None:
    """Try whether mail goes out, to ADDRESS, and comes in: step by step, and what to do about the first that fails."""
    try:
        for step, said in mail_check.check(address, wait=wait, say=click.echo):
            click.echo(f"{step + ':':<12} {said}")
    except mail_check.Ails as error:
        click.echo(f"{error.step + ':':<12} FAILED. {error}\n\n{error.to_do}", err=True)
        sys.exit(1)
    click.echo("Mail works.")


@click.command("openapi")
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path), default=ROOT / "openapi.yml")
def write_openapi(path: Path) -> None:
    """Write openapi.yml."""
    path.write_text(contract.write())


@click.command("permissions")
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path), default=ROOT / "docs" / "permissions.md")
def write_permissions(path: Path) -> None:
    """Write docs/permissions.md."""
    path.write_text(permissions.write(current_app))


def serve(create_app: Callable[[], Flask]) -> None:
    """Serve on HOST and PORT, with a worker beside it, until Ctrl-C."""
    from granian.constants import Interfaces
    from granian.server import Server

    values = settings_to_serve()
    if values["ENVIRONMENT"] == "production" and (address := _demo_admin(create_app())):
        sys.exit(f"Not started: {address} has the published password of the demo campus")
    _tell_addresses(values)
    stopping = threading.Event()
    # started here and not by the thread: the server is about to fork, and must not take half a start along
    watch = threading.Thread(target=_keep_working, args=(_start_worker(), stopping))
    watch.start()
    try:
        Server(
            "app:create_app",
            factory=True,
            interface=Interfaces.WSGI,
            address=values["HOST"],
            port=values["PORT"],
            workers=values["WEB_PROCESSES"],
            blocking_threads=8,
            respawn_failed_workers=True,
            # one that a terminal's signal and ours reach at the same moment may miss both
            workers_kill_timeout=10 if values["ENVIRONMENT"] == "production" else 2,
            log_enabled=os.environ.get("GRANIAN_LOG") == "1",
            working_dir=ROOT,
        ).serve()
    finally:
        stopping.set()
        watch.join()


def settings_to_serve() -> dict[str, Any]:
    """The settings, once it is sure that a server could start with them. Exits with the reason where it could not."""
    try:
        values = load()
        _refuse_taken_port(values["HOST"], values["PORT"])
    except (UnsafeSettings, OSError) as error:
        sys.exit(f"Not started: {error}")
    return values


def _refuse_taken_port(host: str, port: int) -> None:
    """Raises OSError. The server's own socket shares its port (SO_REUSEPORT): two would answer in turns, unnoticed."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as trial:
            # past what a server that has ended leaves behind for a minute; not past one that listens
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise OSError(f"port {port} is in use. Stop what listens there, or set PORT to another") from None
        raise OSError(f"{host} port {port} cannot be listened on: {error.strerror}") from None


def _tell_addresses(values: dict[str, Any]) -> None:
    host, port, base = values["HOST"], values["PORT"], values["PUBLIC_BASE_URL"]
    where = {"Portal": "/", "Staff pages": "/staff/", "API": "/api/docs", "All mails": "/dev/mailbox"}
    if values["ENVIRONMENT"] == "production":
        where, base = {"Campus Helpdesk": "/"}, f"http://{host}:{port}"
    click.echo("\n".join(f"{what + ':':<13} {base}{path}" for what, path in where.items()))
    if is_every_address(host) and base == development_base_url(host, port):
        click.echo("Other machines reach it, too. To log in there, set PUBLIC_BASE_URL to the address that they use.")


def _demo_admin(app: Flask) -> str | None:
    with app.app_context():
        return users.demo_admin()


def _start_worker() -> subprocess.Popen[bytes]:
    """In a process group of its own, for Ctrl-C may find it half started. It is told to stop, or sees us gone."""
    command = [sys.executable, "-m", "flask", "--app", "app", "work", "--beside", str(os.getpid())]
    return subprocess.Popen(command, cwd=ROOT, process_group=0)


def _keep_working(worker: subprocess.Popen[bytes], stopping: threading.Event) -> None:
    """Keep a worker running until the server stops: without one nobody would send a mail."""
    while not stopping.wait(0.5):
        if worker.poll() is not None and not stopping.wait(2):
            worker = _start_worker()
    worker.terminate()
    try:
        worker.wait(timeout=10)
    except subprocess.TimeoutExpired:
        worker.kill()
