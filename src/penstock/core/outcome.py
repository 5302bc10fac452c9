"""How a call of a target ended, as its gate needs to know it.  `flow.attempt` makes one and hands it to
`Permit.close`.
"""

from typing import TypeAlias

import msgspec


class Succeeded(msgspec.Struct, frozen=True):
    """The answer was complete.  Seconds since the call was sent: to its first event, and in all."""

    first_event_s: float
    total_s: float


class Throttled(msgspec.Struct, frozen=True):
    """A 429 or the like: the target is up and wants fewer calls."""

    retry_after_s: float | None = None


class Failed(msgspec.Struct, frozen=True):
    """The target's fault.  `timed_out` where it did not answer in time, which may be because there were too many."""

    timed_out: bool = False


class Cancelled(msgspec.Struct, frozen=True):
    """Given up by us or by the client; it says nothing of the target."""


class ClientFault(msgspec.Struct, frozen=True):
    """The target refused what the client asked: it is up."""


Outcome: TypeAlias = Succeeded | Throttled | Failed | Cancelled | ClientFault

FAILED = Failed()
TIMED_OUT = Failed(timed_out=True)
CANCELLED = Cancelled()
CLIENT_FAULT = ClientFault()
