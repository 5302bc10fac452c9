"""Exchanges: found by whatever is known of them, and each shown with every fact of it."""
