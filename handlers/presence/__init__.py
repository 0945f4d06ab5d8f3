"""Who is here: online, away, busy or gone, told to friends who may know, and to nobody else.

Words: a *device* is one live connection; a *choice* is a status that a person picked for all devices and that stays
(busy, invisible); the *public* status is what friends see (invisible is offline to them); *told* is what they were told
last. A *node* is a server process; its *lease* in Redis says that it lives.

How it stays true: every change of a person's devices or choice gives the person a new *mark*. To *settle* a person is
to compute the public status, compare it with what was told, and, if it differs and nobody changed the mark meanwhile,
tell it. Whoever finds a person unsettled may do it, on any node, so a node that dies owes nothing. Redis may lose all:
each node writes its devices again, and until then a person without devices is `unknown` and not offline.

Invariants: nobody sees what that person does not show; who hides does not see; equal states are not told twice; a
person who is gone for less than the grace period was never gone.
"""
