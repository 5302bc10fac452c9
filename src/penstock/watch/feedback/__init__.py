"""Feedback on its way: from the data plane's disk into the database, and from there to every process."""
