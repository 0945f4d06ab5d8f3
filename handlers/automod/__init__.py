"""AutoMod: rules by which a group looks at what is said in it before anybody else sees it.

Words: a *rule* looks for something (words, patterns, addresses, mentions, the same text everywhere). What it finds is a
*hit*; the rule says what follows: the message is refused (`block`), an admin decides (`hold`), only its sender sees it
(`limit`), or it is said (`pass`); besides admins may be told (`alert`) and its sender be silenced (`timeout`). Each
time something follows, it is an *act*, which the admins can read. A *scope* is what has rules: a group, by its id.

Invariants:
- A group without rules pays nothing. A process reads rules once, and again when the group's document names others.
- A message that is held is sent once, as its author's, when an admin approves of it, and never when he does not.
- Owner and admins are exempt unless the rules say otherwise; nobody silences them.
- No text and no pattern, however it is made, takes the server more than a bounded time.
- When Redis is away, messages go on, and what counts across servers is counted by each alone.

`folding`, `matching`, `hosts` and `likeness` are pure; `matching` is the one door to pyahocorasick and RE2, `folding`
to the table of confusable characters.
"""
