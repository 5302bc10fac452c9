"""What became of conversations, on its way from the data plane's disk into sums by the hour."""
