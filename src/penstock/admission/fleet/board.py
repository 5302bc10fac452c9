"""What a process and the fleet's store say to each other, and the store as a protocol.

A process says that it lives and what it calls, and what it has found of targets since it last spoke; it is told all
that is known.  No machine's clock is compared with another's: a process gives ages by its own monotonic clock, and the
store adds its own time to them.

Each finding has a stamp of its own and names the stamp that its finder had heard last (`after`).  Of two findings that
knew nothing of each other the later one stands, whichever comes in first; one that knew of the other always stands.
What a process hears is the present state of everything, so a finding with a stamp that it has not heard is news, and no
message that is lost, repeated or late does any harm.
"""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

Found = Literal["open", "closed"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one process, or an operator (`is_ordered`), says of a target.

    It was found `age_s` ago; an open breaker stays so for `left_s` still.  An order to open stands until its time is
    over or another order comes.
    """

    target: str
    stamp: str
    after: str
    state: Found
    age_s: float
    left_s: float
    openings: int
    reason: str
    is_ordered: bool = False


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that a process has to say.  `process` is the name of its life, `place` says where it is, for people.

    Without a `process` it only asks.  With `is_leaving` its membership ends.  `silent_s` is how long a process may be
    silent before it counts as gone.
    """

    process: str = ""
    place: str = ""
    targets: Sequence[str] = ()
    findings: Sequence[Finding] = ()
    is_leaving: bool = False
    silent_s: float


class TargetState(msgspec.Struct, frozen=True, kw_only=True):
    """The finding that stands.  `left_s` is negative where an open breaker's time is over: it is being probed."""

    target: str
    stamp: str
    state: Found
    age_s: float
    left_s: float
    openings: int
    reason: str
    process: str
    place: str
    is_ordered: bool


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A process that lives, and the targets that it called lately."""

    process: str
    place: str
    targets: tuple[str, ...]


class View(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known."""

    states: tuple[TargetState, ...] = ()
    members: tuple[Member, ...] = ()


class BoardLost(Exception):
    """The store could not be asked; whether it took the report is not known, and need not be."""


class BoardNotReady(BoardLost):
    """There is nothing to ask yet: no address, or no schema."""


class Board(Protocol):
    """Where the fleet's findings and members are.  Called from one thread at a time.

    `exchange` takes a report in and gives the present state, in one round trip.  `wait` returns True as soon as another
    process has said something new, else False after `timeout_s`.  Both raise `BoardLost`, after a few seconds at most.
    """

    def exchange(self, report: Report) -> View: ...
    def wait(self, timeout_s: float) -> bool: ...
    def close(self) -> None: ...


KEPT_S = 86_400.0
"""How long a finding is remembered after its time."""
MOST_STATES = 2_000
"""How many targets a process is told of, the latest found first."""
