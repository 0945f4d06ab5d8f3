"""Contacts: who of an address book is here, found without keeping the address book.

Words: an *identifier* is a phone number or an e-mail address in its one form; a *hash* is the keyed hash that stands
for it, made with the *pepper*, a secret of the server; an *owner* is whose address book it is; a *tie* notes that an
owner's address book led to a registered person; a *wait* is a hash that an owner wants to be told of; a *tag* is 20
bits of a keyed hash, by which contacts are counted: many thousand numbers share each.

Invariants: no identifier that somebody else uploaded is ever stored; of what belongs to nobody only the tag stays, for
ten days, and the hash if the owner asked to be told. Nobody is found by an identifier that he has not verified, against
his privacy settings, or across a block. A number that belongs to nobody and one whose owner hides cost the same work,
give the same answer and take the same time.
"""
