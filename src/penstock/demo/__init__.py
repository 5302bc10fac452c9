"""`penstock demo`: the same real questions against the same failing provider, directly, through Penstock, and again.

Everything in the table is observed: what the client saw, what the simulated provider counted, what the ledger holds.
"""
