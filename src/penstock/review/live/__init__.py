"""Review in the life of a request."""
