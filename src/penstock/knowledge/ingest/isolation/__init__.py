"""Reading in child processes, so that a hostile file costs one file."""
