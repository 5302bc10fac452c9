"""Layer 1: who is calling, and whether there is room for the call.  `app` puts it into the plan."""
