"""The child process: reads one file after another from its input, and writes what they came to.

`python -m penstock.knowledge.ingest.isolation.child`; started by `readers`, with nothing of the parent's environment.
A frame is its length in four bytes and that many bytes of MessagePack.
"""

import os
import resource
import sys
from typing import BinaryIO, Final

import msgspec

from penstock.knowledge.ingest.reading import Reading, read
from penstock.knowledge.ingest.unreadable import Limits, Reason, Unreadable

_MOST_FILES_OPEN: Final = 64


class Task(msgspec.Struct, frozen=True):
    name: str
    data: bytes
    limits: Limits


class Done(msgspec.Struct, frozen=True, tag=True):
    reading: Reading


class Refused(msgspec.Struct, frozen=True, tag=True):
    reason: Reason
    message: str


Answer = Done | Refused


def main() -> None:
    source, target = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a library prints is no answer
    decoder = msgspec.msgpack.Decoder(Task)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_MOST_FILES_OPEN, _MOST_FILES_OPEN))
    while (frame := read_frame(source)) is not None:
        answer = _answer(decoder.decode(frame))
        target.write(framed(msgspec.msgpack.encode(answer)))
        target.flush()


def read_frame(source: BinaryIO) -> bytes | None:
    """None at the end of the input."""
    head = source.read(4)
    if len(head) < 4:
        return None
    data = source.read(int.from_bytes(head))
    return data if len(data) == int.from_bytes(head) else None


def framed(data: bytes) -> bytes:
    return len(data).to_bytes(4) + data


def _answer(task: Task) -> Answer:
    _limit(task.limits)
    try:
        return Done(read(task.data, task.name, task.limits))
    except Unreadable as error:
        return Refused(error.reason, error.message)
    except MemoryError:
        return Refused("out_of_memory", f"it takes more than {task.limits.memory_bytes >> 20} MiB to read")
    except RecursionError:
        return Refused("bomb", "its parts lie too deep within each other")
    except Exception as error:  # noqa: BLE001 - whatever a hostile file makes a library raise is said of this file
        return Refused("damaged", f"it cannot be read ({type(error).__name__})")


def _limit(limits: Limits) -> None:
    """For this file: time is counted from what earlier ones took."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, resource.RLIM_INFINITY))
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + limits.cpu_seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main()
