"""Imports without a look for garbage: what a plane imports stays until it ends."""

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def kept_for_good() -> Generator[None]:
    """What is made within is looked at by no collection, now or later: a tenth of the time that a plane takes to
    start, and a part of each full collection after that.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
