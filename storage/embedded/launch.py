"""The first steps of a child: tie its life to its parent's, leave its name, and become the server.

Run as `python -I -S launch.py PARENT PID_FILE PROGRAM [ARGUMENT ...]`. It is a program of its own because the other
place for these steps, the `preexec_fn` of `subprocess`, runs Python between fork and exec, where any lock that another
thread held stays locked for ever. The process id stays the same across `exec`, and so does the wish to die.
"""

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
OPEN_FILES = 65_536
"""As many files as a server may open, where the system allows it: mongod warns below 64,000."""


def started_at(pid: int) -> int:
    """When the process started, in clock ticks since boot: with its id, this names a process for good.

    Raises OSError when there is no such process (or no /proc at all).
    """
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    return int(stat.rpartition(")")[2].split()[19])


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
    if os.getppid() != parent:  # it died before the kernel knew of the wish
        raise SystemExit("the parent is gone")


def _limit() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _leave_name(pid_file: Path) -> None:
    pid = os.getpid()
    name = f"{pid} {started_at(pid)}" if sys.platform == "linux" else str(pid)
    pid_file.write_text(name, encoding="ascii")


def main(arguments: list[str]) -> None:
    """Do the steps and become the program; returns only by an error."""
    parent, pid_file, program, *rest = arguments
    os.umask(0o077)
    _die_with(int(parent))
    _limit()
    _leave_name(Path(pid_file))
    os.execv(program, [program, *rest])  # noqa: S606 - a program that `binaries` found, without a shell


if __name__ == "__main__":
    main(sys.argv[1:])
