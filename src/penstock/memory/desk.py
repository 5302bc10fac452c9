"""Conversations and answers as their owner reads, writes and deletes them, in the shapes of OpenAI's API.

The data plane's routes call it.  What it shows has its values again, as far as the owner may see them; what is
another's is not there.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import psycopg

from penstock.core.clock import Clock
from penstock.core.errors import ConversationLocked, InputTooLarge, MalformedRequest, MemoryFull
from penstock.core.exchange import Principal
from penstock.core.json import JsonObject, JsonValue
from penstock.memory import store
from penstock.memory.items import Release, Shown, addressed, shown, values_of, with_release
from penstock.memory.recall import Recaller, is_id, not_kept
from penstock.memory.sealing import Sealed
from penstock.memory.store import ConversationRow
from penstock.memory.turn import (
    Body,
    Bounds,
    Kept,
    Owner,
    Turn,
    is_kept_text,
    new_added_id,
    new_conversation_id,
    owner_of,
)

_MOST_AT_ONCE: Final = 20
_MOST_PAIRS, _MOST_NAME, _MOST_VALUE = 16, 64, 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of a list: behind the item `after`, at most `limit`."""

    after: str | None = None
    limit: int = 20
    is_ascending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Masked:
    """Items as they may be kept, and what their tokens stand for."""

    items: Sequence[JsonObject]
    values: Mapping[str, str]
    withheld: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskParts:
    """What the desk needs of other rooms.

    `masked` judges and masks items that no model is asked about, for a conversation and what its tokens stand for; it
    raises `MalformedRequest` where they are none, and `PolicyBlocked`.
    """

    masked: Callable[[Principal, Sequence[JsonValue], str, Mapping[str, str]], Awaitable[Masked]]
    restore: Shown
    released: Callable[[Principal, Sequence[str]], Awaitable[Mapping[str, Release]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """For how long a conversation is kept that no model has answered in, and how many a user may have."""

    keep_s: float
    bounds: Bounds
    most_conversations: int


class Desk:
    """Used on one event loop.  Everything raises `MemoryUnavailable`, and `NotKept` for what is not there."""

    def __init__(self, recaller: Recaller, sealed: Sealed, terms: Terms, parts: DeskParts, clock: Clock) -> None:
        self._recaller = recaller
        self._sealed = sealed
        self._terms = terms
        self._parts = parts
        self._clock = clock

    # --- conversations -----------------------------------------------------------------------------------------

    async def create(self, who: Principal, metadata: JsonValue, items: Sequence[JsonValue]) -> JsonObject:
        """Raises `MemoryFull` where the owner has as many as it may."""
        owner, pairs = _owner(who), _metadata(metadata)
        name, now = new_conversation_id(), self._clock.now()
        added = await self._new_turn(who, name, (), items) if items else None
        sealed = self._sealed.metadata(owner, name, pairs)
        row = ConversationRow(name, now, now + self._terms.keep_s, sealed, is_locked=False)

        async def write(asked: psycopg.AsyncConnection) -> bool:
            is_made = await store.create(asked, owner, row, most=self._terms.most_conversations)
            if is_made and added is not None:
                await store.write_turn(asked, added[0])
            return is_made

        if not await self._recaller.ask(write):
            most = self._terms.most_conversations
            raise MemoryFull(f"There are {most} conversations already, and that is as many as may be: delete some.")
        return _conversation(row, pairs)

    async def conversation(self, who: Principal, name: str) -> JsonObject:
        owner = _owner(who)
        row = await self._row(owner, name)
        return _conversation(row, self._sealed.opened_metadata(owner, name, row.metadata))

    async def update(self, who: Principal, name: str, metadata: JsonValue) -> JsonObject:
        """Replace what its owner has noted of it."""
        owner, pairs = _owner(who), _metadata(metadata)
        row = await self._row(owner, name)
        sealed = self._sealed.metadata(owner, name, pairs)
        await self._recaller.ask(lambda asked: store.set_metadata(asked, owner, name, sealed))
        return _conversation(row, pairs)

    async def delete(self, who: Principal, name: str) -> JsonObject:
        """With all that was said; a turn that is under way is answered, and not kept."""
        owner = _owner(who)
        await self._row(owner, name)
        if not await self._recaller.ask(lambda asked: store.delete_conversation(asked, owner, name)):
            raise not_kept("Conversation", name)
        return {"id": name, "object": "conversation.deleted", "deleted": True}

    # --- items -------------------------------------------------------------------------------------------------

    async def items(self, who: Principal, name: str, page: Page) -> JsonObject:
        """A page of them; the latest first, unless the page says otherwise."""
        owner = _owner(who)
        await self._row(owner, name)
        turns = await self._told(who, await self._turns(owner, name))
        return _paged([item for turn in turns for item in self._shown(turn)], page)

    async def add(self, who: Principal, name: str, items: Sequence[JsonValue]) -> JsonObject:
        """Raises `ConversationLocked` while a turn is under way."""
        owner = _owner(who)
        await self._row(owner, name)
        turn, body = await self._new_turn(who, name, await self._turns(owner, name), items)

        async def write(asked: psycopg.AsyncConnection) -> None:
            row = await store.conversation(asked, owner, name, self._clock.now(), lock=True)
            if row is None:
                raise not_kept("Conversation", name)
            if row.is_locked:
                raise ConversationLocked("A turn of the conversation is under way; try again.", retry_after_s=1.0)
            await store.write_turn(asked, turn)

        await self._recaller.ask(write)
        found = shown(body.given, body, self._parts.restore)
        return _list(found, has_more=False)

    async def item(self, who: Principal, name: str, item: str) -> JsonObject:
        owner = _owner(who)
        await self._row(owner, name)
        turns = await self._told(who, await self._turns(owner, name))
        found = next((each for turn in turns for each in self._shown(turn) if each.get("id") == item), None)
        if found is None:
            raise not_kept("Item", item)
        return found

    async def delete_item(self, who: Principal, name: str, item: str) -> JsonObject:
        """The conversation without it.  Raises `ConversationLocked` while a turn is under way."""
        owner = _owner(who)
        await self._recaller.settled(name)

        async def write(asked: psycopg.AsyncConnection) -> ConversationRow:
            now = self._clock.now()
            row = await store.conversation(asked, owner, name, now, lock=True) if is_id(name) else None
            if row is None:
                raise not_kept("Conversation", name)
            if row.is_locked:
                raise ConversationLocked("A turn of the conversation is under way; try again.", retry_after_s=1.0)
            turns = self._recaller.opened(owner, await store.turns_of(asked, owner, name, now))
            turn = next((each for each in turns if any(one.get("id") == item for one in _all(each.body))), None)
            if turn is None:
                raise not_kept("Item", item)
            await self._without(asked, owner, turn, item)
            return row

        row = await self._recaller.ask(write)
        return _conversation(row, self._sealed.opened_metadata(owner, name, row.metadata))

    # --- responses ---------------------------------------------------------------------------------------------

    async def response(self, who: Principal, name: str) -> JsonObject:
        """As it was given; of an answer that was held, with what people said."""
        turn, response = await self._response(who, name)
        [told] = await self._told(who, (turn,))
        output: list[JsonValue] = [*shown(told.body.said, turn.body, self._parts.restore)]
        [whole] = shown([response], turn.body, self._parts.restore)
        return {**whole, "output": output}

    async def input_items(self, who: Principal, name: str, page: Page) -> JsonObject:
        """What the caller added with this response; what was said before it is its predecessors'."""
        turn, _ = await self._response(who, name)
        return _paged(shown(turn.body.given, turn.body, self._parts.restore), page)

    async def delete_response(self, who: Principal, name: str) -> JsonObject:
        """It can be neither read nor continued any more; of a conversation the items stay."""
        owner = _owner(who)
        turn, _ = await self._response(who, name)
        if turn.conversation is None:
            await self._recaller.ask(lambda asked: store.delete_turn(asked, owner, name))
        else:
            body = msgspec.structs.replace(turn.body, response=None)
            await self._recaller.ask(lambda asked: self._rewrite(asked, owner, turn, body))
        return {"id": name, "object": "response", "deleted": True}

    # --- beneath -----------------------------------------------------------------------------------------------

    async def _row(self, owner: Owner, name: str) -> ConversationRow:
        if is_id(name):
            await self._recaller.settled(name)
            row = await self._recaller.ask(lambda asked: store.conversation(asked, owner, name, self._clock.now()))
            if row is not None:
                return row
        raise not_kept("Conversation", name)

    async def _turns(self, owner: Owner, name: str) -> tuple[Kept, ...]:
        rows = await self._recaller.ask(lambda asked: store.turns_of(asked, owner, name, self._clock.now()))
        return self._recaller.opened(owner, rows)

    async def _response(self, who: Principal, name: str) -> tuple[Kept, JsonObject]:
        turn = await self._recaller.answer(_owner(who), name)
        if turn is None or turn.body.response is None:
            raise not_kept("Response", name)
        return turn, turn.body.response

    async def _told(self, who: Principal, turns: Sequence[Kept]) -> Sequence[Kept]:
        holds = [turn.hold for turn in turns if turn.hold is not None]
        if not holds:
            return turns
        releases = await self._parts.released(who, holds)
        return [with_release(turn, releases.get(turn.hold or "")) for turn in turns]

    def _shown(self, turn: Kept) -> list[JsonObject]:
        return shown(_all(turn.body), turn.body, self._parts.restore)

    async def _new_turn(
        self, who: Principal, name: str, turns: Sequence[Kept], items: Sequence[JsonValue]
    ) -> tuple[Turn, Body]:
        if not 0 < len(items) <= _MOST_AT_ONCE:
            raise MalformedRequest(f"`items` holds 1 to {_MOST_AT_ONCE} items.", field="items")
        owner, now, bounds, turn = _owner(who), self._clock.now(), self._terms.bounds, new_added_id()
        masked = await self._parts.masked(who, items, name, values_of(turns))
        body = Body(
            given=tuple(addressed(item, turn.partition("_")[2], at) for at, item in enumerate(masked.items)),
            values=dict(masked.values),
            withheld=tuple(masked.withheld),
        )
        sealed = self._sealed.body(owner, turn, body)
        if len(sealed) > bounds.most_bytes:
            raise InputTooLarge(f"Items that are kept may have {bounds.most_bytes} bytes here.", field="items")
        made = Turn(
            id=turn,
            owner=owner,
            thread=name,
            conversation=name,
            previous=turns[-1].id if turns else None,
            hold=None,
            exchange=turn,
            began_at=now,
            created_at=now,
            expires_at=now + self._terms.keep_s,
            size_bytes=len(sealed),
            sealed=sealed,
            bounds=bounds,
        )
        return made, body

    async def _without(self, asked: psycopg.AsyncConnection, owner: Owner, turn: Kept, item: str) -> None:
        body = turn.body
        left = msgspec.structs.replace(
            body,
            given=tuple(each for each in body.given if each.get("id") != item),
            said=tuple(each for each in body.said if each.get("id") != item),
        )
        if left.given or left.said:
            await self._rewrite(asked, owner, turn, left)
        else:
            await store.delete_turn(asked, owner, turn.id)

    async def _rewrite(self, asked: psycopg.AsyncConnection, owner: Owner, turn: Kept, body: Body) -> None:
        sealed = self._sealed.body(owner, turn.id, body)
        await store.replace_body(asked, owner, turn.id, sealed=sealed, size_bytes=len(sealed))


def _owner(who: Principal) -> Owner:
    owner = owner_of(who)
    if not is_kept_text(owner):
        raise MalformedRequest("The user's id has characters that cannot be kept.", field="user")
    return owner


def _all(body: Body) -> tuple[JsonObject, ...]:
    return (*body.given, *body.said)


def _conversation(row: ConversationRow, metadata: Mapping[str, str]) -> JsonObject:
    return {"id": row.id, "object": "conversation", "created_at": int(row.created_at), "metadata": {**metadata}}


def _paged(items: Sequence[JsonObject], page: Page) -> JsonObject:
    ordered = list(items) if page.is_ascending else list(reversed(items))
    if page.after is not None:
        at = next((at for at, each in enumerate(ordered) if each.get("id") == page.after), None)
        if at is None:
            raise not_kept("Item", page.after, field="after")
        ordered = ordered[at + 1 :]
    return _list(ordered[: page.limit], has_more=len(ordered) > page.limit)


def _list(items: Sequence[JsonObject], *, has_more: bool) -> JsonObject:
    return {
        "object": "list",
        "data": [*items],
        "first_id": items[0].get("id") if items else None,
        "last_id": items[-1].get("id") if items else None,
        "has_more": has_more,
    }


def _metadata(value: JsonValue) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > _MOST_PAIRS:
        raise MalformedRequest(f"`metadata` is an object of at most {_MOST_PAIRS} texts.", field="metadata")
    found: dict[str, str] = {}
    for name, each in value.items():
        if not isinstance(each, str) or len(name) > _MOST_NAME or len(each) > _MOST_VALUE:
            raise MalformedRequest(
                f"`metadata` has names of at most {_MOST_NAME} characters and texts of at most {_MOST_VALUE}.",
                field="metadata",
            )
        found[name] = each
    return found
