"""Penstock: everything that stands between a call of a language model and a service that can be relied on."""

__version__ = "0.1.0"
