"""Puts the parts together: what `app` calls with its limits, its store and its clock."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from penstock.admission.limits.book import Book, Notice
from penstock.admission.limits.limit import Budget, Limit, compile_rules
from penstock.admission.limits.slices import SliceStore
from penstock.admission.limits.spent_file import SpentFile, SpentRows, UnkeptRows
from penstock.admission.limits.stage import LimitStage, PriceEstimate
from penstock.admission.limits.supply import CONCURRENCY_LEASE_S, LimitSupply
from penstock.core.clock import Clock
from penstock.core.errors import ConfigError

_MARGIN_S = 15


@dataclass(frozen=True, slots=True)
class LimitPlace:
    """Of this process: the folder (of this machine, kept over restarts) for what it has spent; None will do for a
    memory store.  And how long a request may take at most, which bounds how long a dead process's places are held.
    """

    folder: Path | None
    longest_request_s: float


def open_limits(
    limits: Iterable[Limit | Budget],
    *,
    store: SliceStore,
    clock: Clock,
    price: PriceEstimate,
    on_notice: Callable[[Notice], None],
    zone_of: Callable[[str], str],
    place: LimitPlace,
) -> LimitStage:
    """The stage, not yet started: `stage.supply.start()` on the event loop that serves, `.close()` at its end.

    `on_notice` is called on the event loop and must not wait; a notice that it was handed counts as delivered, so it
    puts it where it is safe.  It may come a second time, with the same id, where this process dies just then.
    `zone_of` gives the time zone of a tenant (an IANA name).  Make it in the process that serves, after any fork.
    Raises `ConfigError`.
    """
    rules = compile_rules(limits)
    rows: SpentRows
    if store.is_local:
        rows, lease = UnkeptRows(), os.urandom(12).hex()
    elif place.folder is None:
        raise ConfigError("limits over a shared store need a folder for what is spent", path="data_dir")
    else:
        rows = SpentFile(place.folder)
        lease = rows.lease
    book = Book(
        rules, rows=rows, zone_of=zone_of, hold_s=int(place.longest_request_s + CONCURRENCY_LEASE_S + _MARGIN_S)
    )
    supply = LimitSupply(book, store, rows=rows, lease=lease, clock=clock, on_notice=on_notice, folder=place.folder)
    return LimitStage(supply, clock=clock, price=price)
