#!/usr/bin/env python3
"""Mixee's composition root and command line: the one file that names every slice."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic import ValidationError
from pydantic_settings import SettingsError

from config.settings import Settings
from handlers.auth.manifest import manifest as auth
from handlers.automod.manifest import manifest as automod
from handlers.chat.manifest import manifest as chat
from handlers.contacts.manifest import manifest as contacts
from handlers.envelopes.manifest import manifest as envelopes
from handlers.factors.manifest import manifest as factors
from handlers.keys.manifest import manifest as keys
from handlers.mail.manifest import manifest as mail
from handlers.mail.store import newest
from handlers.media.manifest import manifest as media
from handlers.notices.manifest import manifest as notices
from handlers.presence.manifest import manifest as presence
from handlers.push.manifest import manifest as push
from handlers.safety.manifest import manifest as safety
from handlers.safety.service import Safety
from handlers.social.manifest import manifest as social
from handlers.users.manifest import manifest as users
from server import checking, serving
from server.actors import Role
from server.app import release
from server.assembly import ManifestError
from server.serving.listening import place
from server.slices import Slice
from server.spec import write

CORE: tuple[Slice[Any], ...] = (
    users,
    mail,
    auth,
    factors,
    media,
    social,
    contacts,
    presence,
    chat,
    keys,
    envelopes,
    notices,
    push,
    safety,
    automod,
)
"""The slices of every server, each after those whose services it needs."""

WORKERS_HELP = (
    "processes that share the port (MIXEE_WORKERS); clients connect by any transport, and SIGHUP replaces the "
    "processes one after the other"
)


_SERVE = ("host", "port", "data_dir", "workers", "worker_port_base")
"""Settings that `serve` takes from the command line too."""


def slices() -> tuple[Slice[Any], ...]:
    """The core slices and those of installed plugins (entry-point group `mixee.plugins`, a manifest each)."""
    return (*CORE, *(entry.load() for entry in sorted(entry_points(group="mixee.plugins"), key=lambda one: one.name)))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="run.py", description="Mixee, a real-time messaging server.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve = commands.add_parser(
        "serve",
        help="start the server in the foreground",
        description="Start the server in the foreground, until Ctrl+C or SIGTERM. Without MIXEE_MONGODB_URL and "
        "MIXEE_REDIS_URL it starts a private MongoDB and Redis below the data folder.",
    )
    serve.add_argument("--host", help="address to listen on (MIXEE_HOST)")
    serve.add_argument("--port", type=int, help="port to listen on, 0 for any free one (MIXEE_PORT)")
    serve.add_argument("--data-dir", type=Path, help="folder of the embedded MongoDB and Redis (MIXEE_DATA_DIR)")
    serve.add_argument("--workers", type=int, help=WORKERS_HELP)
    serve.add_argument(
        "--worker-port-base",
        type=int,
        help="worker n also listens alone on this port plus n, for a proxy that routes by session "
        "(MIXEE_WORKER_PORT_BASE)",
    )
    commands.add_parser("check", help="name every problem of settings, connections and indexes")
    spec = commands.add_parser("spec", help="write the OpenAPI and AsyncAPI documents and the settings example")
    spec.add_argument("--out", type=Path, help="folder for all of them (docs/api, and config for the example)")
    commands.add_parser("settings", help="list every setting with its meaning and value")
    grant = commands.add_parser(
        "grant",
        help="make somebody an admin, a moderator or a user",
        description="Give somebody a role: so the first admin is made, and admins appoint others themselves. It works "
        "while the server runs, and while it does not. The person is signed out within two seconds and has the role "
        "after signing in again.",
    )
    grant.add_argument("--role", required=True, choices=("admin", "moderator", "user"))
    grant.add_argument("--data-dir", type=Path, help="folder of the embedded MongoDB and Redis (MIXEE_DATA_DIR)")
    grant.add_argument("username", metavar="USERNAME", help="the name, or the e-mail address, of a registered person")
    outbox = commands.add_parser(
        "outbox",
        help="show the letters that became files, the newest first",
        description="Show the letters (verification, lost passwords, notices) that were written into files below the "
        "data folder, because no mail server is set (MIXEE_MAIL_SMTP_HOST), and all text messages.",
    )
    outbox.add_argument("--data-dir", type=Path, help="the server's data folder (MIXEE_DATA_DIR)")
    outbox.add_argument("--limit", type=int, default=20, help="how many at most (20)")
    demo = commands.add_parser("demo", help="let three people chat through a running server")
    demo.add_argument("--url", help="the server (http://127.0.0.1:8080, or where MIXEE_HOST and MIXEE_PORT say)")
    return top


def settings_from(arguments: argparse.Namespace) -> Settings:
    """The settings, with what the command line says over the environment. Raises ValidationError."""
    named = {name: getattr(arguments, name, None) for name in _SERVE}
    return Settings(**{name: value for name, value in named.items() if value is not None})


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; the process's exit status."""
    arguments = parser().parse_args(words)
    # The settings of slices are read from the environment alone, and so are those of workers.
    for name, value in dotenv_values(".env").items():
        os.environ.setdefault(name, value or "")
    try:
        return _run(arguments, settings_from(arguments))
    except (ValidationError, SettingsError, ManifestError) as error:
        print(checking.explain(error), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    program = [sys.executable, str(Path(__file__).resolve())]
    commands: dict[str, Callable[[], int]] = {
        "serve": lambda: serving.serve(settings, slices(), program=program),
        "check": lambda: asyncio.run(checking.check(settings, slices(), os.environ)),
        "settings": lambda: checking.show(settings, slices(), os.environ),
        "grant": lambda: _grant(settings, arguments.username, arguments.role),
        "outbox": lambda: _outbox(settings.data_dir, arguments.limit),
        "spec": lambda: _spec(arguments.out),
        "demo": lambda: _demo(settings, arguments.url),
    }
    return commands[arguments.command]()


def _grant(settings: Settings, name: str, role: Role) -> int:
    async def grant(services: Mapping[str, Any]) -> str:
        service: Safety = services[safety.name]
        before = await service.offices.grant(name, role)
        if before == role:
            return f"{name} has the role {role} already."
        return f"{name} has the role {role} now, and had the role {before}; it counts after signing in again."

    return serving.errand(settings, slices(), grant)


def _outbox(data_dir: Path, limit: int) -> int:
    try:
        letters = newest(data_dir, limit)
    except OSError as error:
        print(f"The letters below {data_dir} cannot be read: {error.strerror}.", file=sys.stderr)
        return 1
    if not letters:
        print(f"There are no letters below {data_dir}.")
    for one in letters:
        print(f"{one.at:%Y-%m-%d %H:%M:%S} UTC  {one.channel} to {one.to}")
        print(f"  {one.subject}\n" if one.subject else "", end="")
        print("".join(f"    {line}\n" if line else "\n" for line in one.text.strip().splitlines()))
    return 0


def _spec(out: Path | None) -> int:
    home = Path(__file__).parent
    written = write(slices(), out or home / "docs" / "api", release())
    example = (out or home / "config") / "settings.example.env"
    example.write_text(checking.example(slices()), encoding="utf-8")
    for path in (*written, example):
        print(path)
    return 0


def _demo(settings: Settings, url: str | None) -> int:
    from examples.demo import play  # noqa: PLC0415 - a client's code, which a server does not need

    here = settings.public_url or f"http://{place(settings.host, settings.port)}"
    return asyncio.run(play(url or here))


if __name__ == "__main__":
    sys.exit(main())
