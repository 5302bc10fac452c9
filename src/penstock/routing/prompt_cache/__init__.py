"""Lets providers keep what prompts begin with, where that is likely to pay."""
