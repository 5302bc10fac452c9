"""Whether each claim of an answer is supported by its sources, and how sure one may be of the answer as a whole."""
