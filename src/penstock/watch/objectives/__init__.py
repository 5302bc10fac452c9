"""Objectives: how much of what was promised to callers is used up, and how fast, by the sums of the ledger."""
