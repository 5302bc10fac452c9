"""What tokens stand for, for as long as a conversation lasts: sealed in PostgreSQL, open in memory, nobody else's."""
