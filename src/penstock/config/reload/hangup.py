"""SIGHUP as operators know it: read the configuration again.  Called by each plane and by `penstock up`."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress


def heed_hangup(told: Callable[[], None]) -> None:
    """Call `told` on the running event loop for each SIGHUP.

    Not in a process whose input is a terminal: there the signal says that the terminal is gone, and ends the process as
    ever.  Not in a thread that is not the main one either, which gets no signals.
    """
    with suppress(OSError):
        if os.isatty(0):
            return
    with suppress(ValueError, RuntimeError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, told)
