"""Mail: the one way out for letters, to mailboxes over SMTP or into files that whoever runs the server can read.

Words: a *letter* is one e-mail or one text message.

Invariants: only this slice speaks SMTP; a letter that a mail server has taken is not sent again by it; without a mail
server every letter is a file, and so is every text message, for there is no way to telephones yet.
"""
