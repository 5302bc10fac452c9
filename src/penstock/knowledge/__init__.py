"""Layer 4: documents in, chunks and their index, and what is found in them by whoever may read it."""
