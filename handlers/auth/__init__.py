"""Who somebody is: registration, sign-in, sessions and their tokens, proofs of e-mail and telephone, lost passwords.

Words: a *session* is one device signed in; its *access token* (a signed statement, an hour) opens the doors, its
*refresh token* (opaque, used once) brings the next pair; a *generation* is one turn of that exchange; a *proof* is a
secret sent to an address or a number to learn whose it is; a *letter* is what carries it.

Invariants: passwords are kept as argon2id, every other secret as a digest; a refresh token works once, and one that
comes back later ends its session; an ended session is refused by every process within two seconds; no answer tells
whether an account exists, except that a username or an e-mail cannot be registered twice.
"""
