"""Who is here: online, away, busy or gone, told to friends who may know, and to nobody else.

Words: a *device* is one live connection, in the foreground or not, in use or idle; a *choice* is a status that a
person picked for all devices and that stays (busy, invisible); the *public* status is what others see (invisible is
offline to them); *told* is what they were told last; a *watcher* is a device that wants to hear of somebody on its
screen. A *node* is a server process; its *lease* in Redis says that it lives.

How it stays true: every change of a person's devices or choice gives the person a new *mark*. To *settle* a person is
to compute the public status, compare it with what was told, and, if it differs and nobody changed the mark meanwhile,
tell it. Whatever changes by the passing of time alone (a grace that ends, a device that becomes idle) makes the person
*due* then. Whoever finds a person unsettled or due may settle, on any node, so a node that dies owes nothing. Redis may
lose all: each node writes its devices again, over some seconds, and until then a person without devices is `unknown`
and not offline.

How it is told: friends hear at once. Of a person with too many friends only watchers hear: Redis knows which nodes have
any, the node that settles leaves each of them a note, and each tells its own watchers at its next tick, in one batch.

Invariants: nobody sees what that person does not show; who hides does not see; equal states are not told twice; a
person who is gone for less than the grace period was never gone.
"""
