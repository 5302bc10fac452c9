"""Queue and attempts under failure, flood and scarcity: acceptance runs of the real engine on simulated time."""
