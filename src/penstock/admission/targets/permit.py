"""One place at a target, and one call that waits for it: what `gate.TargetGate` hands out."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from penstock.admission.targets.fair import PriorityClass
from penstock.admission.targets.pacer import Sent
from penstock.core.clock import Timer
from penstock.core.outcome import Cancelled, Outcome, Succeeded
from penstock.core.ports import Answered

if TYPE_CHECKING:
    from penstock.admission.targets.gate import TargetGate


class Permit:
    """One place at a target.  `close` it exactly once; a second `close` is ignored, as the place is no longer its own.

    `waited_s` is what the call spent in the queue.
    """

    __slots__ = ("_class", "_gate", "_hold_s", "_mark", "_saw_first_event", "_token", "sent_s", "waited_s")

    def __init__(self, gate: "TargetGate", which: "PriorityClass[Waiter]", token: int, sent_s: float) -> None:
        self._gate: TargetGate | None = gate
        self._class = which
        self._token = token
        self._hold_s = gate.expected_hold_s
        self._mark: Sent | None = None
        self._saw_first_event = False
        self.sent_s = sent_s
        self.waited_s = 0.0

    def observe(self, headers: Mapping[str, str]) -> None:
        """Take in what the answer's headers (lower-case names) say of the provider's limits."""
        if self._gate is not None:
            self._gate.observe(headers, self._mark, self.sent_s)

    def heed(self, answer: Answered) -> None:
        """As `observe`, of an answer whose headers are read only where that may be news."""
        gate = self._gate
        if gate is not None and gate.wants_headers:
            gate.observe(answer.headers, self._mark, self.sent_s)

    def first_event(self, latency_s: float) -> None:
        """Say as soon as it is known how long the first event took; `close` says it for those that did not."""
        if self._gate is not None and not self._saw_first_event:
            self._saw_first_event = True
            self._gate.learn(latency_s)

    def close(self, outcome: Outcome) -> None:
        gate = self._gate
        if gate is None:
            return
        self._gate = None
        if type(outcome) is Succeeded and not self._saw_first_event:
            gate.learn(outcome.first_event_s)
        elif type(outcome) is Cancelled and not self._saw_first_event:
            gate.learn_unfinished(self.sent_s)
        gate.leave(self._class, self._token, self._hold_s, self.sent_s, outcome)

    def mark(self, mark: Sent) -> None:
        """Remember this call's place in the order of calls; the gate does so where calls are paced."""
        self._mark = mark


class Waiter:
    """A call in the queue."""

    __slots__ = ("future", "is_in_line", "need", "tenant", "timer", "which")

    def __init__(self, which: "PriorityClass[Waiter]", tenant: str, need: Sent, future: asyncio.Future[Permit]) -> None:
        self.which = which
        self.tenant = tenant
        self.need = need
        self.future = future
        self.is_in_line = True
        self.timer: Timer | None = None
