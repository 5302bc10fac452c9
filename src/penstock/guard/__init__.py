"""Layer 5a: what goes to a model and what comes back is judged here, on every message and every stream."""
