"""Contents of exchanges in both planes: what masks, seals and marks them."""
