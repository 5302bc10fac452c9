"""Personal data that has a form of its own: numbers with a checksum, addresses, dates, keys."""
