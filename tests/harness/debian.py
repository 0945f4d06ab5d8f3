"""nginx and HAProxy for the tests: the machine's own, or Debian's packages unpacked below var/, without root rights.

`python -m tests.harness.debian` fetches them beforehand; `make setup` does that.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
CACHE = ROOT / "var" / "debian"
"""Where the packages are unpacked; `make clean` removes it."""
PROGRAMS = ("nginx", "haproxy")
PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
SECONDS = 180.0
"""How long apt may take."""


class Missing(Exception):
    """A program is neither installed nor to be had; the message says why, and what to do."""


def command(name: str) -> list[str]:
    """How a program is started: what comes before its arguments. Raises Missing."""
    own = shutil.which(name, path=PLACES)
    if own:
        return [own]
    _fetch()
    libraries = ":".join(str(one) for one in (CACHE / "usr" / "lib").glob("*-linux-gnu"))
    return ["/usr/bin/env", f"LD_LIBRARY_PATH={libraries}", str(CACHE / "usr" / "sbin" / name)]


def _fetch() -> None:
    """Unpack the packages into the cache, unless they are there."""
    if CACHE.is_dir():
        return
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise Missing(_advice("this is no Debian, so they cannot be fetched either"))
    CACHE.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="debian-", dir=CACHE.parent) as folder:
        work = Path(folder)
        for one in ("lists/partial", "archives/partial", "root"):
            (work / one).mkdir(parents=True)
        warned = _run(*_apt(work), "update")
        install = ("--yes", "--no-install-recommends", "--download-only", "install", *PROGRAMS)
        _run(*_apt(work), *install, warned=warned)
        for package in sorted((work / "archives").glob("*.deb")):
            _run("dpkg", "--extract", str(package), str(work / "root"))
        for name in PROGRAMS:
            if not (work / "root" / "usr" / "sbin" / name).exists():
                raise Missing(_advice(f"apt-get brought no {name}"))
        try:
            (work / "root").rename(CACHE)  # whole or not at all, also beside another process that does the same
        except OSError:
            if not CACHE.is_dir():
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


def _run(*words: str, warned: str = "") -> str:
    """Run a command; what it complained about. `warned`: what was said before, and may explain why it fails."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise Missing(_advice(f"{words[0]} took longer than {SECONDS:.0f} s")) from error
    if done.returncode:
        said = f"{warned}\n{done.stderr or done.stdout}".split("\n")
        why = " ".join(line.strip() for line in said if line.strip())
        raise Missing(_advice(f"{words[0]} failed ({done.returncode}): {why[-600:]}"))
    return done.stderr


def _advice(why: str) -> str:
    return f"nginx and HAProxy are not installed, and {why}. Install them: apt-get install nginx haproxy"


def main() -> int:
    """Have both programs; the exit status."""
    try:
        for name in PROGRAMS:
            command(name)
    except Missing as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
