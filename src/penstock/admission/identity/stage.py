"""The stage that holds a caller to its allow-list, first of all stages: before any work, and before any lease.

It also notices when the machine's clock was set, since credentials expire by it.  Beside it `note_ended`, which writes
into running exchanges that their credential has ended meanwhile.
"""

from collections.abc import Callable, Iterable

import structlog

from penstock.admission.identity.access import is_allowed
from penstock.admission.identity.authenticator import TOKEN_KEY_PREFIX
from penstock.core.clock import Clock
from penstock.core.errors import Forbidden
from penstock.core.exchange import Exchange, Principal
from penstock.core.facts import ClockMoved, CredentialEnded, IssuerKeysStale
from penstock.core.ports import CONTINUE, Continue

_SHOWN_NAME_CHARS = 100
_NOTICED_S = 1.0
"""A clock that is kept by small corrections is no news."""

_log = structlog.get_logger(__name__)


class ClockWatch:
    """Compares the clock of the wall with the one that nobody can set."""

    __slots__ = ("_clock", "_offset_s")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset_s = clock.now() - clock.monotonic()

    def moved_s(self) -> float | None:
        """By how much the wall's clock was set since the last call; None where it was not."""
        offset_s = self._clock.now() - self._clock.monotonic()
        moved_s = offset_s - self._offset_s
        self._offset_s = offset_s
        return moved_s if abs(moved_s) >= _NOTICED_S else None


class IdentityStage:
    """`stale_s` says how old an issuer's keys are where the issuer does not answer, else None."""

    def __init__(self, clock: Clock, stale_s: Callable[[str], float | None]) -> None:
        self._clock = clock
        self._stale_s = stale_s
        self._watch = ClockWatch(clock)

    @property
    def name(self) -> str:
        return "identity"

    async def enter(self, exchange: Exchange) -> Continue:
        """Raises `Forbidden` for a model that is not on the caller's list."""
        principal = exchange.principal
        moved_s = self._watch.moved_s()
        if moved_s is not None:
            _log.warning("clock_moved", by_s=moved_s)
            exchange.facts.append(ClockMoved(at_s=self._clock.monotonic() - exchange.began_s, by_s=moved_s))
        if principal.models is not None and not is_allowed(principal.models, exchange.request.model):
            shown = exchange.request.model[:_SHOWN_NAME_CHARS]
            raise Forbidden(f"This credential may not use the model `{shown}`.", field="model")
        if principal.key.startswith(TOKEN_KEY_PREFIX):
            issuer = principal.key.removeprefix(TOKEN_KEY_PREFIX)
            age_s = self._stale_s(issuer)
            if age_s is not None:
                at_s = self._clock.monotonic() - exchange.began_s
                exchange.facts.append(IssuerKeysStale(at_s=at_s, issuer=issuer, age_s=age_s))
        return CONTINUE

    def filter(self, exchange: Exchange) -> None:
        """Who asks says nothing of the answer."""


def note_ended(exchanges: Iterable[Exchange], stands: Callable[[Principal], bool], clock: Clock) -> None:
    """Add `CredentialEnded` to those exchanges, once each, whose credential stands no more.

    Called on the event loop, with what is in flight, after keys or tenants have changed: so that it costs a request
    nothing.
    """
    for exchange in exchanges:
        if stands(exchange.principal) or any(isinstance(fact, CredentialEnded) for fact in exchange.facts):
            continue
        at_s = clock.monotonic() - exchange.began_s
        exchange.facts.append(CredentialEnded(at_s=at_s, key=exchange.principal.key))
