"""Layer 4, put together from the configuration."""
