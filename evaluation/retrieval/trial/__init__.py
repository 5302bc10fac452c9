"""Whether anybody is told what they may not read: a whole installation, its caches, its people, and what it writes."""
