"""What a process does about its imports, which are most of what its start takes."""

import gc
import sys
from collections.abc import Generator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def hidden(*names: str) -> Generator[None]:
    """Within, these modules are not to be had, as if they were not installed; those that are read already stay.

    For libraries that read others where they are there, for parts of theirs that nobody here uses.  Not beside other
    threads: what is hidden is hidden from the whole process.
    """
    modules: dict[str, ModuleType | None] = sys.modules  # pyright: ignore[reportAssignmentType] - None hides a module
    unread = [name for name in names if name not in modules]
    modules |= dict.fromkeys(unread)
    try:
        yield
    finally:
        for name in unread:
            del modules[name]


@contextmanager
def kept_for_good() -> Generator[None]:
    """What is imported within is looked at by no collection of garbage, now or later: a tenth of what importing it
    takes, and a part of each full collection after that.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
