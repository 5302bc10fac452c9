"""Layer 5b: what happened and what it cost.  The ledger, prices, token counts, metrics."""
