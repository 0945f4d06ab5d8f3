"""The doors: HTTP and the socket, the one road from both to a command, and what guards them."""
