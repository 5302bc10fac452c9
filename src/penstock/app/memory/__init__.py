"""Memory in a data plane: its stages, its pages, and what both need of other rooms."""
