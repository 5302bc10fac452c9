"""How many attacks of sources that nothing was fitted on are found, and at how many false alarms."""
