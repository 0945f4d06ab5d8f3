"""The engine: it runs slices (commands, events, jobs) behind two doors, and knows no feature by name."""
