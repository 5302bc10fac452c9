"""What the counters of a process and the store of the fleet say to each other.

Everything that a process says is absolute ("of this counter I keep 40, of which 31 are used"), never a difference, and
carries the number of the batch.  So a batch may be lost, repeated or come late: the next one puts right what the store
believes, a late one is older than what the store has and is ignored, and a slice whose grant never arrived goes back.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One counter's part of a batch.

    `keep` is what the process holds from now on: less than before gives the rest back, more is a debt (an answer that
    cost more than was reserved) and is booked even beyond the amount.  `used` is what is settled of it.  Then, if
    `least` > 0: grant up to `need`, but nothing where there is not even `least`.  `ahead` is asked for on top, for
    requests yet to come; of what is left a quarter goes to one asker at most, so that the last ones are small.
    `expires_s` is how long the store must remember the counter.  `hold_s` > 0: the counter has no period, and what a
    process holds of it is reclaimed once that process was silent for so long.  `crossed` are the bits of the thresholds
    that the fleet's use has reached, `confirmed` those whose notice has been handed on.  `is_final`: the process
    forgets the counter; what it keeps stays booked under nobody's name.
    """

    key: str
    amount: int
    keep: int
    used: int
    least: int = 0
    need: int = 0
    ahead: int = 0
    expires_s: int = 7200
    hold_s: int = 0
    crossed: int = 0
    confirmed: int = 0
    is_final: bool = False


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The counter after it: what this process holds, what the fleet holds and has used of it.

    `is_starving`: somebody was refused in the last seconds, so give back what is not needed.  `due` are the bits of
    the thresholds whose notice is this process's to hand on; they come again until they are confirmed.
    """

    held: int
    granted: int
    used: int
    is_starving: bool
    due: int


class Replies(msgspec.Struct, frozen=True):
    """One `Reply` an `Ask`, in their order, and the store's time (Unix seconds), by which periods are named."""

    now: float
    replies: tuple[Reply, ...]


class StoreLost(Exception):
    """The store could not be asked; whether it acted is not known, and need not be."""


class SliceStore(Protocol):
    """Where the fleet's counters are.  Called from one thread at a time.

    `exchange` books each ask atomically, in one round trip.  `batch` rises with every call of one `lease` (the name of
    a process's life).  An empty batch tells the time.  Raises `StoreLost`, after a few seconds at most.
    `is_local` says that `exchange` touches neither network nor disk, so that it may be called on the request path.
    """

    @property
    def is_local(self) -> bool: ...
    def exchange(self, lease: str, batch: int, asks: Sequence[Ask]) -> Replies: ...
    def close(self) -> None: ...


STARVING_S = 2.0
"""How long a refusal makes the others give back."""
CLAIM_S = 30.0
"""How long a process may take to confirm a notice before another one hands it on."""
LONGEST_STEP_S = 5.0
"""The most time that a store believes to have passed between two asks for a counter: silence, refusals and claims are
timed so, and no clock that is moved ahead makes the living look dead."""
FINAL_BATCH = 2**62
"""The batch number under which the lease of a dead process is closed: nothing of its own can come after."""
