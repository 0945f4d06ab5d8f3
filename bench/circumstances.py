"""When, where and with which versions a benchmark ran."""

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.lab import Lab
from bench.peers import node
from bench.peers.node import NoNode
from storage.mongo import Mongo
from storage.redis import connect

PACKAGES = ("aiohttp", "python-socketio", "python-engineio", "pymongo", "redis", "orjson")


async def circumstances(lab: Lab, name: str, wall: float) -> list[str]:
    """The lines below a section's title."""
    options = lab.options
    command = f"python -m bench.{name} --write"
    if options.without:
        command += " --without " + " ".join(sorted(options.without))
    if name == "idle":
        command += f" --connections {options.connections}"
    load = os.getloadavg()[0]
    packages = ", ".join(f"{one} {version(one)}" for one in PACKAGES)
    ran = (
        f"`{command}` on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {options.rounds} rounds of {options.seconds:g} s a "
        f"measurement, {wall:.0f} s in all. Revision {_revision()}. MongoDB's data {_place(lab)}. "
        f"Load of the machine at the end: {load:.1f}."
    )
    versions = (
        f"Python {platform.python_version()}, {packages}; {_node()}; {await _servers(lab)}; {_compiler()}; "
        f"Linux {platform.release()}, {_cpu()}, {os.cpu_count()} cores."
    )
    return [ran, "", versions]


def _place(lab: Lab) -> str:
    if lab.options.storage:
        return "is elsewhere (--mongodb)"
    return "on disk" if lab.on_disk else "in memory"


def _revision() -> str:
    git = shutil.which("git")
    if git is None:
        return "unknown"
    said = subprocess.run(
        [git, "describe", "--always", "--dirty"], capture_output=True, text=True, check=False, cwd=Path(__file__).parent
    )
    return said.stdout.strip() or "unknown"


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _compiler() -> str:
    found = shutil.which("cc")
    if found is None:
        return "no C compiler"
    return subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]


def _node() -> str:
    try:
        return node.version()
    except (NoNode, OSError, KeyError):
        return "no Node"


async def _servers(lab: Lab) -> str:
    mongo = Mongo(lab.storage[0], "admin")
    redis = connect(lab.storage[1])
    try:
        built = await mongo.database.command("buildInfo")
        info: Mapping[str, Any] = await redis.info("server")
    finally:
        await mongo.close()
        await redis.aclose()
    return f"mongod {built['version']}, redis-server {info['redis_version']}"
