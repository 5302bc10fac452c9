"""Every figure that people and rules ask for, defined once: what it is called, and what it is made of."""
