"""The fleet as the control plane sees it: what is known, and an operator's orders.

Each call is one exchange with the board, on a thread of the caller's; calls wait for each other.
"""

import threading
from dataclasses import dataclass
from uuid import uuid4

from penstock.admission.fleet.board import Board, Finding, Found, Report, TargetState, View
from penstock.admission.fleet.link import SILENT_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An operator's word on a target.  `by` is who says so; opened, it stays so for `for_s` at most."""

    target: str
    state: Found
    reason: str
    by: str
    for_s: float = 0.0


class FleetDesk:
    """Both calls raise `BoardLost`."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._lock = threading.Lock()

    def look(self) -> View:
        with self._lock:
            return self._board.exchange(Report(silent_s=SILENT_S))

    def order(self, order: Order) -> TargetState:
        """Give an order, to be obeyed by every process within about a second; the finding that now stands."""
        finding = Finding(
            target=order.target,
            stamp=f"order:{uuid4().hex}",
            after="",
            state=order.state,
            age_s=0.0,
            left_s=order.for_s if order.state == "open" else 0.0,
            openings=0,
            reason=order.reason,
            is_ordered=True,
        )
        with self._lock:
            view = self._board.exchange(Report(place=order.by, findings=(finding,), silent_s=SILENT_S))
        return next(state for state in view.states if state.target == order.target)

    def close(self) -> None:
        with self._lock:
            self._board.close()
