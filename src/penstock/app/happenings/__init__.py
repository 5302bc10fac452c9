"""What became of conversations, in a data plane."""
