"""Whom a call went to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Peer:
    """What a provider's name stands for: `vendor` in the conventions' word, and where it is."""

    vendor: str
    address: str | None = None
    port: int | None = None
