"""One module for each format; each turns bytes into blocks."""
