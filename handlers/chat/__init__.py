"""Conversations between people: what is said in them, by whom, and who has read it.

Words: a *conversation* (direct or group) has *members*; everything durable that happens in it is an *entry* of its log
with a dense `seq` from 1: a *message*, a *change* of a message (edit, delete, reaction, vote), or a change of the
conversation itself (`member`, `settings`). A *watermark* says up to which `seq` a member has received or read.

Invariants: nobody hears of an entry before it is committed; every entry is published once, in order, to those who may
see it; a member sees entries from the one that made him a member, a stranger and an ex-member see nothing
(`Chat.access` is the only way in); a blocked sender is never told.
"""
