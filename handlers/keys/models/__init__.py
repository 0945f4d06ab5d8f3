"""What devices upload, what is given out of them, and what is stored."""
