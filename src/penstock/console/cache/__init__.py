"""The cache over the admin API: what is kept, what it saved, and what is to go."""
