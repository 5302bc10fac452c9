"""Limits and budgets over the admin API."""
