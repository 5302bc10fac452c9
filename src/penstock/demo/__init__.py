"""`penstock demo`: the same real questions twice against the same failing provider, directly and through Penstock.

Everything in the table is observed: what the client saw, what the simulated provider counted, what the ledger holds.
"""
