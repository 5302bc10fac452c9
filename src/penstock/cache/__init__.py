"""Layer 2: answers that were given before, kept whole and given again where that is right."""
