"""Stories that Hypothesis makes up for a real server, and what must be true after each."""
