"""Turns of conversations before the guard stage: a caller asks, a model answers, and what the caller is shown."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias

import msgspec
import psycopg

from penstock.core.chat import ChatRequest, Message, Role, TextPart, ToolResultPart
from penstock.core.clock import Clock, SystemClock
from penstock.core.events import Finish, Start, Text
from penstock.core.exchange import Exchange, Principal, Wishes
from penstock.core.facts import ConversationRecalled
from penstock.core.ids import new_exchange_id
from penstock.core.json import JsonObject
from penstock.guard.judging import Judging
from penstock.guard.patterns.pattern_set import PatternSet
from penstock.guard.personal.patterns.catalogue import catalogue
from penstock.guard.personal.vault.link import VaultLink
from penstock.guard.personal.vault.scope import Scopes
from penstock.guard.personal.vault.sealing import Sealer
from penstock.guard.personal.vault.vault import Bounds, MayRest, Vault, anywhere
from penstock.guard.stage import Guards, GuardStage, RestoreStage
from penstock.guard.texts import segments_of
from penstock.guard.verdict import Finding, Segment
from penstock.guard.ward import Ward

CLOCK = SystemClock()
SECRET = b"s" * 32
BOUNDS = Bounds(ttl_s=3600.0, lookup_s=5.0, memory_bytes=8 << 20)
ADA = Principal(tenant="acme", key="key_1", user="ada", roles=("doctor",))
_FOUND = PatternSet(catalogue(frozenset({"EMAIL_ADDRESS"})))


def _detect(segment: Segment, encoded: object) -> list[Finding]:
    del encoded
    return list(_FOUND.find(segment.text))


Said: TypeAlias = str | tuple[Role, str]
"""A user's text, or somebody else's."""


@dataclass(frozen=True)
class Shown:
    """What a model was sent, and what the caller was shown of its answer."""

    sent: list[str]
    answer: str
    source: str | None
    tokens: int = 0


@dataclass
class Scene:
    """A guard stage with a vault.  Whose role is `clerk` sees no values."""

    vault: Vault | None
    clock: Clock = CLOCK
    stage: GuardStage = field(init=False)

    def __post_init__(self) -> None:
        ward = Ward(guard="personal_data", mode="enforce", fail="closed", action=lambda _: "mask", detect=_detect)
        guards = Guards(inputs=(ward,), may_restore=lambda exchange, _: "clerk" not in exchange.principal.roles)
        judging = Judging(self.clock, None, most_chars=10_000)
        self.stage = GuardStage({}, guards, judging, self.clock, self.vault)

    async def turn(
        self,
        *said: Said,
        who: Principal = ADA,
        conversation: str | None = "c1",
        answer: Callable[[list[str]], str] | str = "ok",
        extras: JsonObject | None = None,
        metadata: dict[str, str] | None = None,
        answer_id: str = "",
        no_store: bool = False,
    ) -> Shown:
        """The caller's texts, user's where no role is named; `answer` is made of what the model was sent."""
        exchange = self.exchange(*said, who=who, conversation=conversation, extras=extras, metadata=metadata)
        exchange.wishes = msgspec.structs.replace(exchange.wishes, no_store=no_store)
        await self.stage.enter(exchange)
        sent = [each.text for each in segments_of(exchange.request) if each.is_said]
        text = answer if isinstance(answer, str) else answer(sent)
        restore = RestoreStage(self.clock).filter(exchange)
        events = (Start(answer_id, "m", 1), Text(text), Finish("stop"))
        passed = events if restore is None else (*restore.feed(events), *restore.finish())
        recalled = [fact for fact in exchange.facts if isinstance(fact, ConversationRecalled)]
        return Shown(
            sent,
            "".join(each.text for each in passed if isinstance(each, Text)),
            recalled[0].source if recalled else None,
            recalled[0].tokens if recalled else 0,
        )

    def exchange(
        self,
        *said: Said,
        who: Principal = ADA,
        conversation: str | None = "c1",
        extras: JsonObject | None = None,
        metadata: dict[str, str] | None = None,
    ) -> Exchange:
        dialect = "openai-responses" if extras is not None else "openai-chat"
        request = ChatRequest(
            dialect=dialect,
            model="m",
            messages=tuple(_message(each) for each in said),
            extras=extras or {},
            metadata=metadata or {},
        )
        return Exchange(
            id=new_exchange_id(self.clock),
            principal=who,
            request=request,
            dialect=dialect,
            started_at=self.clock.now(),
            began_s=self.clock.monotonic(),
            deadline_s=self.clock.monotonic() + 60.0,
            gone_policy="abort",
            wishes=Wishes(conversation=conversation),
            facts=[],
            leases=[],
        )


def _message(said: Said) -> Message:
    role, text = ("user", said) if isinstance(said, str) else said
    part = TextPart(text)
    return Message(role, (ToolResultPart(call_id="t1", parts=(part,)),) if role == "tool" else (part,))


def echo(sent: list[str]) -> str:
    """The model says what it was told last."""
    return sent[-1]


def in_memory(*, clock: Clock = CLOCK, bounds: Bounds = BOUNDS) -> Scene:
    return Scene(Vault(Scopes(SECRET), clock, bounds, None, Random(1)), clock)  # noqa: S311 - a test's


def connected(url: str) -> Callable[[], psycopg.Connection]:
    def connect() -> psycopg.Connection:
        return psycopg.connect(url, connect_timeout=5)

    return connect


@asynccontextmanager
async def process(
    connect: Callable[[], psycopg.Connection | None],
    *,
    sealer: Sealer | None = None,
    clock: Clock = CLOCK,
    bounds: Bounds = BOUNDS,
    may_rest: MayRest = anywhere,
) -> AsyncGenerator[Scene]:
    """The guards of one process, with the store behind them; ready once the store was heard."""
    link = VaultLink(connect, sealer or Sealer(SECRET), clock, waiting_bytes=1 << 20)
    vault = Vault(Scopes(SECRET), clock, bounds, link, Random(1), may_rest=may_rest)  # noqa: S311 - a test's
    vault.start()
    try:
        yield Scene(vault, clock)
    finally:
        await asyncio.to_thread(vault.stop)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10.0):
        while not is_so():
            await CLOCK.sleep(0.01)


def gauge(scene: Scene, name: str) -> float:
    assert scene.vault is not None
    return next(value for each, _, value in scene.vault.gauges() if each == f"penstock_vault_{name}")


def with_role(role: str, who: Principal = ADA) -> Principal:
    return Principal(tenant=who.tenant, key=who.key, user=who.user, roles=(role,))
