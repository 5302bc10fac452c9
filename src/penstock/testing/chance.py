"""Chance that can be repeated: every draw of the simulator comes from a generator made of its seed and its question."""

import random
from typing import TypeAlias

Rng: TypeAlias = random.Random


def rng_for(*parts: str | int) -> Rng:
    """Return a generator that depends on `parts` alone: not on the process, the machine or what was drawn before."""
    text = "\x1f".join(map(str, parts))
    return random.Random(text.encode(errors="surrogatepass"))  # noqa: S311 - repeatable on purpose, guards nothing
