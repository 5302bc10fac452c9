"""Why a file cannot be taken in.  It is said of the one file and stops no other."""

from typing import Literal

import msgspec

Reason = Literal[
    "too_large",
    "encrypted",
    "bomb",
    "macros",
    "entities",
    "unsupported",
    "damaged",
    "empty",
    "too_slow",
    "out_of_memory",
    "crashed",
    "unreachable",
    "forbidden",
    "nobody",
    "bad_name",
]
"""Stable: what a failed file is counted and looked up by."""


class Unreadable(Exception):
    """`reason` is for programs, the message for people; neither quotes the file's content."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason
        self.message = message


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one file may cost.

    `file_bytes` is asked before a file is read, `expanded_bytes` while an archive is unpacked, the next three while it
    is taken apart.  `seconds` is the deadline, `cpu_seconds` and `memory_bytes` are what the system allows the process
    that reads.  `attachments` is how many files an e-mail may carry.
    """

    file_bytes: int = 100 << 20
    expanded_bytes: int = 512 << 20
    text_chars: int = 20_000_000
    pages: int = 5_000
    cells: int = 2_000_000
    seconds: float = 120.0
    cpu_seconds: int = 90
    memory_bytes: int = 2 << 30
    attachments: int = 50
