"""Stopping one exchange from outside, with a reason, without tearing its settlement."""

import asyncio
import contextlib
from typing import Any

from penstock.core.clock import Clock, Timer
from penstock.core.ends import StopReason
from penstock.core.exchange import Exchange
from penstock.core.facts import ClientLeft


class Stop:
    """The one handle by which the server, the deadline and shutdown end an exchange early.

    `task` is the task that runs the exchange.  The first reason wins; later calls change nothing but cancel
    whatever is still waiting.  Under the `drain` policy a client that left does not stop the exchange: its upstream is
    read on for at most `drain_s`, so that the usage is the provider's own figure.
    """

    __slots__ = ("_clock", "_drain_s", "_drain_timer", "_exchange", "_is_over", "_task", "is_client_gone", "reason")

    def __init__(self, exchange: Exchange, task: "asyncio.Task[Any]", *, clock: Clock, drain_s: float) -> None:
        self._exchange = exchange
        self._task = task
        self._clock = clock
        self._drain_s = drain_s
        self._drain_timer: Timer | None = None
        self._is_over = False
        self.is_client_gone = False
        self.reason: StopReason | None = None

    @property
    def exchange(self) -> Exchange:
        return self._exchange

    def client_left(self) -> None:
        """The client closed its connection."""
        if self.is_client_gone or self._is_over:
            return
        self.is_client_gone = True
        now = self._clock.monotonic()
        policy = self._exchange.gone_policy
        self._exchange.facts.append(ClientLeft(at_s=now - self._exchange.began_s, policy=policy))
        if policy == "abort":
            self._stop("client_gone")
        else:
            self._drain_timer = self._clock.call_at(now + self._drain_s, lambda: self._stop("client_gone"))

    def deadline(self) -> None:
        """The exchange's latency budget is spent."""
        self._stop("deadline")

    def shutdown(self) -> None:
        """The process ends and the time to drain is over."""
        self._stop("shutdown")

    async def over(self) -> None:
        """The end is known.  From here on nothing is cancelled but the writing of the last bytes.

        A cancellation that was asked for but not delivered yet is waited for here and taken back: else it would strike
        at the next wait, which is the client's last bytes.
        """
        self._is_over = True
        if self._drain_timer is not None:
            self._drain_timer.cancel()
        if self._task.cancelling() > 0:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0)  # noqa: TID251 - one turn of the loop, no time
            self.absorb()

    def absorb(self) -> None:
        """Take back the cancellations that were ours, so that the task can finish its work."""
        while self._task.cancelling() > 0:
            self._task.uncancel()

    def _stop(self, reason: StopReason) -> None:
        if self.reason is None and not self._is_over:
            self.reason = reason
        self._task.cancel()
