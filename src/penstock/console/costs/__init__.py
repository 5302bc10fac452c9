"""What a month will cost and when its budgets run out: the ledger's daily sums, looked at by `watch.forecast`."""
