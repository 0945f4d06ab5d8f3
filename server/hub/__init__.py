"""The hub: live connections, and the way of an event from the process that tells it to every socket that hears it.

`Hub` is the seam: slices publish typed events to audiences and never see a socket. Behind it: `frames` (what travels
between processes), `backplane` (how), `sequencer` (order and holes per conversation), `sockets` (the Socket.IO server).
"""
