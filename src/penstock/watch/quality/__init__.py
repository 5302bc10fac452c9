"""How good answers were: a sample of them, looked at beside the request path, and what is counted of that."""
