"""Settings of the rooms that read texts."""
