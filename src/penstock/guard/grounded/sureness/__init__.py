"""How sure an answer is, beside its confidence: whether its model says it again, what others say, and what follows."""
