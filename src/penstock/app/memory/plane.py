"""The memory of a data plane, put together from the configuration; None where no model keeps anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_bytes
from typing import Final

import psycopg

from penstock.admission.keys import open_hasher
from penstock.app.guards.vault import sealer_of
from penstock.app.memory.items import answered, given_items, items_of, messages_of, restored, values_of
from penstock.app.review import asker_of
from penstock.app.routing import Routing
from penstock.config.datadir import DataDir
from penstock.config.types import Config
from penstock.core.chat import ChatRequest
from penstock.core.clock import Clock
from penstock.core.errors import PolicyBlocked
from penstock.core.exchange import Exchange, Principal, Remembered
from penstock.core.ids import new_exchange_id
from penstock.core.json import JsonValue
from penstock.core.ports import Ledger, Reply
from penstock.core.record import Settled
from penstock.guard.personal.vault.sealing import CannotOpen
from penstock.guard.stage import GuardStage
from penstock.memory.desk import Desk, DeskParts, Masked, Terms
from penstock.memory.items import Release
from penstock.memory.outbox import FOLDER, TurnOutbox
from penstock.memory.recall import Recaller
from penstock.memory.sealing import Sealed
from penstock.memory.stage import DeliverStage, Keeper, KeepStage, Parts, Policy, RecallStage
from penstock.memory.turn import Bounds
from penstock.memory.writer import TurnWriter
from penstock.review.hold import OPEN
from penstock.review.released import Released, look_up
from penstock.storage.late import LatePool
from penstock.watch.journal import JournalFile
from penstock.watch.segment import segments

MEMORY_CONNECTIONS: Final = 4
_DAY_S: Final = 86_400.0
_ITEMS_DEADLINE_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryGround:
    """What the memory of a data plane stands on; `guards` is None where no model has any."""

    pool: LatePool
    guards: GuardStage | None
    routing: Routing
    clock: Clock


class PlaneMemory:
    """`start` once, on the event loop that serves; `aclose` once, after the last exchange has settled.

    The stages stand where `app.plan` puts them; without a `writer` they write nothing.
    """

    def __init__(
        self,
        config: Config,
        sealed: Sealed,
        writer: TurnWriter | None,
        ground: MemoryGround,
    ) -> None:
        self._pool = ground.pool
        self._writer = writer
        self._guards = ground.guards
        clock, pool, routing = ground.clock, ground.pool, ground.routing
        self._clock = clock
        settings = config.memory
        self._recaller = Recaller(pool, sealed, writer, clock, wait_s=settings.wait_s)
        bounds = Bounds(
            most_turns=settings.most_turns, most_bytes=settings.most_bytes, most_answers=settings.most_answers
        )
        policies = {
            name: Policy(keep_s=(model.memory.keep_days or settings.keep_days) * _DAY_S, bounds=bounds)
            for name, model in config.models.items()
            if model.memory is not None
        }
        self._first = next(iter(policies))
        parts = Parts(
            messages_of=messages_of,
            items_of=items_of,
            answered=answered,
            values_of=values_of,
            may_rest=routing.may_rest,
            released=self._released,
        )
        keeper = None if writer is None else Keeper(sealed, writer)
        self.recall = RecallStage(policies, self._recaller, keeper, parts, clock)
        self.keep = KeepStage(parts)
        self.deliver = DeliverStage()
        terms = Terms(keep_s=settings.keep_days * _DAY_S, bounds=bounds, most_conversations=settings.most_conversations)
        desk_parts = DeskParts(masked=self._masked, restore=restored, released=self._released)
        self.desk = Desk(self._recaller, sealed, terms, desk_parts, clock)

    def start(self) -> None:
        if self._writer is not None:
            self._writer.start()

    def ledger(self, inner: Ledger) -> Ledger:
        """The ledger, with each exchange's turn behind its record."""
        return inner if self._writer is None else _Remembering(inner, self._writer)

    def problems(self) -> tuple[str, ...]:
        """What is wrong, for `/health`."""
        return () if self._writer is None else self._writer.problems()

    def gauges(self) -> tuple[tuple[str, str, float], ...]:
        """For `/metrics`: name, meaning, value."""
        if self._writer is None:
            return ()
        return (
            ("penstock_memory_waiting", "Turns that this process has still to write.", self._writer.waiting),
            ("penstock_memory_left", "Turns that it has left to the control plane to write.", self._writer.forgotten),
        )

    async def aclose(self) -> None:
        if self._writer is not None:
            await self._writer.aclose()
        await self._pool.aclose()

    async def _released(self, who: Principal, holds: Sequence[str]) -> Mapping[str, Release]:
        return await self._recaller.ask(lambda asked: releases(asked, who, holds))

    async def _masked(
        self, who: Principal, items: Sequence[JsonValue], conversation: str, values: Mapping[str, str]
    ) -> Masked:
        """As the guards of the first model that keeps anything judge and mask what it is asked."""
        request = given_items(items, self._first)
        if self._guards is None:
            return Masked(items=items_of(request, 0), values={}, withheld=())
        now_s = self._clock.monotonic()
        exchange = Exchange(
            id=new_exchange_id(self._clock),
            principal=who,
            request=request,
            dialect=request.dialect,
            started_at=self._clock.now(),
            began_s=now_s,
            deadline_s=now_s + _ITEMS_DEADLINE_S,
            gone_policy="abort",
            memory=Remembered(response="", thread=conversation, conversation=conversation, values=values),
        )
        if isinstance(await self._guards.enter(exchange), Reply) or not isinstance(exchange.request, ChatRequest):
            raise PolicyBlocked("A guard does not let these items be kept.", field="items")
        known, withheld = values_of(exchange)
        return Masked(items=items_of(exchange.request, 0), values=known, withheld=withheld)


