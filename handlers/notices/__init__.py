"""Notices: what happened to somebody, kept in a list that all his devices share, and mailed to those who are away.

Words: a *notice* says that something of one *kind* happened, once or several times; a notice is *open* while others of
its kind and *key* (what it is about) join it instead of making one of their own; its *position* is its place in the
list, and moves to the top when something joins; a *channel* is how a notice reaches its person: in the app, by push, by
e-mail.

Invariants: what is heard twice is counted once; at most one notice of a person is open for each key; unread numbers are
absolute; nobody keeps more than a bounded number of notices; a person who is blocked or erased is in nobody's notices;
mail goes to verified addresses only.
"""
