"""A provider's invoice, read from its CSV export and held against the ledger.  No money is ever a float here."""
