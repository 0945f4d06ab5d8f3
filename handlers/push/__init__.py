"""Notifications for devices that are asleep: through Apple's, Google's and the browsers' push services.

Words: a *target* is where the notifications of one session go; a *matter* is what one target still has to hear, or
shows, of one *thread*: a conversation, or a notice; a *note* is what is sent of it.

Invariants: there is one matter for each target and thread, so notes are coalesced; each node works on any of
them, one at a time; what is sent follows from what is true when it is sent (unread, muted, read elsewhere), never from
the event that caused it; an ended session gets nothing; encrypted and disappearing messages are never quoted.
"""
