"""Reading the configuration a second time, while everything runs."""
