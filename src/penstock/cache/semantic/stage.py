"""The semantic cache in the life of a request: a stage behind the exact cache.

`enter` looks for a question that means the same and answers with its answer.  Where there is none, or the hit is to be
checked, the request goes on; the exact cache keeps the answer and tells `kept`, and `run` (a task that the application
owns) compares it with what would have been given, and keeps the question.  Nothing here waits for a network; what
computes runs on one thread of its own.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar, TypeVarTuple, Unpack

from penstock.cache.entry import VERIFIED, Drop, Entry, decode_events
from penstock.cache.exact import Fits, MayRest, anywhere
from penstock.cache.key import Keys
from penstock.cache.policy import Policy, why_not_asked
from penstock.cache.replay import reply_paced
from penstock.cache.semantic.bound import Estimate
from penstock.cache.semantic.cache import Found, SemanticCache
from penstock.cache.semantic.checks import answers_agree
from penstock.cache.semantic.partition import Match, Packed
from penstock.cache.semantic.question import Question, question_of
from penstock.cache.semantic.situation import Situation, situation_of
from penstock.cache.shelf import Shelf
from penstock.config.cache.semantic import SemanticSettings
from penstock.core.clock import Clock
from penstock.core.events import Text
from penstock.core.exchange import CacheMark, Exchange
from penstock.core.facts import CacheHit, CacheMissed
from penstock.core.ports import CONTINUE, Continue, Reply
from penstock.encoder.executor import Encoder, EncoderBusy
from penstock.encoder.model import Encoded

Given = TypeVarTuple("Given")
Back = TypeVar("Back")

_MOST_WAITING: Final = 1_000
_MOST_LOOKING: Final = 16
"""Requests that wait for the encoder or the one thread: some 20 ms of work.  Where these fall behind, the next goes on
without: what it is to save is mostly time.
"""
_MOST_PAIRS: Final = 500
_OTHER: Final = ("other", "other")
_KEY_CHARS: Final = 64
"""Of a key of 256 bits, written in hexadecimal."""
_NATURAL_TOKENS_PER_S: Final = 60.0

IsPersonal = Callable[[Exchange], bool]
"""Whether the request holds personal data that is not masked: then nothing of it is looked for or kept."""


def nothing_personal(exchange: Exchange) -> bool:
    """Where no guard looks."""
    del exchange
    return False


@dataclass(frozen=True, slots=True)
class SemanticPolicy:
    """A model's: the exact cache's policy, and what the semantic cache may do beyond it."""

    exact: Policy
    settings: SemanticSettings


@dataclass(slots=True)
class Checks:
    """Of one model's hits for one tenant: how many were made again, how many of these had been wrong.

    `wrong_share` is what is expected of all hits now, at most `at_most`, where the bound is learned; of the partition
    that learned last.
    """

    checked: int = 0
    wrong: int = 0
    wrong_share: float | None = None
    at_most: float | None = None


class Outbox(Protocol):
    """Takes what is to be kept for others and for later; never waits.

    `note` is of one match in a partition, by its moment: whether it was right, or None where that is not known.
    """

    def offer(self, entry: Entry, partition: bytes, packed: Packed) -> None: ...
    def note(self, partition: bytes, whose: tuple[str, str], match: Match, *, is_right: bool | None) -> None: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What the stage works with; `app` makes it.  `may_have` is the exact cache's."""

    cache: SemanticCache
    encoder: Encoder
    keys: Keys
    shelf: Shelf
    clock: Clock
    may_have: Fits
    is_personal: IsPersonal = nothing_personal
    may_rest: MayRest = anywhere
    outbox: Outbox | None = None


class _Asked:
    """A lease that carries what was looked for to the moment when the answer is kept.

    Leases are settled in the opposite order of that in which they were taken, so this one comes right before the exact
    cache's own, which keeps the answer: `ended` is told, and knows the exchange when it hears of the answer.
    """

    __slots__ = ("_ended", "found", "question", "settings", "situation")

    def __init__(
        self,
        situation: Situation,
        question: Question,
        found: Found,
        settings: SemanticSettings,
        ended: "Callable[[Exchange, _Asked], None]",
    ) -> None:
        self._ended = ended
        self.situation = situation
        self.question = question
        self.found = found
        self.settings = settings

    @property
    def name(self) -> str:
        return "semantic_cache"

    def settle(self, exchange: Exchange) -> None:
        """Nothing was reserved."""
        self._ended(exchange, self)


