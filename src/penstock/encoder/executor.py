"""Keeps the encoder off the event loop: a few threads, a bounded line before them, and what was read lately.

Cache, routing, knowledge and guards ask the same `Encoder` for the same text; it is read once.
"""

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from penstock.encoder.model import Encoded, Model
from penstock.encoder.session import CannotRun


class EncoderBusy(Exception):
    """Too many texts wait, it is being closed, or (with a cause) the model failed on this text: go on without."""


@dataclass(slots=True)
class EncoderCounts:
    """Since the start.  For `refused` texts there was no room in the line; on `failed` ones the model failed."""

    read: int = 0
    remembered: int = 0
    refused: int = 0
    failed: int = 0


class Encoder:
    """One for each event loop.

    `threads` texts are read at once, `max_waiting` more wait at most.  What was read is kept in up to `memory_bytes`,
    the least lately used dropped first.
    """

    def __init__(self, model: Model, *, threads: int = 2, max_waiting: int = 64, memory_bytes: int = 32 << 20) -> None:
        self.model = model
        self.counts = EncoderCounts()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="encoder")
        self._most = threads + max_waiting
        self._running: dict[str, asyncio.Future[Encoded]] = {}
        self._known: OrderedDict[str, Encoded] = OrderedDict()
        self._known_bytes = 0
        self._memory_bytes = memory_bytes
        self._is_closed = False

    @property
    def width(self) -> int:
        """The length of its vectors."""
        return self.model.width

    @property
    def identity(self) -> str:
        """What its vectors depend on: keep it with every stored vector, and compare none of another."""
        return self.model.identity

    @property
    def weights_sha256(self) -> str:
        """What anything that was trained on its vectors must have been trained on."""
        return self.model.weights_sha256

    @property
    def waiting(self) -> int:
        """How many texts are being read or wait for it."""
        return len(self._running)

    def known(self, text: str) -> Encoded | None:
        """What is remembered of the text; asks nobody."""
        found = self._known.get(text)
        if found is not None:
            self._known.move_to_end(text)
        return found

    async def encode(self, text: str) -> Encoded:
        """Read the text, or remember it.  Raises `EncoderBusy` at once where the line is full.

        Several callers with the same text wait for one pass; one that is cancelled takes nothing from the others.
        """
        found = self.known(text)
        if found is not None:
            self.counts.remembered += 1
            return found
        running = self._running.get(text)
        if running is None:
            if len(self._running) >= self._most:
                self.counts.refused += 1
                raise EncoderBusy
            if self._is_closed:
                raise EncoderBusy
            self.counts.read += 1
            running = asyncio.get_running_loop().run_in_executor(self._pool, self.model.encode, text)
            self._running[text] = running
            running.add_done_callback(partial(self._finished, text))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            if self._is_closed and running.cancelled():
                raise EncoderBusy from None  # it was not the caller who was cancelled
            raise
        except CannotRun as error:
            self.counts.failed += 1
            raise EncoderBusy from error

    def close(self) -> None:
        """Let what is being read end; nothing more is read, and who waits for more is told `EncoderBusy`."""
        self._is_closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _finished(self, text: str, done: "asyncio.Future[Encoded]") -> None:
        del self._running[text]
        if done.cancelled() or done.exception() is not None:
            return
        found = done.result()
        size = _size_bytes(text, found)
        if size > self._memory_bytes // 8:
            return  # one long text would take the place of hundreds that come again
        # A copy, which this thread allocates: what is kept for long among what the others need for a moment would keep
        # their memory from ever being given back, three times its own size.
        self._known[text] = replace(found, sentence=found.sentence.copy(), tokens=found.tokens.copy())
        self._known_bytes += size
        while self._known_bytes > self._memory_bytes:
            old, dropped = self._known.popitem(last=False)
            self._known_bytes -= _size_bytes(old, dropped)


def _size_bytes(text: str, found: Encoded) -> int:
    return found.size_bytes + 4 * len(text) + 300
