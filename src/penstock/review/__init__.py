"""People where certainty ends: answers held back, the queue of those who judge them, and what becomes of it."""