class SemanticStage:
    """See the module.  `policies` are by model name; a model without one is not looked at."""

    def __init__(self, policies: Mapping[str, SemanticPolicy], parts: Parts) -> None:
        self._policies = policies
        self.parts = parts
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="semantic")
        self._waiting: deque[tuple[_Asked, Entry]] = deque(maxlen=_MOST_WAITING)
        self._looking = 0
        self.checks: dict[tuple[str, str], Checks] = {}
        """By model and tenant; their number is bounded, and the rest is `other`."""
        self._ending: tuple[Exchange, _Asked] | None = None
        self._is_fed = asyncio.Event()
        parts.shelf.tell(self._dropped)

    @property
    def name(self) -> str:
        return "semantic_cache"

    @property
    def questions(self) -> int:
        """How many are kept."""
        return len(self.parts.cache)

    @property
    def size_bytes(self) -> int:
        """About what they take in memory."""
        return self.parts.cache.size_bytes

    async def enter(self, exchange: Exchange) -> Continue | Reply:
        """Answer with what was said to a question that means the same, where that is known to be safe."""
        policy = self._policies.get(exchange.request.model)
        wishes = exchange.wishes
        if policy is None or wishes.no_cache or wishes.no_store or exchange.budget_action is not None:
            return CONTINUE
        if why_not_asked(exchange.request, policy.exact.exact) is not None or self.parts.is_personal(exchange):
            return CONTINUE
        if not self.parts.may_rest(exchange):
            return CONTINUE
        owner = self.parts.keys.partition(
            exchange,
            share=policy.exact.settings.share,
            fingerprint=policy.exact.fingerprint,
            by_rights=policy.exact.by_rights,
        )
        situation = situation_of(exchange.request, owner, policy.settings.follow_ups)
        if isinstance(situation, str):
            return CONTINUE
        if self._looking >= _MOST_LOOKING:
            return self._missed(exchange, "lookups_busy", None)
        self._looking += 1
        try:
            encoded = await self.parts.encoder.encode(situation.text)
            looked = await self._on_thread(_look, self.parts.cache, situation, encoded, policy.settings)
        except EncoderBusy:
            return self._missed(exchange, "encoder_busy", None)
        finally:
            self._looking -= 1
        if looked is None:
            return CONTINUE
        question, found = looked
        if found.match.entry is not None and self.parts.outbox is not None:
            whose = (exchange.principal.tenant, exchange.request.model)
            self.parts.outbox.note(situation.partition, whose, found.match, is_right=None)
        if found.entry is not None:
            entry = await self._stored(situation.partition, found.entry)
            if entry is not None and await self.parts.may_have(exchange, entry):
                return self._answer(exchange, policy, entry, found)
        asked = _Asked(situation, question, found, policy.settings, self._ended)
        exchange.take(asked, at_s=self.parts.clock.monotonic())
        reason = "checked" if found.is_checked else found.match.reason
        return self._missed(exchange, reason, found.match.similarity)

    def filter(self, exchange: Exchange) -> None:
        """It has no response half: the exact cache's recording sees the answer."""
        del exchange

    def kept(self, exchange: Exchange, entry: Entry) -> None:
        """What the exact cache calls when it keeps an answer (`Shown.on_kept`)."""
        ending, self._ending = self._ending, None
        if ending is not None and ending[0] is exchange:
            self._waiting.append((ending[1], entry))
            self._is_fed.set()

    def _ended(self, exchange: Exchange, asked: _Asked) -> None:
        self._ending = exchange, asked

    async def run(self) -> None:
        """Learn from answers as they come, until cancelled."""
        while True:
            await self._is_fed.wait()
            self._is_fed.clear()
            await self.learn_waiting()

    async def learn_waiting(self) -> None:
        """Learn from what waits now."""
        while self._waiting:
            asked, entry = self._waiting.popleft()
            try:
                await self._learn(asked, entry)
            except EncoderBusy:
                continue  # one label less

    def submit(self, call: Callable[[Unpack[Given]], Back], *given: *Given) -> Future[Back]:
        """Call it on the cache's thread, from any other one.  Raises `RuntimeError` once that is closed."""
        return self._thread.submit(call, *given)

    def close(self) -> None:
        """Let go of the thread; no `enter` follows."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _dropped(self, drops: Sequence[Drop] | None) -> None:
        """A single answer's question is found no more, since its answer is not there; whole owners' go at once."""
        if drops is None or any(drop.answer is None and drop.tag is None for drop in drops):
            with suppress(RuntimeError):  # closed: this process is at its end
                self.submit(self.parts.cache.forget)

    async def _learn(self, asked: _Asked, entry: Entry) -> None:
        partition, cache, outbox = asked.situation.partition, self.parts.cache, self.parts.outbox
        like: list[str] = []
        match = asked.found.match
        ours = _text_of(entry)
        first = [match.entry] if match.entry is not None else []
        for other in [*first, *(each for each in match.others if each != match.entry)]:
            theirs = await self._stored(partition, other)
            if theirs is None:
                continue
            is_right = await self._agree(ours, _text_of(theirs))
            if is_right:
                like.append(other)
            if other == match.entry:
                estimate = await self._on_thread(_learn_one, cache, partition, asked.found, is_right)
                self._note_check(entry, asked.found, estimate, is_right=is_right)
                if outbox is not None:
                    outbox.note(partition, (entry.tenant, entry.model), match, is_right=is_right)
        name = _name_of(entry)
        packed = None
        if self._entry(name) is not None:  # else it was dropped meanwhile
            packed = await self._on_thread(_add_one, cache, asked, name, tuple(like))
        if packed is not None and outbox is not None and self._entry(name) is not None:
            outbox.offer(entry, partition, packed)

    def _note_check(self, entry: Entry, found: Found, estimate: Estimate | None, *, is_right: bool) -> None:
        whose = (entry.model, entry.tenant)
        if whose not in self.checks and len(self.checks) >= _MOST_PAIRS:
            whose = _OTHER
        checks = self.checks.setdefault(whose, Checks())
        checks.wrong_share = None if estimate is None else estimate.share
        checks.at_most = None if estimate is None else estimate.at_most
        if found.is_checked:
            checks.checked += 1
            checks.wrong += not is_right

    async def _agree(self, ours: str, theirs: str) -> bool:
        if ours == theirs:
            return True
        encoder = self.parts.encoder
        vectors = (await encoder.encode(ours)).sentence, (await encoder.encode(theirs)).sentence
        return answers_agree(ours, theirs, vectors=vectors)

    def _entry(self, name: str) -> Entry | None:
        """The stored answer, if it may still be given: dropped, expired and evicted ones are gone."""
        entry = self.parts.shelf.get(bytes.fromhex(name[:_KEY_CHARS]))
        return entry if entry is not None and _name_of(entry) == name else None

    async def _stored(self, partition: bytes, name: str) -> Entry | None:
        """The same, and where it is not in memory any more, from the store; what is nowhere is found no more."""
        entry = self._entry(name)
        if entry is not None:
            return entry
        shelf, key = self.parts.shelf, bytes.fromhex(name[:_KEY_CHARS])
        entry = await shelf.fetch(key)
        if entry is not None and _name_of(entry) == name:
            return entry
        if entry is not None or not shelf.is_elsewhere(key):  # else it was perhaps only not in time
            await self._on_thread(self.parts.cache.drop, partition, name)
        return None

    def _answer(self, exchange: Exchange, policy: SemanticPolicy, entry: Entry, found: Found) -> Reply:
        clock = self.parts.clock
        age_s, similarity = max(0.0, clock.now() - entry.created_at), found.match.similarity
        exchange.cache = CacheMark("similar", age_s, similarity, VERIFIED in entry.tags, entry.documents)
        exchange.facts.append(
            CacheHit(
                at_s=clock.monotonic() - exchange.began_s,
                kind="similar",
                age_s=age_s,
                answer=entry.id,
                similarity=similarity,
                saved_input_tokens=entry.input_tokens,
                saved_output_tokens=entry.output_tokens,
                saved_nanousd=entry.cost_nanousd,
            )
        )
        events = self.parts.shelf.events(entry)
        if policy.exact.settings.replay == "natural" and exchange.request.stream:
            return reply_paced(events, entry.pace_tokens_per_s or _NATURAL_TOKENS_PER_S, clock)
        return Reply(events)

    def _missed(self, exchange: Exchange, reason: str, nearest: float | None) -> Continue:
        at_s = self.parts.clock.monotonic() - exchange.began_s
        exchange.facts.append(CacheMissed(at_s=at_s, reason=reason, nearest=nearest))
        return CONTINUE

    async def _on_thread(self, call: Callable[[Unpack[Given]], Back], *given: *Given) -> Back:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *given)


def _look(
    cache: SemanticCache, situation: Situation, encoded: Encoded, settings: SemanticSettings
) -> tuple[Question, Found] | None:
    """None where the text has nothing to compare."""
    question = question_of(situation.text, encoded, cache.weights)
    return None if question is None else (question, cache.find(situation.partition, question, settings))


def _learn_one(cache: SemanticCache, partition: bytes, found: Found, is_right: bool) -> Estimate | None:  # noqa: FBT001 - run_in_executor passes no names
    cache.learn(partition, found, is_right=is_right)
    return cache.wrong_rate(partition)


def _add_one(cache: SemanticCache, asked: _Asked, entry: str, like: tuple[str, ...]) -> Packed | None:
    return cache.add(asked.situation.partition, entry, asked.question, asked.settings, like=like)


def _name_of(entry: Entry) -> str:
    """How partitions name it: where it lies, and which of those that lay there one after the other."""
    return entry.key.hex() + entry.id


def _text_of(entry: Entry) -> str:
    return "".join(
        event.text for event in decode_events(entry.events) if isinstance(event, Text) and event.channel == "answer"
    )
