"""Prices out of the configuration, and what is told of those that nobody knows."""
