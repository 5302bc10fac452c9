"""Sums of the ledger by minute and hour, written with it in one transaction: what figures and charts are read from."""
