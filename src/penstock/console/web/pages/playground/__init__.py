"""Playground: a question to the data plane itself, as an application would ask it, and all that came of it."""
