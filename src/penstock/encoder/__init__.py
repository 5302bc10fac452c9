"""One forward pass for each text, and small heads on it; shared by cache, routing, knowledge and guards."""
