"""Security figures over the admin API."""
