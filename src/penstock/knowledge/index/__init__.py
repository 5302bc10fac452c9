"""Keeps documents in PostgreSQL and finds in them: vectors and BM25 together, and only what the caller may read."""
