"""Knowledge bases over the admin API."""
