"""The review over the admin API, and what the control plane does for it in the background."""
