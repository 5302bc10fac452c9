"""Drift over the admin API, and the thread of the control plane that looks for it."""
