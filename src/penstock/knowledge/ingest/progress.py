"""How far bringing a source up to date has come."""

from typing import Literal

import msgspec

from penstock.knowledge.ingest.unreadable import Reason, Unreadable

Phase = Literal["listing", "comparing", "reading", "done"]


class Failure(msgspec.Struct, frozen=True):
    key: str
    reason: Reason
    message: str


class Progress(msgspec.Struct, kw_only=True):
    """`files` are listed, `compared` of them looked at; `to_read` must be read, of which `read` are.

    `seconds` are since the start; `left_s` is what the rest will take if it goes on like this, None while nobody knows.
    """

    phase: Phase = "listing"
    files: int = 0
    compared: int = 0
    to_read: int = 0
    read: int = 0
    unchanged: int = 0
    moved: int = 0
    removed: int = 0
    permitted: int = 0
    chunks: int = 0
    bytes_to_read: int = 0
    bytes_read: int = 0
    seconds: float = 0.0
    reading_since_s: float = 0.0
    failures: list[Failure] = []

    @property
    def failed(self) -> int:
        return len(self.failures)

    @property
    def left_s(self) -> float | None:
        spent = self.seconds - self.reading_since_s
        if self.phase != "reading" or not self.bytes_read or spent <= 0:
            return 0.0 if self.phase == "done" else None
        return spent * (self.bytes_to_read - self.bytes_read) / self.bytes_read

    def fail(self, key: str, error: Unreadable) -> None:
        self.failures.append(Failure(key, error.reason, error.message))
