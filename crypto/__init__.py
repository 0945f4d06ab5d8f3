"""Pure functions for ids, passwords, tokens and keys: no input or output, no clock of their own."""
