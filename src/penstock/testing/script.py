"""What a simulated model says: from a question in neutral words to the events of its answer.

Pure and repeatable: the same `Ask`, `Behaviour` and generator give the same events.  Used in process by
`ScriptedProvider`, which makes the `Ask` from a core request, and by the HTTP simulator, which makes it from a vendor's
JSON without any of Penstock's own wire code, so that a common mistake cannot hide.

A token of the simulated models is up to eight characters with the white space before them; all usage is counted so.
"""

import math
import re
import struct
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import zip_longest
from typing import Literal
from zlib import crc32

from penstock.core.chat import ToolKind
from penstock.core.events import Event, Finish, FinishReason, Start, Text, ToolCall, UsageReport, Vector
from penstock.core.json import JsonObject, JsonValue, dumps
from penstock.core.usage import Usage
from penstock.testing.behaviour import Behaviour
from penstock.testing.chance import Rng
from penstock.testing.schema import make_example

_TOKEN = re.compile(r"\s*\S{1,8}|\s+")
_ANSWERED_BY_TOOL = "According to the tool: "
_SIZE_OF_ARGUMENT_PIECE = 16
_WORDS = (
    *("the", "a", "card", "account", "payment", "team", "order", "policy", "limit", "balance", "transfer", "branch"),
    *("is", "was", "shows", "keeps", "takes", "needs", "covers", "returns", "settles", "follows", "allows", "checks"),
    *(
        "today",
        "soon",
        "within",
        "after",
        "before",
        "under",
        "during",
        "again",
        "mostly",
        "always",
        "rarely",
        "at once",
    ),
    *("one", "two", "three", "new", "open", "secure", "pending", "regular", "shared", "local", "quick", "simple"),
)

_SPACED_WORDS = tuple(f" {word}" for word in _WORDS)


@dataclass(frozen=True, slots=True)
class AskedTool:
    name: str
    schema: JsonObject
    kind: ToolKind = "function"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A question to a simulated model.

    `prompt` is the last text of the user; `tool_result` the text of the tool results after it, if the conversation
    ends with them.  `input_tokens` counts the whole request.  `schema` is what a structured answer must obey; `{}` is
    any JSON object.  `texts` are the inputs of an embedding request, whose vectors have `dimensions`.
    """

    model: str
    prompt: str
    input_tokens: int
    is_streamed: bool = False
    tool_result: str | None = None
    tools: tuple[AskedTool, ...] = ()
    tool_mode: Literal["auto", "none", "required"] = "auto"
    is_parallel: bool = True
    schema: JsonObject | None = None
    choices: int = 1
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    top_logprobs: int | None = None
    seed: int | None = None
    texts: tuple[str, ...] = ()
    dimensions: int | None = None
    is_base64: bool = False


@dataclass(slots=True)
class _Told:
    """One choice: its events, and how many tokens they took."""

    events: list[Event]
    finish: Finish
    reasoning_tokens: int
    output_tokens: int


def tokenise(text: str) -> list[str]:
    """Cut a text into tokens; joined they are the text."""
    return _TOKEN.findall(text)


def count_tokens(text: str) -> int:
    return len(tokenise(text))


def tell(ask: Ask, behaviour: Behaviour, rng: Rng, *, created: int) -> list[Event]:
    """Return the whole answer: start, the pieces of all choices in turn, a finish for each, the usage."""
    told = [_choice(ask, behaviour, rng, index) for index in range(ask.choices)]
    events: list[Event] = [Start(id=f"{rng.getrandbits(96):024x}", model=ask.model, created=created)]
    events += [event for row in zip_longest(*(each.events for each in told)) for event in row if event is not None]
    events += [each.finish for each in told]
    reasoning = sum(each.reasoning_tokens for each in told)
    output = sum(each.output_tokens for each in told)
    events.append(
        UsageReport(Usage(input_tokens=ask.input_tokens, output_tokens=output, reasoning_tokens=reasoning)),
    )
    return events


def embed(ask: Ask) -> list[Event]:
    """Return one unit vector for each text: equal texts are equal, texts that share words point the same way."""
    events: list[Event] = [Start(id=f"{crc32(ask.prompt.encode()):08x}", model=ask.model)]
    for index, text in enumerate(ask.texts):
        values = _vector(text, ask.dimensions or 256)
        if ask.is_base64:
            packed = b64encode(struct.pack(f"<{len(values)}f", *values)).decode("ascii")
            events.append(Vector(index, packed))
        else:
            events.append(Vector(index, values))
    events.append(UsageReport(Usage(input_tokens=ask.input_tokens)))
    return events


def _choice(ask: Ask, behaviour: Behaviour, rng: Rng, index: int) -> _Told:
    called = _tools_called(ask)
    budget = ask.max_tokens if ask.max_tokens is not None else 1_000_000_000
    thoughts = _prose(rng, min(int(behaviour.think.draw(rng)), budget))
    events: list[Event] = list(_texts(thoughts, behaviour, ask, index, part=0, channel="reasoning"))
    left = budget - len(thoughts)
    if called:
        spent = 0
        reason: FinishReason = "tool_calls"
        for order, tool in enumerate(called):
            pieces, tokens, is_whole = _call(tool, rng, index, order, left - spent)
            events += pieces
            spent += tokens
            if not is_whole:
                reason = "length"
                break
        return _Told(events, Finish(reason, index), len(thoughts), len(thoughts) + spent)
    tokens = _answer(ask, behaviour, rng, most=left + 1)
    tokens, hit = _until_stop(tokens, ask.stop)
    reason = "length" if len(tokens) > left else "stop"
    if reason == "length":
        tokens, hit = tokens[:left], None
    events += _texts(tokens, behaviour, ask, index, part=1 if thoughts else 0, channel="answer")
    return _Told(events, Finish(reason, index, stop_sequence=hit), len(thoughts), len(thoughts) + len(tokens))


def _tools_called(ask: Ask) -> list[AskedTool]:
    """The tools that the prompt names after `call tool`, in its order; where one is required, at least the first."""
    if not ask.tools or ask.tool_mode == "none":
        return []
    called: list[AskedTool] = []
    at = ask.prompt.lower().find("call t")
    if at >= 0 and ask.tool_result is None:
        found = [
            (match.start(), tool)
            for tool in ask.tools
            for match in re.finditer(rf"(?<![\w-]){re.escape(tool.name)}(?![\w-])", ask.prompt[at:])
        ]
        called = [tool for _, tool in sorted(found, key=lambda each: each[0])]
    if not called and ask.tool_mode == "required":
        called = [ask.tools[0]]
    return called if ask.is_parallel else called[:1]


def _call(tool: AskedTool, rng: Rng, choice: int, order: int, budget: int) -> tuple[list[Event], int, bool]:
    text = f"{rng.choice(_WORDS)} {rng.choice(_WORDS)}" if tool.kind == "custom" else ""
    if tool.kind == "function":
        text = dumps(make_example({"type": "object", **tool.schema}, rng)).decode()
    tokens = tokenise(text)
    whole = len(tokens) <= budget
    text = "".join(tokens[:budget])
    events: list[Event] = [
        ToolCall(choice, order, id=f"call_{rng.getrandbits(96):024x}", name=tool.name, kind=tool.kind),
    ]
    events += [
        ToolCall(choice, order, arguments=text[at : at + _SIZE_OF_ARGUMENT_PIECE], kind=tool.kind)
        for at in range(0, len(text), _SIZE_OF_ARGUMENT_PIECE)
    ]
    return events, min(len(tokens), budget), whole


def _answer(ask: Ask, behaviour: Behaviour, rng: Rng, *, most: int) -> list[str]:
    """The answer's tokens; of prose that is longer than it may be, no more than `most`."""
    if ask.schema is not None:
        return tokenise(dumps(make_example({"type": "object", **ask.schema}, rng)).decode())
    if behaviour.is_echo:
        return tokenise(ask.prompt.rstrip().rpartition("\n")[2] if behaviour.is_line else ask.prompt)
    length = int(behaviour.tokens.draw(rng)) if behaviour.tokens is not None else rng.randrange(24, 49)
    length = min(length, most)
    if ask.tool_result is not None:
        opening = tokenise(_ANSWERED_BY_TOOL + " ".join(ask.tool_result.split()[:8]) + ".")
    else:
        opening = tokenise("About " + " ".join(ask.prompt.split()[:6]).rstrip("?.!:") + ":")
    return (opening + [f" {token}" if at == 0 else token for at, token in enumerate(_prose(rng, length))])[:length]


