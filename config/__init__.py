"""What an operator may turn: typed settings, their meaning and their defaults."""
