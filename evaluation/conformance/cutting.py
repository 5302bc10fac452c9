"""How a recorded body is cut on its way: whole, or into pieces of random sizes that a seed decides.

`folded` is a recorded stream that the client wants in one piece, as Penstock fetches it for models that are hedged.
"""

import random
from typing import Literal

from evaluation.conformance.recordings import Recording

Cutting = Literal["whole", "cut", "folded"]
CUTTINGS: tuple[Cutting, ...] = ("whole", "cut", "folded")

_MOST_PIECES = 300


def pieces(recording: Recording, body: bytes, cutting: Cutting) -> list[bytes]:
    """The pieces join to `body`.  The same recording is always cut at the same places."""
    if cutting != "cut" or not body:
        return [body] if body else []
    rng = random.Random(f"{recording.id} {len(body)}")  # noqa: S311 - repeatable, guards nothing
    largest = max(24, 2 * len(body) // _MOST_PIECES)
    cut: list[bytes] = []
    at = 0
    while at < len(body):
        size = rng.randint(1, largest)
        cut.append(body[at : at + size])
        at += size
    return cut
