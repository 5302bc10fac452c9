"""Scripts that make what is trained and shipped: one command each, deterministic, numpy only."""
