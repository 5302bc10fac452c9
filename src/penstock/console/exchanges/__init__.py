"""What the admin API says of single exchanges, beside their rows in the ledger."""
