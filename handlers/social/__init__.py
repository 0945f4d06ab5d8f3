"""Who knows whom: friend requests, friends, blocks and suggestions.

Words: a *pair* is two people, whichever asked first; there is one document per pair for ever, and every change of a
friendship or a block is one conditional change of it, so two people who act at once cannot end in two minds. A *side*
is what one of the two says about the other: a category, and what the other may do. *Hushed* is a request that its
recipient never sees, because they declined the same person often enough.

Invariants: a block is stronger than everything else and works in both directions; nobody is told that they are
blocked or hushed; `friendsCount` of both people changes in the transaction that makes or ends a friendship.
"""
