"""Review in a data plane: answers that wait for a person, and what comes back to those who asked."""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout

from penstock.app.knowledge.grounding import groundings_of
from penstock.app.knowledge.grounding import may_hold as grounding_may_hold
from penstock.cache.exact import ExactCache
from penstock.config.datadir import DataDir
from penstock.config.guards import may_hold
from penstock.config.types import Config
from penstock.core.clock import Clock
from penstock.core.errors import Overloaded
from penstock.core.exchange import Exchange, Principal
from penstock.core.sources import readers_of
from penstock.guard.personal.vault.held import HeldValues
from penstock.review.hold import OPEN, Hold
from penstock.review.live.stage import Parts, ReviewStage
from penstock.review.outbox import FOLDER, Outbox
from penstock.review.released import Asker, Released, look_up
from penstock.routing.language import language_of
from penstock.server.service import HoldView, Spoken
from penstock.storage.late import LatePool
from penstock.watch.journal import JournalFile
from penstock.watch.segment import segments

_CONNECTIONS: Final = 2
_MOST_RECENT: Final = 10_000
_AWAY: Final = "Nobody can tell at the moment how the answer stands; try again."
_STATUS: Final = {"approved": "released", "edited": "released", "rejected": "rejected", "taken_over": "taken_over"}


class PlaneReview:
    """`aclose` once, after the last exchange has settled.

    `recent` are holds of this process that may not be in the queue yet.
    """

    def __init__(self, config: Config, clock: Clock, outbox: Outbox | None, pool: LatePool) -> None:
        self._clock = clock
        self._outbox = outbox
        self._pool = pool
        self._recent: OrderedDict[str, Hold] = OrderedDict()
        self._held: HeldValues | None = None
        self._place_of: Callable[[Exchange], tuple[str, str] | None] = _nowhere
        self._holds_by_default = may_hold(config.guards.default)
        self._holding = {
            name: may_hold(config.guards.default if model.guards is None else model.guards)
            for name, model in config.models.items()
        }
        grounded = (name for name, each in groundings_of(config).items() if grounding_may_hold(each))
        self._holding |= dict.fromkeys(grounded, True)
        parts = Parts(
            write=self._write,
            language_of=language_of,
            cache_place=self._place,
            seal=self._seal,
            clock=clock,
        )
        self.stage = ReviewStage(config.review, parts, self._may_hold)

    def join(self, cache: ExactCache, held: HeldValues | None) -> None:
        """What it needs of layers that are made after it."""
        self._place_of, self._held = cache.place_of, held

    def use(self, config: Config) -> None:
        """Take over other rules."""
        self.stage.use(config.review)

    async def find(self, hold: str, principal: Principal) -> HoldView | None:
        """A `server.holds.FindHold`."""
        asker = asker_of(principal)
        recent = self._recent.get(hold)
        if recent is not None and not _is_of(recent, asker):
            recent = None
        try:
            pool = await self._pool.opened()
            if pool is None:
                raise Overloaded(_AWAY, retry_after_s=2.0)
            async with pool.connection() as connection:
                found = await look_up(connection, hold, asker)
        except (psycopg.Error, PoolTimeout, PoolClosed) as error:
            raise Overloaded(_AWAY, retry_after_s=2.0, detail=str(error)) from error
        if found is not None:
            self._recent.pop(hold, None)
            return self._view(found, principal.tenant)
        return None if recent is None else _waiting(recent)

    async def aclose(self) -> None:
        if self._outbox is not None:
            self._outbox.close()
        await self._pool.aclose()

    async def _write(self, hold: Hold) -> None:
        if self._outbox is None:
            return  # `explain`: nothing is kept
        await self._outbox.write(hold)
        self._recent[hold.id] = hold
        if len(self._recent) > _MOST_RECENT:
            self._recent.popitem(last=False)

    def _may_hold(self, model: str) -> bool:
        return self._holding.get(model, self._holds_by_default)

    def _place(self, exchange: Exchange) -> tuple[str, str] | None:
        return self._place_of(exchange)

    def _seal(self, exchange: Exchange, hold: str) -> str | None:
        return None if self._held is None else self._held.seal(exchange, hold)

    def _view(self, found: Released, tenant: str) -> HoldView:
        def shown(text: str) -> str:
            return text if self._held is None else self._held.restored(tenant, found.id, found.sealed, text)

        status = "waiting" if found.state in OPEN else _STATUS.get(found.state, "released")
        if status != "waiting" and not found.may_read:
            status = "withdrawn"
        return HoldView(
            id=found.id,
            status=status,
            exchange=found.exchange,
            model=found.model,
            created_at=found.created_at,
            hand_over=found.hand_over,
            answer=None if found.released is None else shown(found.released),
            messages=tuple(Spoken(each.at, shown(each.text)) for each in found.messages),
        )


def asker_of(principal: Principal) -> Asker:
    """Who asks for what was decided, with all that it is to documents."""
    readers = readers_of(user=principal.user, roles=principal.roles, groups=principal.groups)
    return Asker(tenant=principal.tenant, key=principal.key, user=principal.user, readers=readers)


def open_review(config: Config, data_dir: DataDir, clock: Clock, find_url: Callable[[], str | None]) -> PlaneReview:
    """Everything but running."""
    outbox = Outbox(data_dir.root / FOLDER, lambda place: JournalFile(place, clock=clock, fsync="never"), _waiting_in)
    return PlaneReview(config, clock, outbox, LatePool(find_url, name="holds", max_size=_CONNECTIONS))


def review_of_file(config: Config, clock: Clock) -> PlaneReview:
    """Writes nothing: for `explain`."""
    return PlaneReview(config, clock, None, LatePool(lambda: None, name="holds", max_size=_CONNECTIONS))


def _waiting_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in segments(folder))


def _nowhere(exchange: Exchange) -> None:
    del exchange


def _is_of(hold: Hold, asker: Asker) -> bool:
    if hold.tenant != asker.tenant:
        return False
    return hold.user == asker.user if hold.user is not None or asker.user is not None else hold.key == asker.key


def _waiting(hold: Hold) -> HoldView:
    return HoldView(
        id=hold.id,
        status="waiting",
        exchange=hold.exchange,
        model=hold.model,
        created_at=hold.created_at,
        hand_over=hold.hand_over,
    )
