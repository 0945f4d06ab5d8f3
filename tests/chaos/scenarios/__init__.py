"""The scenarios: each puts one family of faults into a cluster under load, and says what came of it."""
