"""The public keys of devices, for conversations that the server cannot read (the Signal Protocol).

Words: an *identity* is the key of an account, shared by its devices; a *device* is one of them, 1 (the primary) to 127,
and belongs to one sign-in; a *bundle* is what somebody needs of a device to begin a session while it sleeps; the *log*
is the Merkle tree of all identities that there ever were.

Invariants: only public keys are here; each is checked before it is kept, and an upload is kept whole or not at all;
every device has a bundle at any time; a one-time key is given out once; the devices of an account and their
registration ids change in one document, under a version; an identity and its entry in the log are written together.
"""
