"""OTLP traces of settled exchanges, made from the journal's records once these are in the ledger."""
