"""How somebody proves that it is really him, besides the password: second factors, and fresh proofs.

Words: a *factor* is an authenticator app (its codes are *TOTP*) or a passkey; a *recovery code* is for when these are
lost; a *step-up* is a proof given again in a running session, for what a stolen token must not do.

Invariants: with a factor the password alone opens no session, also a new one from the reset letter; a code, a recovery
code and a ticket each work once, whoever is faster and on whichever server; secrets are sealed and recovery codes are
digests where they are stored; with the last factor its recovery codes go.
"""
