"""What was asked and answered, kept by policy: masked, sealed, for a time, and found by its words."""
