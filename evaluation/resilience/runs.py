"""The five acceptance runs, each over several seeds and summed up by its worst."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias

from evaluation.resilience.capacity import Found, find
from evaluation.resilience.failing import one_provider, two_providers
from evaluation.resilience.hedging import Hedging, slow_target
from evaluation.resilience.limited import Paced, requests_limited, tokens_limited
from evaluation.resilience.report import Row, Section
from evaluation.resilience.sharing import batch_flood, two_tenants

Run: TypeAlias = Callable[[Sequence[int]], Section]

_REQUESTS = 20_000
_HEDGED_REQUESTS = 6_000


def failing(seeds: Sequence[int]) -> Section:
    both = [two_providers(_REQUESTS, seed) for seed in seeds]
    fewer = [two_providers(_REQUESTS, seed, max_attempts=2) for seed in seeds[:1]]
    alone = [one_provider(_REQUESTS, seed) for seed in seeds]
    causes = sum((each.causes for each in both), start=both[0].causes.__class__())
    share, extra = min(each.share for each in both), max(each.extra for each in both)
    why = "; ".join(f"{number} \u00d7 {cause}" for cause, number in causes.most_common()) or "none failed"
    return Section(
        title="Two providers that fail and go down in turn",
        text=(
            "20,000 requests, 20 a second with bursts of 60, half of them streamed. Each provider fails 6 % of its "
            "calls (in equal parts: 500, 503, a reset, a stream cut before its first content, 429) and is down for "
            "one minute of every four, the two in turn. All settings are the defaults. No fault comes after the first "
            "content: nothing could be tried again then."
        ),
        rows=(
            Row(what="succeeded", measured=_percent(share, 3), bound="≥ 99.95 %", is_met=share >= 0.9995),
            Row(what="calls beyond one each", measured=_percent(extra), bound="≤ 10 %", is_met=extra <= 0.1),
            Row(what="why requests failed, all seeds", measured=why),
            Row(what="99th percentile of the whole answer", measured=f"{max(each.p99_s for each in both):.2f} s"),
            Row(what="with two attempts in place of four", measured=_percent(fewer[0].share, 2)),
            Row(
                what="one provider that never goes down, called directly",
                measured=_percent(min(each.share for each in alone), 2),
            ),
        ),
    )


def sharing(seeds: Sequence[int]) -> Section:
    floods = [batch_flood(seed) for seed in seeds]
    moved = max(each.moved for each in floods)
    answered = min(each.beside.answered / each.beside.requests for each in floods)
    even = max(two_tenants(seed, weight=1.0, minutes=1.0).off for seed in seeds)
    heavy = max(two_tenants(seed, weight=3.0, minutes=1.0).off for seed in seeds)
    return Section(
        title="A flood beside somebody who asks normally",
        text=(
            "A server with room for 24 calls. The interactive tenant uses two fifths of it; the batch tenant asks for "
            "50 times its share. Then two tenants of one class, one of which asks for twelve times all there is."
        ),
        rows=(
            Row(what="interactive p95 moves by", measured=_percent(moved), bound="< 10 %", is_met=moved < 0.1),
            Row(what="interactive requests answered", measured=_percent(answered), bound="100 %", is_met=answered == 1),
            Row(what="places in use", measured=_percent(min(each.busy for each in floods))),
            Row(what="equal tenants: off their share by", measured=_percent(even), bound="≤ 5 %", is_met=even <= 0.05),
            Row(what="weights 3 and 1: off by", measured=_percent(heavy), bound="≤ 5 %", is_met=heavy <= 0.05),
        ),
    )


def limited(seeds: Sequence[int]) -> Section:
    rows: list[Row] = []
    for processes, who in ((1, "one process"), (2, "two processes, half each")):
        rows += _paced(f"requests, window, {who}", (requests_limited("window", s, processes=processes) for s in seeds))
        rows += _paced(f"requests, bucket, {who}", (requests_limited("bucket", s, processes=processes) for s in seeds))
        rows += _paced(f"tokens, window, {who}", (tokens_limited("window", s, processes=processes) for s in seeds))
        rows += _paced(f"tokens, bucket, {who}", (tokens_limited("bucket", s, processes=processes) for s in seeds))
        rows += _paced(
            f"tokens, prompts of very different lengths, window, {who}",
            (tokens_limited("window", s, processes=processes, prompts="varied") for s in seeds),
        )
    return Section(
        title="A provider that announces its limit",
        text=(
            "100 requests a minute, or 30,000 tokens, announced in OpenAI's headers, asked for three times over for "
            "30 minutes. A window gives everything back at its end; a bucket fills evenly and is full at the start, "
            "so more than 100 % can be used."
        ),
        rows=tuple(rows),
    )


def _paced(what: str, runs: Iterable[Paced]) -> list[Row]:
    found = list(runs)
    throttled, used = max(each.share_throttled for each in found), min(each.used for each in found)
    return [
        Row(
            what=what,
            measured=f"{_percent(throttled, 2)} came back 429, {_percent(used)} used",
            bound="≤ 1 %, ≥ 95 %",
            is_met=throttled <= 0.01 and used >= 0.95,
        )
    ]


def hedging(seeds: Sequence[int]) -> Section:
    streams = [slow_target(_HEDGED_REQUESTS, seed, streamed=1.0) for seed in seeds]
    unary = [slow_target(_HEDGED_REQUESTS, seed, streamed=0.0) for seed in seeds]
    return Section(
        title="A target that is slow for a tenth of its calls",
        text=(
            "Two targets, the first of which takes 4.5 s longer for a tenth of its calls (its median is 0.5 s). "
            "Prompts of 200 tokens, answers of 100, at one dollar a million tokens in and four out. Hedging with its "
            "defaults: an answer that is not streamed is fetched as a stream, and its time is that of the whole."
        ),
        rows=(*_hedged("streams", "the first event", streams), *_hedged("not streamed", "the answer", unary)),
    )


def _hedged(what: str, until: str, runs: Sequence[Hedging]) -> list[Row]:
    saved, spend = min(each.saved for each in runs), max(each.hedged.spend for each in runs)
    before, after = max(each.without.p99_s for each in runs), max(each.hedged.p99_s for each in runs)
    return [
        Row(
            what=f"{what}: p99 to {until}",
            measured=f"{before:.2f} s becomes {after:.2f} s, {_percent(saved)} less",
            bound="≥ 60 % less",
            is_met=saved >= 0.6,
        ),
        Row(what=f"{what}: extra spend", measured=_percent(spend), bound="≤ 5 %", is_met=spend <= 0.05),
    ]


def capacity(seeds: Sequence[int]) -> Section:
    rows: list[Row] = []
    for what, refuses, initial in (
        ("calls wait there, begins at 32", False, 32),
        ("calls are refused there, begins at 1,000 (the default)", True, 1_000),
    ):
        rows += _found(what, [find(seed, refuses=refuses, initial=initial) for seed in seeds])
    return Section(
        title="How many calls a server takes at once",
        text=(
            "A server with room for 20 calls, then 8, then 20 again, ten minutes each, asked for half as much again as "
            "20 can do. Measured over the second half of each phase; the aim is a limit within 25 % and nine tenths "
            "of the room in use."
        ),
        rows=tuple(rows),
    )


def _found(what: str, runs: Sequence[Found]) -> list[Row]:
    rows: list[Row] = []
    for number, first in enumerate(runs[0].phases):
        phases = [each.phases[number] for each in runs]
        limits = " to ".join(f"{each(phase.limit for phase in phases):.1f}" for each in (min, max))
        busy, off = min(phase.busy for phase in phases), max(phase.off for phase in phases)
        refused = max(phase.refused for phase in phases)
        rows.append(
            Row(
                what=f"{what}: room for {first.places}",
                measured=f"limit {limits}, {_percent(busy)} in use, {_percent(refused)} refused",
                bound="within 25 %, ≥ 90 %",
                is_met=off <= 0.25 and busy >= 0.9,
            )
        )
    return rows


RUNS: Final[Mapping[str, Run]] = MappingProxyType(
    {"failing": failing, "sharing": sharing, "limited": limited, "hedging": hedging, "capacity": capacity}
)


def _percent(share: float, digits: int = 1) -> str:
    return f"{100.0 * share:.{digits}f} %"
