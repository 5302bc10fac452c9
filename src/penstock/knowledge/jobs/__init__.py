"""Work that goes on beside requests: what is queued, who does it, how far it is."""
