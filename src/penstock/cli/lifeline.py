"""A pipe that tells the process of a plane that its parent is gone.

`up` holds the writing end and never writes; every child reads.  When the parent dies, by `kill -9` too, the kernel
closes the pipe and the child stops itself.
"""

import os
import signal
import threading
from collections.abc import Mapping

VARIABLE = "PENSTOCK_LIFELINE_FD"
_PATIENCE_S = 5.0


class Lifeline:
    """The parent's side: `read_fd` goes to the children, the other end stays here until `close` or death."""

    def __init__(self) -> None:
        self.read_fd, self._write_fd = os.pipe()

    def close(self) -> None:
        os.close(self.read_fd)
        os.close(self._write_fd)


def follow_parent(environ: Mapping[str, str]) -> None:
    """The child's side: stop this process once its parent is gone.  Does nothing in a process without a lifeline.

    It gets SIGTERM, and what has not ended by then ends after five seconds more.
    """
    text = environ.get(VARIABLE, "")
    if not text.isdecimal():
        return
    thread = threading.Thread(target=_follow, args=(int(text),), name="penstock-lifeline", daemon=True)
    thread.start()


def _follow(fd: int) -> None:
    try:
        while os.read(fd, 1):
            pass
    except OSError:
        return
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(_PATIENCE_S)
    os._exit(1)
