"""Measures what Penstock claims, against data and judges that are not its own."""
