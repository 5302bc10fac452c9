"""What guards found in texts that come again: the turns of a conversation, a system text, a document that many ask
about.  Each is read once.

Only for what a guard finds by the text, who wrote it and whether somebody speaks in it, as every `Ward.detect` does.
Of a text no more than a keyed hash is kept.
"""

from collections.abc import Sequence
from hashlib import blake2b
from secrets import token_bytes
from typing import Final

from penstock.guard.verdict import Finding, Segment
from penstock.guard.ward import Ward

_MOST_FINDINGS: Final = 50
"""With more a text is not kept: a thousand such would take what is for all."""


class Remembered:
    """For one event loop.  Of `most_texts` at most, the half that was asked for last is never forgotten."""

    def __init__(self, most_texts: int) -> None:
        self._half = most_texts // 2
        self._key = token_bytes(32)
        self._wards: dict[int, Ward] = {}
        # Two generations stand in for an order of use: looking up costs one dictionary, and forgetting costs nothing.
        self._young: dict[bytes, dict[int, Sequence[Finding]]] = {}
        self._old: dict[bytes, dict[int, Sequence[Finding]]] = {}

    def digest(self, segment: Segment) -> bytes:
        """What a text is known by."""
        return blake2b(
            segment.text.encode("utf-8", "surrogatepass"),
            digest_size=16,
            key=self._key,
            person=f"{segment.trust}{'' if segment.is_said else '-'}".encode(),
        ).digest()

    def get(self, ward: Ward, digest: bytes) -> Sequence[Finding] | None:
        """What the guard found in the text; None where it has not read it lately."""
        known = self._young.get(digest)
        if known is None:
            known = self._old.pop(digest, None)
            if known is None:
                return None
            self._keep(digest, known)
        return known.get(id(ward))

    def put(self, ward: Ward, digest: bytes, found: Sequence[Finding]) -> None:
        """Keep what the guard found in the whole text."""
        if self._half == 0 or len(found) > _MOST_FINDINGS:
            return
        self._wards[id(ward)] = ward  # as long as its number is in use nothing else may get it
        known = self._young.get(digest)
        if known is None:
            known = self._old.pop(digest, None) or {}
            self._keep(digest, known)
        known[id(ward)] = tuple(found)

    def _keep(self, digest: bytes, known: dict[int, Sequence[Finding]]) -> None:
        if len(self._young) >= self._half:
            self._old, self._young = self._young, {}
        self._young[digest] = known
