"""Inventions against a whole installation: how many of them reach the user, counted at the client."""
