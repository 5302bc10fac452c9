"""Many regular expressions over one text, whole or as it streams in."""
