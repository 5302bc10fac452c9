"""The scripts that train what is shipped: one command each, deterministic, numpy alone."""
