"""Conversations between people: what is said in them, by whom, and who has read it.

Words: a *conversation* (direct or group) has *members*; everything durable that happens in it is an *entry* of its log
with a dense `seq` from 1: a *message*, a change of a message (edit, delete, reaction, vote), or a change of the
conversation itself (`member`, `settings`). A *watermark* says up to which `seq` a member has received or read.

Invariants:
- Nobody hears of an entry before it is committed; every entry is told once, in order, to those who may see it.
- A member sees entries from the one that made him a member, and changes of messages that he can see. A stranger and an
  ex-member see nothing: `Chat.access` is the only way in.
- Whoever is blocked in a direct conversation is never told: what he says is *hidden* from the other, what he changes is
  *veiled* (only he sees it), now and after the block.
- Unread is counted from the log each time, never kept as a number that could drift.
- What is deleted or expired is gone from every answer; a deleted text is gone from storage too.

Choices: deleting a group is leaving it, deleting a direct conversation puts it away until something new is said. There
is one owner; when he leaves, the oldest admin follows, else the oldest member.
"""
