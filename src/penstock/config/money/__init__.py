"""What things cost, and what they are worth, as the operator says."""
