"""Faults under load: clients that write down all they see, a checker that reads it, and seeded bugs that test it.

`history` is what a run leaves behind, `checker` finds in it what must never happen. `courier` is a client without its
socket, so the same client runs over real sockets (`client`) and inside a small model of a cluster (`model`, `bugs`), in
which every bug is one changed method. `harness` starts real servers, kills them and keeps the clients talking;
`python -m tests.chaos` is the full run.
"""
