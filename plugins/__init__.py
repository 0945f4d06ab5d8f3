"""The optional slices, and the ports through which they ask each other questions."""
