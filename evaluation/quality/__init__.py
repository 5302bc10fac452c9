"""What the checks of answers find, and what they get wrong, on public data."""
