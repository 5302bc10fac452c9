"""How well claims are traced to their sources, inventions caught, and confidence told."""
