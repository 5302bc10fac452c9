"""The control plane: health, the admin API and, later, the web console.  Started by `penstock control`."""
