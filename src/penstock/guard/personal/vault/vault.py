"""Remembers what the tokens of conversations stand for, while they last: in memory, and behind it in the store.

The guard stage asks it at each turn of a conversation that was named.  Who names one that is another's finds nothing
there, since whose it is is a part of what it is found by.  Where what was issued before cannot be had in time, the turn
goes on: its new tokens have numbers that no earlier turn has used, and a fact says so.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Literal
from weakref import WeakSet

from penstock.core.clock import Clock
from penstock.core.exchange import Exchange, Principal
from penstock.guard.personal.vault.book import Book, book_of
from penstock.guard.personal.vault.conversation import Conversation
from penstock.guard.personal.vault.link import Stored, VaultLink
from penstock.guard.personal.vault.scope import Named, Scope, Scopes, holder_of
from penstock.guard.personal.vault.store import Erasure

Source = Literal["memory", "store", "new", "late", "away", "sealed"]
"""Where a conversation was found; `late`, `away` and `sealed` (we have not its key) mean that there may be more."""

_LATE_NUMBERS: Final = (100_000, 999_000)
"""Six digits, at random: beyond what is counted to, and so far apart that two turns hardly meet."""
_SHELL_BYTES: Final = 1_000


MayRest = Callable[[Exchange], bool]
"""Whether what is made of a request may be kept where this installation is."""


def anywhere(exchange: Exchange) -> bool:
    """Where nobody has named a region."""
    del exchange
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """`ttl_s` counts from the last use, `lookup_s` bounds the wait for the store, `memory_bytes` what is held here."""

    ttl_s: float
    lookup_s: float
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Recalled:
    """The conversation, where it was found, and from where to count if there may be more of it."""

    conversation: Conversation
    source: Source
    late_from: int | None


class Vault:
    """Used on one event loop.  Without a `link` conversations live and die with the process.

    `start` once, on the event loop that serves; `stop` once, after the last exchange has settled.
    """

    def __init__(
        self,
        scopes: Scopes,
        clock: Clock,
        bounds: Bounds,
        link: VaultLink | None,
        random: Random,
        *,
        may_rest: MayRest = anywhere,
    ) -> None:
        self._scopes = scopes
        self._may_rest = may_rest
        self._clock = clock
        self._bounds = bounds
        self._link = link
        self._random = random
        self._kept: dict[bytes, Conversation] = {}
        self._sizes: dict[bytes, int] = {}
        self._bytes = 0
        self._in_use: WeakSet[Conversation] = WeakSet()
        """Also those of exchanges under way that are no longer kept."""
        self._counts: dict[Source, int] = dict.fromkeys(("memory", "store", "new", "late", "away", "sealed"), 0)

    def start(self) -> None:
        if self._link is not None:
            self._link.start(self)

    def stop(self) -> None:
        """Takes a second or so."""
        if self._link is not None:
            self._link.stop()

    def problems(self) -> tuple[str, ...]:
        """What is wrong, for `/health`."""
        return self._link.problems() if self._link is not None else ()

    def gauges(self) -> tuple[tuple[str, str, float], ...]:
        """For `/metrics`: name, meaning, value."""
        found: tuple[tuple[str, str, float], ...] = (
            ("penstock_vault_conversations", "Conversations whose tokens this process remembers.", len(self._kept)),
            ("penstock_vault_bytes", "About what they take.", self._bytes),
            *(
                (f"penstock_vault_turns_{source}", f"Turns whose conversation was found there: {source}.", count)
                for source, count in self._counts.items()
            ),
        )
        link = self._link
        if link is None:
            return found
        return (
            *found,
            ("penstock_vault_store_up", "Whether the store of conversations answers.", link.is_up),
            ("penstock_vault_waiting", "Conversations that wait to be written there.", link.waiting),
            ("penstock_vault_refused", "Conversations that the store did not take.", link.refused),
            ("penstock_vault_forgotten", "Conversations that waited too long to be written.", link.forgotten),
        )

    @property
    def conversations(self) -> tuple[Conversation, ...]:
        """Those in memory, the longest unused first."""
        return tuple(self._kept.values())

    def named(self, exchange: Exchange) -> Named | None:
        """The conversation that the exchange names, before anything of it is masked."""
        return self._scopes.of(exchange)

    async def recall(self, who: Principal, named: Named) -> Recalled:
        """The conversation with what is known of it; what the store knows too, if it says so in time."""
        scope = named.scope
        if scope is None:
            self._counts["new"] += 1
            return Recalled(self._new(Scope(who.tenant, holder_of(who), b"")), "new", None)
        conversation = self._kept.get(scope.key)
        if conversation is None or conversation.expires_at <= self._clock.now():
            conversation = self._new(scope)
            self._put(conversation)
        source = await self._read(conversation) if conversation.is_stale else self._at_hand(conversation)
        if conversation.is_gone:  # erased while it was read
            conversation, source = self._new(scope), "new"
            self._put(conversation)
        if named.known:  # a process that died may have taken the latest of the store's with it
            conversation.book.merge(book_of(named.known).written())
        self._counts[source] += 1
        # What a provider keeps of a conversation that nobody here knows any more has tokens too.
        is_blind = source in {"late", "away", "sealed"} or (source == "new" and named.is_reference)
        late_from = self._random.randrange(*_LATE_NUMBERS) if is_blind else None
        return Recalled(conversation, source, late_from)

    def keep(self, conversation: Conversation, exchange: Exchange) -> None:
        """It was used: it lives on from now, here and in the store.

        One that has had a turn which must not be stored, or not here, is in memory alone from then on.
        """
        if exchange.wishes.no_store or not self._may_rest(exchange):
            conversation.may_rest = False
        if conversation.is_gone or not conversation.scope.key:
            return
        key = conversation.scope.key
        current = self._kept.pop(key, None)
        if current is not None and current is not conversation:  # it had to make room in between, and came again
            current.book.merge(conversation.book.written())
            current.may_rest = current.may_rest and conversation.may_rest
            conversation = current
        if not len(conversation.book):
            self._drop_size(key)
            return
        conversation.expires_at = self._clock.now() + self._bounds.ttl_s
        self._put(conversation)
        if self._link is not None and conversation.may_rest:
            self._link.offer(conversation)

    def keep_answer(self, conversation: Conversation, exchange: Exchange, answer: str) -> None:
        """The provider keeps the answer with all that led to it: the next turn will name it."""
        if conversation.is_gone:
            return
        after = self._new(self._scopes.scope(exchange.principal, "response", answer), heard=conversation.heard)
        after.is_stale = False
        after.may_rest = conversation.may_rest
        after.book.merge(conversation.book.written())
        self.keep(after, exchange)

    def erased(self, erasures: Sequence[Erasure] | None) -> None:
        """Forget them; an exchange that is under way keeps what it has, and leaves nothing of it."""
        for conversation in tuple(self._in_use):
            if erasures is None or any(each.concerns(conversation.scope) for each in erasures):
                conversation.is_gone = True
                key = conversation.scope.key
                if self._kept.get(key) is conversation:
                    del self._kept[key]
                    self._drop_size(key)

    def changed(self, versions: dict[bytes, int]) -> None:
        """Others have written these."""
        for key, version in versions.items():
            conversation = self._kept.get(key)
            if conversation is not None and version > conversation.version:
                conversation.is_stale = True

    def settled(self, conversation: Conversation, stored: Stored, changes: int) -> None:
        """The store has it."""
        if stored.is_foreign:
            conversation.is_foreign = True
            return
        before = conversation.book.changes
        if stored.written is not None:
            conversation.book.merge(stored.written)
        conversation.version = max(conversation.version, stored.version)
        # Unless somebody has issued tokens since: then they are to be written, and will be.
        conversation.written = conversation.book.changes if before == changes else conversation.written

    def _new(self, scope: Scope, *, heard: int | None = None) -> Conversation:
        link = self._link
        expires_at = self._clock.now() + self._bounds.ttl_s
        if heard is None:
            heard = 0 if link is None else link.heard
        made = Conversation(scope, Book(), heard=heard, is_stale=link is not None, expires_at=expires_at)
        self._in_use.add(made)
        return made

    def _at_hand(self, conversation: Conversation) -> Source:
        key = conversation.scope.key
        self._kept[key] = self._kept.pop(key)
        return "sealed" if conversation.is_foreign else "memory" if len(conversation.book) else "new"

    async def _read(self, conversation: Conversation) -> Source:
        """Ask the store, for no longer than it may take."""
        link, clock = self._link, self._clock
        asked = None if link is None else link.find(conversation.scope)
        if asked is None:
            return "away"
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def over(_: object = None) -> None:
            if not waiting.done():
                waiting.set_result(None)

        def answered(found: "asyncio.Future[Stored | None]") -> None:
            stored = None if found.cancelled() else found.result()
            if stored is not None:  # though it may be too late for the turn that asked: the next one has it
                self._take(conversation, stored)
            over()

        asked.add_done_callback(answered)
        timer = clock.call_at(clock.monotonic() + self._bounds.lookup_s, over)
        try:
            await waiting
        finally:
            timer.cancel()
        if not asked.done():
            return "late"
        if asked.result() is None:
            return "away"
        return "sealed" if conversation.is_foreign else "store" if len(conversation.book) else "new"

    def _take(self, conversation: Conversation, stored: Stored) -> None:
        conversation.is_stale = False
        conversation.is_foreign = stored.is_foreign
        has_news = conversation.written != conversation.book.changes
        if stored.written is not None:
            conversation.book.merge(stored.written)
        conversation.version = max(conversation.version, stored.version)
        if not has_news:
            conversation.written = conversation.book.changes
        if self._kept.get(conversation.scope.key) is conversation:
            self._put(conversation)

    def _put(self, conversation: Conversation) -> None:
        """Newest last, the oldest out where there is no room."""
        key = conversation.scope.key
        self._kept.pop(key, None)
        self._drop_size(key)
        size_bytes = self._sizes[key] = _SHELL_BYTES + conversation.book.size_bytes
        self._bytes += size_bytes
        self._kept[key] = conversation
        while self._bytes > self._bounds.memory_bytes and len(self._kept) > 1:
            oldest = next(iter(self._kept))
            del self._kept[oldest]
            self._drop_size(oldest)

    def _drop_size(self, key: bytes) -> None:
        self._bytes -= self._sizes.pop(key, 0)
