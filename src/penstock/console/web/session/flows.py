"""Sign-ins under way at an issuer: what we must remember between sending somebody there and their coming back.

Each is bound to the browser by a cookie and to the answer by `state`, is used once, and is forgotten after ten minutes.
"""

from collections import OrderedDict
from dataclasses import dataclass
from secrets import compare_digest, token_urlsafe

from penstock.core.clock import Clock

LIFETIME_S = 600
_MAX_FLOWS = 1000


@dataclass(frozen=True, slots=True, repr=False)
class Flow:
    issuer: str
    state: str
    nonce: str
    verifier: str
    then: str
    began_s: float


class Flows:
    """Used on the event loop alone."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._flows: OrderedDict[str, Flow] = OrderedDict()

    def begin(self, issuer: str, then: str) -> tuple[str, Flow]:
        """The id for the browser's cookie, and the flow."""
        flow = Flow(
            issuer, token_urlsafe(32), token_urlsafe(32), token_urlsafe(48), then, began_s=self._clock.monotonic()
        )
        flow_id = token_urlsafe(32)
        self._flows[flow_id] = flow
        while len(self._flows) > _MAX_FLOWS:
            self._flows.popitem(last=False)
        return flow_id, flow

    def take(self, flow_id: str | None, state: str | None) -> Flow | None:
        """The flow that this browser began and this state belongs to; never twice, whatever comes of it."""
        flow = self._flows.pop(flow_id, None) if flow_id is not None else None
        if flow is None or state is None or not compare_digest(flow.state.encode(), state.encode("utf-8", "replace")):
            return None
        return None if self._clock.monotonic() - flow.began_s > LIFETIME_S else flow
