"""What the processes of a fleet tell each other of targets: which are down, and who calls them."""
