"""Sends no token that is not needed: long conversations are cut to what the last question needs."""
