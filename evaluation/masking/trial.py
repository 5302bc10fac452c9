"""One conversation on its way out and back: masked by the real stage, encoded for every provider, restored."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

import msgspec

from evaluation.masking.conversations import NAMES, Conversation
from penstock.app.guards.opening import open_guards
from penstock.app.upstreams import DIALECTS
from penstock.config.guards import GuardSettings, ListSettings, ModelGuards, PersonalDataSettings
from penstock.config.types import Config
from penstock.core.clock import SystemClock
from penstock.core.errors import UnsupportedField
from penstock.core.events import Event, Finish, Start, Text, ToolCall
from penstock.core.exchange import Exchange, Principal
from penstock.core.ids import new_exchange_id
from penstock.core.json import JsonValue, dumps, loads
from penstock.core.ports import ClientDialect, Continue
from penstock.guard.stage import guarded
from penstock.providers.dialect import Endpoint
from penstock.wire.anthropic import AnthropicClient
from penstock.wire.openai_chat.dialect import OpenAIChat
from penstock.wire.openai_responses.dialect import OpenAIResponses

Missing = Callable[[Sequence[Event]], list[str]]

CLIENTS: Mapping[str, ClientDialect] = MappingProxyType(
    {"openai-chat": OpenAIChat(), "anthropic": AnthropicClient(), "openai-responses": OpenAIResponses()}
)
_ENDPOINT = Endpoint("custom", "https://provider.example", "k:s", options={"region": "eu-west-1"})
_KINDS = ("EMAIL_ADDRESS", "IBAN", "CREDIT_CARD", "PHONE_NUMBER", "IP_ADDRESS", "PERSON")


@dataclass(slots=True)
class Outcome:
    """Of all conversations so far: what left, what did not come back, and in how many bytes nothing was found."""

    conversations: int = 0
    encodings: int = 0
    sent_bytes: int = 0
    values: int = 0
    left: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    not_restored: list[str] = field(default_factory=list[str])


class Trial:
    """The guard of personal data as an installation has it; `run` puts one conversation through it."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - test data
        self._clock = SystemClock()
        people = ListSettings(kind="PERSON", terms=NAMES)
        settings = PersonalDataSettings(fail="closed", names=False, kinds=_KINDS)
        guards = GuardSettings(default=ModelGuards(personal_data=settings), lists={"people": people})
        opened = open_guards(Config(guards=guards), None, self._clock)
        if opened.stage is None or opened.restore is None:
            raise RuntimeError("the guard of personal data is not there")
        self._stage, self._restore = opened.stage, opened.restore
        self.outcome = Outcome()

    async def run(self, conversation: Conversation) -> None:
        """Add what came of it to `outcome`."""
        outcome, client = self.outcome, CLIENTS[conversation.dialect]
        outcome.conversations += 1
        outcome.values += len(conversation.values)
        exchange = self._exchange(client, conversation.body)
        if not isinstance(await self._stage.enter(exchange), Continue):
            raise RuntimeError("the guard refused a conversation")  # noqa: TRY004 - it is no matter of types
        sent = [("canonical", msgspec.json.encode(exchange.request))]
        for name, dialect in DIALECTS.items():
            try:
                call = dialect().encode(exchange.request, "m", _ENDPOINT, now=0.0)
            except UnsupportedField:
                continue  # it cannot be said there, so that nothing is sent
            outcome.encodings += 1
            sent.append((name, call.body + call.url.encode()))
        for name, data in sent:
            outcome.sent_bytes += len(data)
            outcome.left += ((name, value) for value in conversation.values if stands_in(value, data))
        left = guarded(exchange)
        issued: Mapping[str, str] = {} if left is None else left.tokens.issued
        if not issued:
            outcome.not_restored += conversation.values
        for answer, missing in self._answers(issued):
            opened = self._restore.filter(exchange)
            if opened is None:
                break
            passed = [event for events in _cut(answer, self._chance) for event in opened.feed(events)]
            outcome.not_restored += missing([*passed, *opened.finish()])

    def _exchange(self, client: ClientDialect, body: bytes) -> Exchange:
        now = self._clock.monotonic()
        return Exchange(
            id=new_exchange_id(self._clock),
            principal=Principal(tenant="t", key="k"),
            request=client.parse(body),
            dialect=client.name,
            started_at=0.0,
            began_s=now,
            deadline_s=now + 60.0,
            gone_policy="abort",
        )

    def _answers(self, issued: Mapping[str, str]) -> Iterator[tuple[Sequence[Event], Missing]]:
        """Answers that say each token, with who tells what is missing of the values."""
        chance, values = self._chance, list(issued.values())
        said = [(chance.choice(("", "<", "see ")), token, chance.choice(("", "!", ">"))) for token in issued]
        prose = " ".join(f"{before}{token}{after}" for before, token, after in said)
        expected = " ".join(f"{before}{issued[token]}{after}" for before, token, after in said)
        yield (Start("i", "m"), Text(prose), Finish("stop")), partial(_missing_in_prose, expected)
        written = dumps({"all": [f"to {token}" for token in issued], "text": dumps({"who": list(issued)}).decode()})
        call = ToolCall(choice=0, index=0, id="c", name="f", arguments=written.decode())
        yield (call, Finish("tool_calls")), partial(_missing_in_arguments, values)


def stands_in(value: str, data: bytes) -> bool:
    """Whether the bytes hold the value: as it is, or escaped as JSON writes it, once, twice or in pure ASCII."""
    forms = {value.encode()}
    escaped = value
    for _ in range(3):
        escaped = dumps(escaped).decode()[1:-1]
        forms.add(escaped.encode())
    forms.add(value.encode("ascii", "backslashreplace"))
    return any(form in data for form in forms)


def _cut(events: Sequence[Event], chance: random.Random) -> Sequence[Sequence[Event]]:
    """The same answer in pieces of any size."""
    pieces: list[Sequence[Event]] = []
    for event in events:
        if isinstance(event, Text):
            pieces += ([Text(part)] for part in _parts(event.text, chance))
        elif isinstance(event, ToolCall):
            first, *rest = _parts(event.arguments, chance)
            pieces.append([ToolCall(choice=0, index=0, id=event.id, name=event.name, arguments=first)])
            pieces += ([ToolCall(choice=0, index=0, arguments=part)] for part in rest)
        else:
            pieces.append([event])
    return pieces


def _parts(text: str, chance: random.Random) -> list[str]:
    most = chance.choice((1, 3, 8, 40))
    parts: list[str] = []
    at = 0
    while at < len(text):
        size = chance.randint(1, most)
        parts.append(text[at : at + size])
        at += size
    return parts or [""]


def _missing_in_prose(expected: str, passed: Sequence[Event]) -> list[str]:
    said = "".join(event.text for event in passed if isinstance(event, Text))
    return [] if said == expected else [f"{said!r} is not {expected!r}"]


def _missing_in_arguments(values: Sequence[str], passed: Sequence[Event]) -> list[str]:
    read = loads("".join(event.arguments for event in passed if isinstance(event, ToolCall)))
    expected: JsonValue = {"all": [f"to {value}" for value in values], "text": dumps({"who": values}).decode()}
    return [] if read == expected else [f"{read!r} is not {expected!r}"]
