"""A client of the Signal Protocol in Python: for bots, and to test the server against.

NOT AUDITED, and Python can neither wipe memory nor promise constant time: phones and desktops use libsignal. What is
written here is held against libsignal byte by byte. No server code may import it: a server never sees a private key.

`session` and `groups` are the protocol; `device` and `circle` talk through a server with it, over whatever `Courier`
they are given, and keep their secrets in a `Store` (SQLite: the one place in this room that writes to a disk).
"""
