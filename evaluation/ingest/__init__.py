"""Taking documents in: how long a real handbook takes, and what survives of each format."""
