"""Trains the recogniser of names: `python -m training.names`."""
