"""A provider that announces its limit, asked for three times as much: few calls are refused, and the limit is used."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from evaluation.resilience.site import Settings, Site, play, route_to
from evaluation.resilience.traffic import Asked, Caller
from penstock.config.targets import GateSettings, PacingSettings
from penstock.core.facts import AttemptFailed, AttemptStarted
from penstock.testing.clock import FakeClock
from penstock.testing.scripted import ScriptedProvider

PER_MINUTE = 100
TOKENS_PER_MINUTE = 30_000
_WORDS = 40
_MAX_TOKENS = 200
_ANSWER = "first=lognormal(700ms/2s),gap=20ms,tokens=60,per_event=12"

Counting: TypeAlias = Literal["window", "bucket"]
Prompts: TypeAlias = Literal["alike", "varied"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paced:
    """`throttled` of `calls` came back 429; `used` is the part of what the limit allows in the time that was used."""

    requests: int
    calls: int
    throttled: int
    used: float

    @property
    def share_throttled(self) -> float:
        return self.throttled / self.calls


def requests_limited(counting: Counting, seed: int, *, minutes: int = 30, processes: int = 1) -> Paced:
    """The limit is `PER_MINUTE` requests; each of several processes knows its share of it."""
    limit = f"limit={PER_MINUTE}/60s"
    caller = Caller(rate=3.0 * PER_MINUTE / 60.0, words=_WORDS)
    return asyncio.run(_run(limit, counting, caller, seed, minutes=minutes, processes=processes))


def tokens_limited(
    counting: Counting, seed: int, *, minutes: int = 30, processes: int = 1, prompts: Prompts = "alike"
) -> Paced:
    """The limit is `TOKENS_PER_MINUTE`: prompt and the most that the answer may have.

    `prompts` are alike, or of very different lengths (half of them beyond 100 words, one in twenty beyond 500).
    """
    limit = f"limit=100000/60s,token_limit={TOKENS_PER_MINUTE}/60s"
    words, words_p95, mean = (_WORDS, None, _WORDS) if prompts == "alike" else (100, 500, 161)
    rate = 3.0 * TOKENS_PER_MINUTE / 60.0 / (mean + _MAX_TOKENS)
    caller = Caller(rate=rate, words=words, words_p95=words_p95, max_tokens=_MAX_TOKENS)
    return asyncio.run(_run(limit, counting, caller, seed, minutes=minutes, processes=processes))


async def _run(limit: str, counting: Counting, caller: Caller, seed: int, *, minutes: int, processes: int) -> Paced:
    clock = FakeClock()
    provider = ScriptedProvider(clock=clock, seed=seed)
    model = f"sim:{_ANSWER},{limit},announced" + (",bucket" if counting == "bucket" else "")
    route = route_to([(provider, model)])
    gates = GateSettings(pacing=PacingSettings(share=1.0 / processes))
    sites = [Site(clock, route, Settings(gates=gates, seed=seed + number)) for number in range(processes)]
    asked = caller.for_seconds(60.0 * minutes, seed)
    arrivals = [(sites[number % processes], each) for number, each in enumerate(asked)]
    await play(clock, arrivals, until_s=60.0 * minutes)
    return _paced(sites, asked, minutes)


def _paced(sites: Sequence[Site], asked: Sequence[Asked], minutes: int) -> Paced:
    facts = [fact for site in sites for record in site.records for fact in record.facts]
    calls = sum(type(fact) is AttemptStarted for fact in facts)
    throttled = sum(type(fact) is AttemptFailed and fact.code == "upstream_throttled" for fact in facts)
    most = asked[0].max_tokens
    prompts = [record.input_tokens for site in sites for record in site.records if record.outcome == "completed"]
    each = 1.0 if most is None else sum(prompts) / len(prompts) + most
    allowed = (PER_MINUTE if most is None else TOKENS_PER_MINUTE) * minutes
    return Paced(requests=len(asked), calls=calls, throttled=throttled, used=(calls - throttled) * each / allowed)
