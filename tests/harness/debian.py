"""Programs for the tests: the machine's own, or Debian's packages unpacked below var/, without root rights.

`python -m tests.harness.debian` fetches them beforehand; `make setup` does that.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
VAR = ROOT / "var"
"""Below it the packages are unpacked; `make clean` removes it."""
PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
SECONDS = 400.0
"""How long apt may take."""


@dataclass(frozen=True)
class Packages:
    """What is fetched and unpacked together: a folder below var/, and each program's place in it."""

    folder: str
    programs: Mapping[str, str]
    """Each bears the name of its package."""


EVERY = (
    Packages("debian", {"nginx": "usr/sbin/nginx", "haproxy": "usr/sbin/haproxy"}),
    Packages("debian-oathtool", {"oathtool": "usr/bin/oathtool"}),
    Packages("debian-chromium", {"chromium": "usr/lib/chromium/chromium"}),
)


class Missing(Exception):
    """A program is neither installed nor to be had; the message says why, and what to do."""


def command(name: str) -> list[str]:
    """How a program is started: what comes before its arguments. Raises Missing."""
    own = shutil.which(name, path=PLACES)
    if own:
        return [own]
    packages = next(one for one in EVERY if name in one.programs)
    cache = VAR / packages.folder
    _fetch(packages, cache)
    libraries = sorted({str(one.parent) for one in cache.glob("**/lib/*-linux-gnu/**/*.so*")})
    return ["/usr/bin/env", f"LD_LIBRARY_PATH={':'.join(libraries)}", str(cache / packages.programs[name])]


def _fetch(packages: Packages, cache: Path) -> None:
    """Unpack the packages into the cache, unless they are there."""
    if cache.is_dir():
        return
    names = " ".join(packages.programs)
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise Missing(_advice(names, "this is no Debian, so it cannot be fetched either"))
    cache.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="debian-", dir=cache.parent) as folder:
        work = Path(folder)
        for one in ("lists/partial", "archives/partial", "root"):
            (work / one).mkdir(parents=True)
        warned = _run(names, *_apt(work), "update")
        install = ("--yes", "--no-install-recommends", "--download-only", "install", *packages.programs)
        _run(names, *_apt(work), *install, warned=warned)
        for package in sorted((work / "archives").glob("*.deb")):
            _run(names, "dpkg", "--extract", str(package), str(work / "root"))
        for name, place in packages.programs.items():
            if not (work / "root" / place).exists():
                raise Missing(_advice(names, f"apt-get brought no {name}"))
        try:
            (work / "root").rename(cache)  # whole or not at all, also beside another process that does the same
        except OSError:
            if not cache.is_dir():
                raise


def _apt(work: Path) -> list[str]:
    """apt-get with lists and archives of our own: it needs no rights, and changes nothing of the machine's."""
    options = {
        "Dir::State::lists": str(work / "lists"),
        "Dir::Cache::archives": str(work / "archives"),
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "APT::Sandbox::User": "root",
        "Debug::NoLocking": "1",
        "Acquire::Retries": "2",
        "Acquire::http::Timeout": "20",
    }
    return ["apt-get", "-qq", *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]


def _run(names: str, *words: str, warned: str = "") -> str:
    """Run a command; what it complained about. `warned`: what was said before, and may explain why it fails."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise Missing(_advice(names, f"{words[0]} took longer than {SECONDS:.0f} s")) from error
    if done.returncode:
        said = f"{warned}\n{done.stderr or done.stdout}".split("\n")
        why = " ".join(line.strip() for line in said if line.strip())
        raise Missing(_advice(names, f"{words[0]} failed ({done.returncode}): {why[-600:]}"))
    return done.stderr


def _advice(names: str, why: str) -> str:
    return f"Not installed: {names}; and {why}. Install what is missing: apt-get install {names}"


def main() -> int:
    """Have every program; the exit status."""
    try:
        for packages in EVERY:
            for name in packages.programs:
                command(name)
    except Missing as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