def _prose(rng: Rng, length: int) -> list[str]:
    """Sentences of exactly `length` tokens, the last of them ending in a full stop."""
    tokens = rng.choices(_SPACED_WORDS, k=length)
    begin = 0
    while begin < length:
        end = min(begin + 6 + int(rng.random() * 7), length)
        tokens[begin] = f" {tokens[begin][1:].capitalize()}"
        tokens[end - 1] += "."
        begin = end
    if tokens:
        tokens[0] = tokens[0][1:]
    return tokens


def _until_stop(tokens: list[str], stop: Sequence[str]) -> tuple[list[str], str | None]:
    if not stop:
        return tokens, None
    text = "".join(tokens)
    hits = [(at, sequence) for sequence in stop if sequence and (at := text.find(sequence)) >= 0]
    if not hits:
        return tokens, None
    at, sequence = min(hits, key=lambda hit: hit[0])
    return tokenise(text[:at]), sequence


def _texts(
    tokens: list[str],
    behaviour: Behaviour,
    ask: Ask,
    choice: int,
    *,
    part: int,
    channel: Literal["answer", "reasoning"],
) -> Iterator[Text]:
    for at in range(0, len(tokens), behaviour.per_event):
        group = tokens[at : at + behaviour.per_event]
        logprobs: JsonValue = None
        if ask.top_logprobs is not None and channel == "answer":
            logprobs = [_logprob(token, ask.top_logprobs) for token in group]
        yield Text("".join(group), choice, channel, part, logprobs)


def _logprob(token: str, alternatives: int) -> JsonObject:
    def entry(text: str, logprob: float) -> JsonObject:
        return {"token": text, "logprob": logprob, "bytes": list(text.encode())}

    sure = -0.001 * (crc32(token.encode()) % 900 + 1)
    others = [token, *(word for word in _WORDS if word != token)][:alternatives]
    top: list[JsonValue] = [entry(text, round(sure - 1.5 * rank, 4)) for rank, text in enumerate(others)]
    return {**entry(token, round(sure, 4)), "top_logprobs": top}


def _vector(text: str, dimensions: int) -> list[float]:
    values = [0.0] * dimensions
    for word in text.lower().split() or [""]:
        digest = blake2b(word.encode(errors="replace"), digest_size=16).digest()
        for (mixed,) in struct.iter_unpack("<I", digest):
            values[(mixed >> 1) % dimensions] += 1.0 if mixed & 1 else -1.0
    length = math.sqrt(sum(value * value for value in values))
    if length == 0:
        values[0] = length = 1.0
    return [value / length for value in values]
