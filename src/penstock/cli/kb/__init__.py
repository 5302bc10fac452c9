"""`penstock kb …`: knowledge bases, from the command line."""

from penstock.cli.kb.commands import kb

__all__ = ["kb"]
