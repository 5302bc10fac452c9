"""What the tokens of an answer that is held stand for, sealed with the hold: whoever asked sees it when it is released.

The queue and its reviewers see tokens alone.
"""

from typing import Final

import msgspec

from penstock.core.exchange import Exchange
from penstock.guard.personal.restore import Slots
from penstock.guard.personal.vault.book import kind_of
from penstock.guard.personal.vault.sealing import CannotOpen, Sealer
from penstock.guard.stage import guarded

_BOUND_TO: Final = b"hold\0"
_decode = msgspec.msgpack.Decoder(dict[str, str]).decode


class HeldValues:
    """Seals for holds, and restores what was released, with the installation's own keys."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def seal(self, exchange: Exchange, hold: str) -> str | None:
        """The values that the exchange's caller may see again, bound to the hold; None where there are none."""
        left = guarded(exchange)
        if left is None or not len(left.tokens):
            return None
        may = left.guards.may_restore
        values = {token: value for token, value in left.tokens.issued.items() if may(exchange, kind_of(token))}
        if not values:
            return None
        return self._sealer.seal_bytes(exchange.principal.tenant, _bound(hold), msgspec.msgpack.encode(values))

    def restored(self, tenant: str, hold: str, sealed: str | None, text: str) -> str:
        """The text with its values.  What cannot be opened stays tokens."""
        if sealed is None or "<" not in text:
            return text
        try:
            values = _decode(self._sealer.open_bytes(tenant, _bound(hold), sealed))
        except (CannotOpen, msgspec.DecodeError):
            return text
        slots = Slots(values, is_json=False)
        return slots.feed(text) + slots.finish()


def _bound(hold: str) -> bytes:
    return _BOUND_TO + hold.encode("utf-8", "surrogatepass")
