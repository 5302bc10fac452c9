"""Takes documents in: finds them, reads them in processes of their own, cuts them into chunks, keeps the index even."""