async def releases(connection: psycopg.AsyncConnection, who: Principal, holds: Sequence[str]) -> Mapping[str, Release]:
    """What people have said of those that are decided, as far as the caller may read now what it was made from."""
    asker = asker_of(who)
    found = [await look_up(connection, hold, asker) for hold in holds]
    return {each.id: _release(each) for each in found if each is not None and each.state not in OPEN}


class _Remembering:
    """`core.ports.Ledger`: what the ledger does not take is not kept either, and its answer is not given."""

    __slots__ = ("_inner", "_writer")

    def __init__(self, inner: Ledger, writer: TurnWriter) -> None:
        self._inner = inner
        self._writer = writer

    def append(self, record: Settled) -> None:
        try:
            self._inner.append(record)
        except BaseException:
            self._writer.unrecorded(record.id)
            raise
        self._writer.recorded(record.id)


def open_memory(config: Config, data_dir: DataDir, ground: MemoryGround) -> PlaneMemory | None:
    """Everything but running.  Raises `ConfigError` where the installation's secret is damaged."""
    if not is_kept(config):
        return None
    open_hasher(data_dir)
    ledger = config.ledger

    def open_file(folder: Path) -> JournalFile:
        return JournalFile(folder, clock=ground.clock, fsync=ledger.fsync, fsync_interval_s=ledger.fsync_interval_s)

    outbox = TurnOutbox(data_dir.root / FOLDER, open_file, _waiting_in)
    return PlaneMemory(config, _sealed(config, data_dir), TurnWriter(outbox, ground.pool, ground.clock), ground)


def memory_of_file(config: Config, data_dir: DataDir, ground: MemoryGround) -> PlaneMemory | None:
    """Reads what there is, and writes nothing: for `explain`."""
    return PlaneMemory(config, _sealed(config, data_dir), None, ground) if is_kept(config) else None


def is_kept(config: Config) -> bool:
    """Whether a model keeps anything."""
    return any(model.memory is not None for model in config.models.values())


def released_header(exchange: Exchange) -> Sequence[tuple[str, str]]:
    """The holds of which people have said something since the caller's last turn."""
    memory = exchange.memory
    return () if memory is None or not memory.releases else (("x-penstock-released", ",".join(memory.releases)),)


def _sealed(config: Config, data_dir: DataDir) -> Sealed:
    # Before the first start nothing was ever kept, and any key opens nothing.
    there = data_dir.secret.exists()
    secret = bytes.fromhex(data_dir.secret.read_text("ascii").strip()) if there else token_bytes(32)
    return Sealed(sealer_of(config, secret), CannotOpen)


def _release(found: Released) -> Release:
    said = [] if found.released is None else [(found.ended_at or 0.0, found.released)]
    return Release((*said, *((each.at, each.text) for each in found.messages)))


def _waiting_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in segments(folder))
