"""The thread that makes spans of what was shipped and brings them to the collector.

Whoever ships the journal `offer`s what has just reached the ledger, which takes microseconds and waits for nothing.
What is in the ledger is safe whatever becomes of its trace: so traces wait in memory only, in bounded number, and are
lost with the process.  While the collector is away one batch is tried again and again and the others wait behind it;
what then has no room is dropped.  All that is dropped is counted, by reason.
"""

import random
import threading
from collections.abc import Callable, Mapping, Sequence

import msgspec
import structlog
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from penstock.core.clock import Clock, age
from penstock.watch.traces.counts import Counts
from penstock.watch.traces.peer import Peer
from penstock.watch.traces.reading import decode_head, decode_record
from penstock.watch.traces.sampling import Sampling
from penstock.watch.traces.sending import Collector, Sent, body_of, send
from penstock.watch.traces.spans import spans_of
from penstock.watch.traces.waiting import Kept, Waiting

_BATCH = 256
_BATCH_BYTES = 2 << 20
_FIRST_RETRY_S = 0.5
_LONGEST_RETRY_S = 30.0
_LATE_S = 60.0

_log = structlog.get_logger(__name__)


class Exporter:
    """`start` once, `stop` once; `offer` from any thread in between.

    `send` is called in this exporter's thread.
    """

    def __init__(
        self,
        collector: Collector,
        sampling: Sampling,
        peers: Mapping[str, Peer],
        counts: Counts,
        *,
        clock: Clock,
        most_waiting: int,
        send: Callable[[Collector, bytes], Sent] = send,
    ) -> None:
        self._collector = collector
        self._sampling = sampling
        self._peers = peers
        self._counts = counts
        self._clock = clock
        self._send = send
        self._waiting = Waiting(most_waiting)
        self._stopping = threading.Event()
        self._failing_since: float | None = None
        self._problem: str | None = None
        self._thread = threading.Thread(target=self._run, name="penstock-traces", daemon=True)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """What waits is tried once more, in the background; see `join`."""
        self._stopping.set()
        self._waiting.close()

    def join(self, timeout_s: float) -> bool:
        """Whether it has ended within that time."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def offer(self, payloads: Sequence[bytes]) -> None:
        """Take over journal lines' JSON that is in the ledger now.  Never raises and waits for nothing."""
        kept: list[Kept] = []
        for payload in payloads:
            try:
                why = self._sampling.why(decode_head(payload))
            except msgspec.DecodeError:
                self._counts.drop("unreadable", 1)
                continue
            if why is not None:
                kept.append(Kept(payload, why))
        if not kept:
            return
        dropped = self._waiting.put(kept)
        if dropped:
            self._counts.drop("stopped" if self._stopping.is_set() else "no_room", dropped)

    def problems(self) -> tuple[str, ...]:
        """What is wrong, for `/health`: that the last it was sent was not taken, and since when."""
        since, problem = self._failing_since, self._problem
        if since is None or problem is None:
            return ()
        age_s = self._clock.monotonic() - since
        if age_s < _LATE_S:
            return ()
        dropped = sum(self._counts.dropped.values())
        return (f"the collector has taken no traces for {age(age_s)} ({problem}); {dropped} were dropped",)

    def _run(self) -> None:
        while batch := self._waiting.take(_BATCH, _BATCH_BYTES):
            try:
                self._bring(batch)
            except Exception:  # noqa: BLE001 - boundary: a background job; the batch is counted and the next one tried
                _log.exception("traces_not_made")
                self._counts.drop("unreadable", len(batch))

    def _bring(self, batch: Sequence[Kept]) -> None:
        spans: list[Span] = []
        made = 0
        for kept in batch:
            try:
                spans += spans_of(decode_record(kept.payload), kept.why, self._peers)
                made += 1
            except (msgspec.DecodeError, ValueError, OverflowError):
                self._counts.drop("unreadable", 1)
        if made:
            self._until_settled(body_of(spans, self._collector.resource), made)

    def _until_settled(self, body: bytes, exchanges: int) -> None:
        """Send it until it is taken or refused, or the end has come: who then waits to try again tries at once."""
        tries = 0
        while True:
            sent = self._send(self._collector, body)
            self._note(sent)
            if sent.outcome == "taken":
                with self._counts.lock:
                    self._counts.exported += exchanges
                    self._counts.lost_spans += sent.lost_spans
                return
            if sent.outcome == "refused":
                self._counts.drop("refused", exchanges)
                return
            if self._stopping.is_set():
                self._counts.drop("stopped", exchanges + self._empty())
                return
            tries += 1
            self._stopping.wait(_pause_s(tries, sent.wait_s))

    def _empty(self) -> int:
        """Give up what waits, once the end has come and the collector is away."""
        gone = 0
        while batch := self._waiting.take(_BATCH, _BATCH_BYTES):
            gone += len(batch)
        return gone

    def _note(self, sent: Sent) -> None:
        if sent.problem is None:
            if self._failing_since is not None:
                _log.info("traces_taken_again")
            self._failing_since = self._problem = None
            return
        if self._failing_since is None:
            _log.warning("traces_not_taken", problem=sent.problem, outcome=sent.outcome)
            self._failing_since = self._clock.monotonic()
        self._problem = sent.problem


def _pause_s(tries: int, wanted_s: float | None) -> float:
    longest_s = min(_LONGEST_RETRY_S, _FIRST_RETRY_S * 2 ** min(tries, 10))
    drawn_s = random.uniform(longest_s / 2, longest_s)  # noqa: S311 - spreads retries, hides nothing
    return drawn_s if wanted_s is None else max(drawn_s, min(wanted_s, 10 * _LONGEST_RETRY_S))
