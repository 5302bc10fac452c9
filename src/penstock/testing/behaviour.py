"""The language in which a simulated model is told how to behave: a `Behaviour`, and the grammar that writes one.

Spoken in model names (`sim:first=300ms,fault=cut@5`), in the header `x-sim`, in `x-sim-<key>` headers and in profile
files; read by `ScriptedProvider` in process and by `penstock sim` on a socket.  See `Behaviour` for all of it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Literal, TypeAlias, cast, get_args

from penstock.testing.chance import Rng

FaultKind = Literal[
    "slow_first",
    "stall",
    "cut",
    "reset",
    "error",
    "bad_sse",
    "wrong_json",
    "content_filter",
    "missing_usage",
    "zero_usage",
    "flaky",
    "throttle",
    "status",
]

_FAULT_DEFAULTS: Mapping[str, float] = MappingProxyType(
    {"slow_first": 5.0, "stall": 0, "content_filter": 0, "flaky": 1, "status": 503, "cut": 3, "reset": 3, "error": 3}
    | {"bad_sse": 3, "wrong_json": 3}
)
_NO_ARGUMENT = frozenset({"missing_usage", "zero_usage", "throttle"})
_Z_95 = 1.6448536269514722


@dataclass(frozen=True, slots=True)
class Constant:
    value: float

    def draw(self, rng: Rng) -> float:
        del rng
        return self.value


@dataclass(frozen=True, slots=True)
class LogNormal:
    """The log-normal distribution with this median and this 95th percentile."""

    median: float
    p95: float

    def draw(self, rng: Rng) -> float:
        return self.median * math.exp(rng.gauss(0.0, math.log(self.p95 / self.median) / _Z_95))


@dataclass(frozen=True, slots=True)
class OneOf:
    """An empirical distribution: each of the values is equally likely."""

    values: tuple[float, ...]

    def draw(self, rng: Rng) -> float:
        return rng.choice(self.values)


Distribution: TypeAlias = Constant | LogNormal | OneOf


@dataclass(frozen=True, slots=True)
class Fault:
    """`at` is the index of an event, or the argument that its kind takes (seconds, attempts, an HTTP status)."""

    kind: FaultKind
    at: float = 0


@dataclass(frozen=True, slots=True)
class Outage:
    """Down for the last `down_s` of every `period_s`, counted from the start of the simulator."""

    period_s: float
    down_s: float

    def is_down(self, elapsed_s: float) -> bool:
        return elapsed_s % self.period_s >= self.period_s - self.down_s


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `amount` in each window of `window_s`, for each credential and model."""

    amount: int
    window_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How a simulated model answers.

    Grammar: items joined by commas, each `key=value` or a bare flag.

    ========================  ==========================================================================================
    `first=<time>`            from the request to the first event (default 0)
    `gap=<time>`              between one event and the next (default 0)
    `tokens=<count>`          length of the answer (default: a few dozen, drawn from the prompt)
    `think=<count>`           length of the reasoning before it (default 0; 24 for `sim-reasoning`)
    `per_event=<n>`           tokens in one event of a stream (default 1)
    `fault=<kind>[@<arg>]`    what goes wrong; several joined by `|` are drawn evenly
    `rate=<share>`            share of requests that the fault strikes, `0.06` or `6%` (default: all)
    `outage=<period>/<down>`  down for the last `<down>` of every `<period>`: connections are reset
    `limit=<n>/<window>`      429 to the requests of one credential beyond `<n>` in a window
    `token_limit=<n>/<window>`  the same by tokens: those of the prompt and the most that the answer may have
    `bucket`                  flag: what was used of the limits comes back evenly, not all at the end of the window
    `retry_after=<duration>`  what a fault's 429 and 503 ask a client to wait (default 1s)
    `announced`               flag: every answer says in its headers, as OpenAI's do, what of the limits is left
    `early_head`              flag: a stream's HTTP head goes out at once, before the wait for the first event
    `echo`                    flag: the answer is the last user message, word for word; `echo=line`: its last line
    ========================  ==========================================================================================

    A `<time>` is a duration, a `<count>` a whole number, or either drawn for each request: `lognormal(400ms/1500ms)`
    with median and 95th percentile, `oneof(100ms/250ms/900ms)` from a list.  Durations carry a unit (`ms` or `s`).

    Events are counted from 0, which is the start of the answer; then come pieces of text or of a tool call, one each,
    then a finish for each choice and the usage.  A `<k>` beyond the last event strikes before the end is signalled.

    ================== =================================================================================================
    `slow_first[@5s]`  the first event comes that much later
    `stall[@k]`        nothing more from event k on, and the connection stays open (default 0: not even a head)
    `cut[@k]`          the connection is closed in order before event k, mid-answer (default 3)
    `reset[@k]`        the connection is reset (TCP RST) before event k (default 3)
    `error[@k]`        an error of the dialect in place of event k, inside a stream that began well (default 3)
    `bad_sse[@k]`      bytes that are no server-sent event in place of event k (default 3)
    `wrong_json[@k]`   an event k whose data is not JSON (default 3)
    `content_filter[@k]`  k pieces, then the provider's content filter ends the answer (default 0)
    `missing_usage`    no usage is reported
    `zero_usage`       usage is reported as zeros
    `flaky[@n]`        the first n requests with one credential and prompt get 429, then all is well (default 1)
    `throttle`         429, always
    `status[@code]`    that HTTP status (default 503)
    ================== =================================================================================================

    Example: `sim:first=lognormal(300ms/1200ms),gap=20ms,tokens=120,fault=cut@5|status@500,rate=6%`.
    """

    first_s: Distribution = Constant(0)
    gap_s: Distribution = Constant(0)
    tokens: Distribution | None = None
    think: Distribution = Constant(0)
    per_event: int = 1
    faults: tuple[Fault, ...] = ()
    rate: float = 1.0
    outage: Outage | None = None
    limit: Limit | None = None
    token_limit: Limit | None = None
    is_bucket: bool = False
    retry_after_s: float = 1.0
    is_announced: bool = False
    is_head_early: bool = False
    is_echo: bool = False
    is_line: bool = False

    @staticmethod
    def parse(text: str, base: "Behaviour | None" = None) -> "Behaviour":
        """Read the grammar above; what `text` does not say stays as in `base`.

        Raises `ValueError` that names the item at fault and says what it should look like.
        """
        return _parse(text, base or PLAIN)

    @staticmethod
    def of_model(model: str, base: "Behaviour | None" = None) -> "Behaviour":
        """What a model name asks for: `sim`, `sim-reasoning`, either with `:` and items; any other name is `base`.

        Raises `ValueError` as `parse` does, and for a name that begins with `sim-` but is not one of these.
        """
        return _of_model(model, base or PLAIN)


PLAIN = Behaviour()
REASONING_TOKENS = 24


@lru_cache(maxsize=4096)
def _of_model(model: str, base: Behaviour) -> Behaviour:
    name, _, items = model.partition(":")
    if name == "sim":
        return _parse(items, base)
    if name == "sim-reasoning":
        return _parse(items, replace(base, think=Constant(REASONING_TOKENS)))
    if name.startswith("sim-"):
        raise ValueError(f"there is no model `{name}`: the simulated ones are `sim` and `sim-reasoning`")
    return base


@lru_cache(maxsize=4096)
def _parse(text: str, base: Behaviour) -> Behaviour:
    behaviour = base
    for item in filter(None, (part.strip() for part in text.split(","))):
        key, separator, value = item.partition("=")
        behaviour = _set(behaviour, key.strip(), value.strip() if separator else None, item)
    return behaviour


def _set(behaviour: Behaviour, key: str, value: str | None, item: str) -> Behaviour:
    match key, value:
        case "announced", None | "true" | "1":
            return replace(behaviour, is_announced=True)
        case "bucket", None | "true" | "1":
            return replace(behaviour, is_bucket=True)
        case "early_head", None | "true" | "1":
            return replace(behaviour, is_head_early=True)
        case "echo", None | "true" | "1":
            return replace(behaviour, is_echo=True)
        case "echo", "line":
            return replace(behaviour, is_echo=True, is_line=True)
        case (("announced" | "bucket" | "early_head" | "echo"), _):
            raise ValueError(f"`{item}`: `{key}` is a flag and takes no value")
        case _, None:
            raise ValueError(
                f"`{item}`: expected `key=value`, or one of the flags `announced`, `bucket`, `early_head` and `echo`"
            )
        case "first", _:
            return replace(behaviour, first_s=_distribution(value, item, unit="time"))
        case "gap", _:
            return replace(behaviour, gap_s=_distribution(value, item, unit="time"))
        case "tokens", _:
            return replace(behaviour, tokens=_distribution(value, item, unit="count"))
        case "think", _:
            return replace(behaviour, think=_distribution(value, item, unit="count"))
        case "per_event", _:
            return replace(behaviour, per_event=_count(value, item, least=1))
        case "fault", _:
            return replace(behaviour, faults=tuple(_fault(each, item) for each in value.split("|")))
        case "rate", _:
            return replace(behaviour, rate=_share(value, item))
        case "outage", _:
            return replace(behaviour, outage=_outage(value, item))
        case "limit", _:
            return replace(behaviour, limit=_limit(value, item))
        case "token_limit", _:
            return replace(behaviour, token_limit=_limit(value, item))
        case "retry_after", _:
            return replace(behaviour, retry_after_s=_duration_s(value, item))
        case _:
            raise ValueError(f"`{item}`: there is no `{key}`; see penstock.testing.Behaviour for what there is")


def _distribution(text: str, item: str, *, unit: Literal["time", "count"]) -> Distribution:
    def one(value: str) -> float:
        return _duration_s(value, item) if unit == "time" else _count(value, item)

    if text.startswith("lognormal(") and text.endswith(")"):
        values = [one(part) for part in text[len("lognormal(") : -1].split("/")]
        if len(values) != 2 or not 0 < values[0] <= values[1]:
            raise ValueError(f"`{item}`: expected `lognormal(median/p95)` with 0 < median <= p95")
        return LogNormal(values[0], values[1])
    if text.startswith("oneof(") and text.endswith(")"):
        return OneOf(tuple(one(part) for part in text[len("oneof(") : -1].split("/")))
    return Constant(one(text))


def _duration_s(text: str, item: str) -> float:
    scale = 0.001 if text.endswith("ms") else 1.0
    number = text.removesuffix("ms") if text.endswith("ms") else text.removesuffix("s")
    if number == text and text != "0":
        raise ValueError(f"`{item}`: a duration carries its unit, as in `300ms` or `1.5s`")
    try:
        seconds = float(number) * scale
    except ValueError:
        raise ValueError(f"`{item}`: `{text}` is no duration; expected one like `300ms` or `1.5s`") from None
    if not 0 <= seconds < math.inf:
        raise ValueError(f"`{item}`: a duration is finite and not negative")
    return seconds


def _count(text: str, item: str, *, least: int = 0) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) < least:
        raise ValueError(f"`{item}`: `{text}` is no whole number of {least} or more")
    return int(text)


def _share(text: str, item: str) -> float:
    try:
        share = float(text.removesuffix("%")) / (100.0 if text.endswith("%") else 1.0)
    except ValueError:
        raise ValueError(f"`{item}`: `{text}` is no share; expected one like `0.06` or `6%`") from None
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"`{item}`: a share lies between 0 and 1, or 0% and 100%")
    return share


def _fault(text: str, item: str) -> Fault:
    name, separator, argument = text.strip().partition("@")
    kinds: Sequence[str] = get_args(FaultKind)
    if name not in kinds:
        raise ValueError(f"`{item}`: there is no fault `{name}`; expected one of {', '.join(kinds)}")
    kind = cast("FaultKind", name)
    if not separator:
        return Fault(kind, _FAULT_DEFAULTS.get(kind, 0))
    if kind in _NO_ARGUMENT:
        raise ValueError(f"`{item}`: `{kind}` takes no argument")
    if kind == "slow_first":
        return Fault(kind, _duration_s(argument, item))
    number = _count(argument, item)
    if kind == "status" and not 400 <= number <= 599:
        raise ValueError(f"`{item}`: `status` takes an HTTP status from 400 to 599")
    return Fault(kind, number)


def _outage(text: str, item: str) -> Outage:
    period, separator, down = text.partition("/")
    if not separator:
        raise ValueError(f"`{item}`: expected `outage=<period>/<down>`, as in `outage=60s/2s`")
    outage = Outage(_duration_s(period, item), _duration_s(down, item))
    if outage.period_s <= 0 or outage.down_s > outage.period_s:
        raise ValueError(f"`{item}`: the time down cannot be longer than the period")
    return outage


def _limit(text: str, item: str) -> Limit:
    amount, separator, window = text.partition("/")
    if not separator:
        key = item.partition("=")[0].strip()
        raise ValueError(f"`{item}`: expected `{key}=<number>/<window>`, as in `{key}=100/1s`")
    limit = Limit(_count(amount, item), _duration_s(window, item))
    if limit.window_s <= 0:
        raise ValueError(f"`{item}`: the window cannot be empty")
    return limit
