"""How good answers were: looking at them, and showing what was found."""
