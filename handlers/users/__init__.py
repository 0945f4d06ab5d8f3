"""People: the account record, what others may see of it, finding and suggesting people, and reporting them.

Words: an *account* is everything stored of a person; *me* is the account as its owner sees it; a *profile* is what one
other person may see of it; a *card* is the little that is shown wherever a person is named. An account is `active`,
`suspended`, or `leaving` (marked for deletion, hidden from everybody, erased for good after the grace period).

Invariants: one account per username and per e-mail, by unique indexes; no e-mail, phone, birth date or exact position
of a person ever leaves to another; a block in either direction looks exactly like an account that does not exist.
"""
