"""How much of what answers a question is left when a long conversation is shortened."""
