"""Safety: reports with their evidence, the moderators' queue, warnings, suspensions, appeals, and a log of it all.

Words: a *case* is one person's report of a message, a conversation or a person; its *evidence* is a copy of what was
said, which only moderators see and which goes after 90 days. A *measure* is what was decided about a person: a warning
or a suspension. A person may *appeal* once against each measure.

Invariants:
- Only moderators and admins see cases, and nobody learns who reported him.
- A moderator acts on people without an office; on moderators and admins only an admin does, and nobody on himself.
- Only admins give and take offices; the first is made on the server itself, and the last one stays.
- Whoever took a measure does not decide the appeal against it, unless he is an admin.
- What a moderator does and the line in the audit log that says so are one transaction. Lines are never changed; each
  carries a digest over itself and the line before.
"""
