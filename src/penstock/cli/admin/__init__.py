"""The commands that speak to the admin API of a running control plane: one module for each."""
