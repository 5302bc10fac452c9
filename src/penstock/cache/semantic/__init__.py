"""Finds an answer that was given to another question which means the same, and says when that is not safe."""
