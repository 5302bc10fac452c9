"""What the semantic cache answers, what it gets wrong, and how fast it is: `make evaluate ARGS=cache`."""
