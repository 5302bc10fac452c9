"""The ledger over the admin API: its rows, found by whatever is known of them, and sums over any of them."""
