"""What came of exchanges, beside their rows in the ledger: verdicts, savings, and what was left out of prompts."""
