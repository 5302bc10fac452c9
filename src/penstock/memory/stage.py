"""Memory in the life of a request: what was said before joins it first of all, and what is said now is kept at its end.

`RecallStage` stands before everything that judges, counts or changes a request, so that limits, guards, caches,
searches and compaction see the whole conversation.  `KeepStage` stands behind the guards, in masked space: it notes
what the caller added, and its filter what is answered.  `DeliverStage` says what people have decided since, before
values are put back.  The turn is kept once the exchange is settled as answered and in the ledger, and not at all
otherwise.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from penstock.core.chat import ChatRequest, Message
from penstock.core.clock import Clock
from penstock.core.errors import InputTooLarge, MalformedRequest, PreviousResponseNotFound, UnsupportedField
from penstock.core.events import Event, Finish, Start, Text
from penstock.core.exchange import Exchange, Principal, Remembered
from penstock.core.facts import TurnsRecalled
from penstock.core.json import JsonObject, JsonValue
from penstock.core.ports import CONTINUE, Continue, Filter
from penstock.memory.items import Release, addressed, kept_output, replayed, values_of, with_release
from penstock.memory.recall import Recaller
from penstock.memory.sealing import Sealed, packed
from penstock.memory.turn import Body, Bounds, Kept, Owner, Turn, is_kept_text, owner_of, response_id
from penstock.memory.writer import TurnWriter

RESPONSES: Final = "openai-responses"
_FIELDS: Final = ("previous_response_id", "conversation", "store")
_ENDS: Final = frozenset({"completed", "held"})
_INSTRUCTIONS: Final = frozenset({"system", "developer"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Of one model: for how long a turn is kept, and how much of a conversation."""

    keep_s: float
    bounds: Bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the stages need of other rooms.

    `messages_of` makes messages of items, `items_of` items of a request's messages from a place on, `answered` of an
    answer's events the response object without its output, and that; it is None for dialects that know no response.
    `values_of` is what tokens of the exchange stand for, and which of them its caller must not see.  `released` is what
    people have said of these holds since.
    """

    messages_of: Callable[[Sequence[JsonObject]], Sequence[Message]]
    items_of: Callable[[ChatRequest, int], Sequence[JsonObject]]
    answered: Callable[[Exchange, ChatRequest, Sequence[Event]], tuple[JsonObject | None, Sequence[JsonObject]]]
    values_of: Callable[[Exchange], tuple[Mapping[str, str], Sequence[str]]]
    may_rest: Callable[[Exchange], bool]
    released: Callable[[Principal, Sequence[str]], Awaitable[Mapping[str, Release]]]


@dataclass(frozen=True, slots=True)
class Keeper:
    """What seals turns, and brings them away."""

    sealed: Sealed
    writer: TurnWriter


class Remembering:
    """What an exchange carries from its request to its end.  A lease, since a lease lives exactly so long."""

    __slots__ = ("_stage", "body", "given", "is_locked", "new_from", "owner", "policy", "request")

    def __init__(self, stage: "RecallStage", owner: Owner, policy: Policy) -> None:
        self._stage = stage
        self.owner = owner
        self.policy = policy
        self.is_locked = False
        self.new_from = 0
        self.request: ChatRequest | None = None
        self.given: Sequence[JsonObject] = ()
        self.body: Body | None = None

    @property
    def name(self) -> str:
        return "memory"

    def settle(self, exchange: Exchange) -> None:
        self._stage.settled(self, exchange)


def remembering(exchange: Exchange) -> Remembering | None:
    """What `RecallStage` has left with the exchange, if it is a turn of something."""
    for lease in exchange.leases:
        if type(lease) is Remembering:
            return lease
    return None


class RecallStage:
    """See the module.  `policies` are by model name; `keeper` is None in `explain`."""

    name = "memory"

    def __init__(
        self,
        policies: Mapping[str, Policy],
        recaller: Recaller,
        keeper: Keeper | None,
        parts: Parts,
        clock: Clock,
    ) -> None:
        self._policies = policies
        self._recaller = recaller
        self._keeper = keeper
        self._writer = None if keeper is None else keeper.writer
        self._parts = parts
        self._clock = clock

    async def enter(self, exchange: Exchange) -> Continue:
        """Raises `PreviousResponseNotFound`, `NotKept`, `ConversationLocked` or `MemoryUnavailable`."""
        request, policy = exchange.request, self._policies.get(exchange.request.model)
        if policy is None or not isinstance(request, ChatRequest):
            if exchange.wishes.memory is not None:
                raise UnsupportedField("Nothing is kept here of what this model is asked.", field="x-penstock-memory")
            return CONTINUE
        previous, conversation, keeps = self._asked(exchange, request)
        if previous is None and conversation is None and not keeps:
            return CONTINUE
        if self._writer is not None and keeps:
            self._writer.outbox.check_room()
        left = Remembering(self, owner_of(exchange.principal), policy)
        if not is_kept_text(left.owner):
            raise MalformedRequest("The user's id has characters that cannot be kept.", field="user")
        exchange.take(left, at_s=self._clock.monotonic())
        turns = await self._turns(exchange, left, previous, conversation)
        releases = await self._releases(exchange, turns)
        told = [with_release(turn, releases.get(turn.hold or "")) for turn in turns]
        since = turns[-1].created_at if turns else 0.0
        news = {
            hold: said for hold, each in releases.items() if (said := [text for at, text in each.said if at > since])
        }
        response = response_id(exchange.id)
        thread = conversation or (turns[-1].thread if turns else response)
        exchange.memory = Remembered(
            response=response,
            thread=thread,
            conversation=conversation,
            previous=turns[-1].id if turns else None,
            keeps=keeps,
            values=values_of(turns),
            delivered=tuple(text for said in news.values() for text in said),
            releases=tuple(news),
        )
        self._join(exchange, request, left, told, len(news))
        return CONTINUE

    def filter(self, exchange: Exchange) -> None:
        """It has no response half."""
        del exchange

    def settled(self, left: Remembering, exchange: Exchange) -> None:
        """The exchange is over: its turn is kept, or its conversation free again."""
        keeper, memory = self._keeper, exchange.memory
        if keeper is None:
            return
        writer = keeper.writer
        body = left.body if exchange.end in _ENDS else None
        if memory is None or body is None or not memory.keeps:
            if left.is_locked and memory is not None and memory.conversation is not None:
                writer.free(left.owner, memory.conversation, exchange.id)
            return
        now, bounds = self._clock.now(), left.policy.bounds
        sealed = keeper.sealed.body(left.owner, memory.response, body)
        writer.stage(
            Turn(
                id=memory.response,
                owner=left.owner,
                thread=memory.thread,
                conversation=memory.conversation,
                previous=memory.previous,
                hold=exchange.hold,
                exchange=exchange.id,
                began_at=exchange.started_at,
                created_at=now,
                expires_at=now + left.policy.keep_s,
                size_bytes=len(sealed),
                sealed=sealed,
                bounds=bounds,
            )
        )

    def _asked(self, exchange: Exchange, request: ChatRequest) -> tuple[str | None, str | None, bool]:
        """What the request says it continues, and whether it is to be kept."""
        extras, wishes = request.extras, exchange.wishes
        if request.dialect != RESPONSES:
            self._refuse_unkept(exchange, is_turn=wishes.memory is not None, keeps=True)
            return None, wishes.memory, wishes.memory is not None
        previous, conversation = extras.get("previous_response_id"), _id_of(extras.get("conversation"))
        conversation = conversation or wishes.memory
        if previous is not None and not isinstance(previous, str):
            raise MalformedRequest("`previous_response_id` must be a string.", field="previous_response_id")
        if previous is not None and conversation is not None:
            raise MalformedRequest(
                "Mutually exclusive parameters: 'previous_response_id' and 'conversation'. Ensure you are only"
                " providing one of them.",
                field="previous_response_id",
            )
        if extras.get("background") is True:
            raise UnsupportedField("`background` is not available for this model.", field="background")
        keeps = extras.get("store") is not False and not wishes.no_store and self._parts.may_rest(exchange)
        self._refuse_unkept(exchange, is_turn=conversation is not None, keeps=extras.get("store") is not False)
        return previous, conversation, keeps

    def _refuse_unkept(self, exchange: Exchange, *, is_turn: bool, keeps: bool) -> None:
        """A conversation has all of its turns: one that must not be kept is no turn of it."""
        if not is_turn:
            return
        if not keeps:
            raise MalformedRequest("A turn of a conversation is kept: leave `store: false` away.", field="store")
        if exchange.wishes.no_store or not self._parts.may_rest(exchange):
            raise MalformedRequest(
                "This request must not be stored here, and a conversation's turns are.", field="store"
            )

    async def _turns(
        self, exchange: Exchange, left: Remembering, previous: str | None, conversation: str | None
    ) -> tuple[Kept, ...]:
        if conversation is not None:
            if self._writer is not None:
                left.is_locked = True
                self._writer.begun(exchange.id)
            # Named at once: if the reading fails, or the client leaves, `settled` gives it back.
            exchange.memory = Remembered(
                response=response_id(exchange.id), thread=conversation, conversation=conversation
            )
            return await self._recaller.begin(left.owner, conversation, exchange.id)
        if previous is None:
            return ()
        turns = await self._recaller.chain(left.owner, previous, left.policy.bounds)
        if not turns:
            raise PreviousResponseNotFound(
                f"Previous response with id '{previous[:100]}' not found.", field="previous_response_id"
            )
        return turns

    async def _releases(self, exchange: Exchange, turns: Sequence[Kept]) -> Mapping[str, Release]:
        holds = [turn.hold for turn in turns if turn.hold is not None]
        return await self._parts.released(exchange.principal, holds) if holds else {}

    def _join(
        self, exchange: Exchange, request: ChatRequest, left: Remembering, turns: Sequence[Kept], released: int
    ) -> None:
        messages = self._parts.messages_of(replayed(turns))
        leading = _leading(request)
        left.new_from = leading + len(messages)
        extras = {name: value for name, value in request.extras.items() if name not in _FIELDS}
        if request.dialect == RESPONSES:
            extras["store"] = False  # it is kept here, and a provider of this dialect would keep it too
        exchange.request = msgspec.structs.replace(
            request,
            messages=(*request.messages[:leading], *messages, *request.messages[leading:]),
            extras=extras,
        )
        at_s = self._clock.monotonic() - exchange.began_s
        exchange.facts.append(TurnsRecalled(at_s=at_s, turns=len(turns), messages=len(messages), released=released))


class KeepStage:
    """See the module."""

    name = "keep"

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def enter(self, exchange: Exchange) -> Continue:
        """Raises `InputTooLarge` where the turn alone is more than a conversation may be, and `UnsupportedField`."""
        left, request = remembering(exchange), exchange.request
        memory = exchange.memory
        if left is None or memory is None or not memory.keeps or not isinstance(request, ChatRequest):
            return CONTINUE
        left.request = request
        left.given = [
            addressed(item, exchange.id.removeprefix("ex_"), at)
            for at, item in enumerate(self._parts.items_of(request, left.new_from))
        ]
        size_bytes, most = len(packed(left.given)), left.policy.bounds.most_bytes
        if size_bytes > most:
            raise InputTooLarge(
                f"A turn that is kept may have {most} bytes here; this one has {size_bytes}.", field="input"
            )
        return CONTINUE

    def filter(self, exchange: Exchange) -> Filter | None:
        """Notes what is answered; None where nothing of it is kept."""
        left = remembering(exchange)
        return None if left is None or left.request is None else _Keeping(self._parts, exchange, left, left.request)


class _Keeping:
    """`core.ports.Filter`: everything passes as it is."""

    __slots__ = ("_events", "_exchange", "_left", "_parts", "_request")

    def __init__(self, parts: Parts, exchange: Exchange, left: Remembering, request: ChatRequest) -> None:
        self._parts = parts
        self._exchange = exchange
        self._left = left
        self._request = request
        self._events: list[Event] = []

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        self._events += events
        return events

    def finish(self) -> Sequence[Event]:
        exchange, left = self._exchange, self._left
        if any(isinstance(event, Finish) and event.choice == 0 and event.reason == "error" for event in self._events):
            return ()
        response, said = self._parts.answered(exchange, self._request, self._events)
        values, withheld = self._parts.values_of(exchange)
        left.body = Body(
            given=tuple(left.given),
            said=kept_output(said),
            response=response,
            values=dict(values),
            withheld=tuple(withheld),
        )
        return ()


class DeliverStage:
    """See the module."""

    name = "deliver"

    async def enter(self, exchange: Exchange) -> Continue:
        """It has no request half."""
        del exchange
        return CONTINUE

    def filter(self, exchange: Exchange) -> Filter | None:
        """Where people have said something since the last turn, and the answer is prose."""
        memory, request = exchange.memory, exchange.request
        if memory is None or not memory.delivered or not isinstance(request, ChatRequest):
            return None
        form = request.response_format
        return _Delivering(memory.delivered) if form is None or form.kind == "text" else None


class _Delivering:
    """`core.ports.Filter`: what people said comes before the answer, as a part of its own."""

    __slots__ = ("_said",)

    def __init__(self, said: Sequence[str]) -> None:
        self._said: Sequence[str] | None = said

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        said = self._said
        if said is None or not events:
            return events
        self._said = None
        first = 1 if type(events[0]) is Start else 0
        text = Text("\n\n".join(said) + "\n\n", part=-1)
        return (*events[:first], text, *events[first:])

    def finish(self) -> Sequence[Event]:
        return ()


def _leading(request: ChatRequest) -> int:
    """How many messages are instructions, which belong to the request and not to the conversation."""
    if request.dialect == RESPONSES:
        first = request.messages[0] if request.messages else None
        return 1 if first is not None and first.role == "system" and "type" not in first.extras else 0
    return next(
        (at for at, each in enumerate(request.messages) if each.role not in _INSTRUCTIONS), len(request.messages)
    )


def _id_of(conversation: JsonValue) -> str | None:
    """OpenAI's `conversation` is an id, or an object with one."""
    if conversation is None:
        return None
    found = conversation.get("id") if isinstance(conversation, dict) else conversation
    if not isinstance(found, str) or not found:
        raise MalformedRequest("`conversation` must be an id, or an object with one.", field="conversation")
    return found
