"""Has the watch look at generated traffic hour by hour, and holds what it finds against what was done to it."""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

from evaluation.drift.traffic import ASSISTANTS, Assistant, Change, World, make
from penstock.watch.drift.tally import FEATURES
from penstock.watch.drift.watching import Finding, Watch, look

WORKERS = os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Quiet:
    """An installation in which nothing happened, for so many weeks after those of the reference."""

    world: str
    weeks: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """One change of one assistant.  `delay_h` is until it was found; None where it was not."""

    world: str
    what: str
    daily: float
    delay_h: int | None
    before: int
    """Findings before there was any change: this change then was no fair trial."""
    more: int
    """Findings of the same feature after the first."""
    since_off_h: int | None = None


def watched(assistant: Assistant, begin: int, end: int, watch: Watch, features: Sequence[str]) -> list[Finding]:
    """All that is found by looking once an hour."""
    found: dict[str, list[Finding]] = {feature: [] for feature in features}
    for now in range(begin, end):
        for feature in features:
            new = look(assistant.series[feature], now, found[feature], watch)
            if new is not None:
                found[feature].append(new)
    return sorted((each for of in found.values() for each in of), key=lambda each: each.found)


def quiet(world: World, seed: int, weeks: int, watch: Watch) -> Quiet:
    findings: list[Finding] = []
    for number in range(ASSISTANTS):
        assistant = make(world, seed * 1000 + number, watch.weeks + weeks)
        findings += watched(assistant, watch.weeks * 168, assistant.hours, watch, tuple(FEATURES))
    return Quiet(world.name, weeks, tuple(findings))


def tried(world: World, seed: int, made: tuple[str, Change, float | None], watch: Watch) -> Tried:
    """A change at some hour of the week after those of the reference; it is watched for three weeks after."""
    what, change, daily = made
    weeks = watch.weeks + 1
    at = weeks * 168 + seed * 37 % 168
    moved = replace(change, begins=at + change.begins)
    assistant = make(
        world, 500_000 + seed, weeks + 4 + change.over_h // 168, daily=daily, changes=(moved,), only=(change.feature,)
    )
    end = min(assistant.hours, at + change.over_h + 21 * 24)
    findings = watched(assistant, watch.weeks * 168, end, watch, (change.feature,))
    after = [each for each in findings if each.found > at]
    first = after[0] if after else None
    return Tried(
        world.name,
        what,
        assistant.daily,
        None if first is None else first.found - at,
        len(findings) - len(after),
        max(0, len(after) - 1),
        None if first is None else abs(first.since - at),
    )


def all_quiet(worlds: Sequence[World], seeds: Sequence[int], weeks: int, watch: Watch) -> list[Quiet]:
    with ProcessPoolExecutor(WORKERS) as pool:
        jobs = [pool.submit(quiet, world, seed, weeks, watch) for world in worlds for seed in seeds]
        return [job.result() for job in jobs]


def all_tried(
    worlds: Sequence[World], seeds: Sequence[int], changes: Sequence[tuple[str, Change, float | None]], watch: Watch
) -> list[Tried]:
    with ProcessPoolExecutor(WORKERS) as pool:
        jobs = [pool.submit(tried, world, seed, each, watch) for world in worlds for each in changes for seed in seeds]
        return [job.result() for job in jobs]
