"""Attachments: pictures, videos, recordings and files, from the upload to the download.

An upload is announced with its kind and size, sent part by part (each begins where the last one ended, so a broken one
goes on where it was) and finished: then its type is read from the bytes themselves, whatever the client says. A picture
is developed anew: it loses everything but its pixels (place, camera, comments), and gets a thumbnail and a blurhash. A
recording gets a waveform.

Invariants: the offset counts bytes that are safe on the disk; nothing is handed out before it is finished; whoever has
no way to a medium hears that there is none; an address works for its own viewer, for minutes, and only as long as he
may see the medium.
"""
