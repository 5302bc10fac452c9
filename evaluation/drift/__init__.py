"""Whether drift is found, and how often it is cried without any: generated traffic, and questions that people asked."""
