"""The vocabulary that every room shares: standard library and msgspec only, no I/O, no policy."""
