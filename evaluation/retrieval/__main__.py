"""`python -m evaluation retrieval [quality|access|speed|trial] [--trials N] [--chunks N]`: Markdown tables.

The sets are not in the repository: PENSTOCK_EVALUATION_DATA names the folder that they lie in.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

import psycopg

from evaluation.retrieval.access import try_access
from evaluation.retrieval.crowd import fill_crowd
from evaluation.retrieval.enterprise import FORMATS, enterprise
from evaluation.retrieval.loaded import fresh_database, load
from evaluation.retrieval.memo import Memo
from evaluation.retrieval.quality import measure
from evaluation.retrieval.sets import code, handbook, scifact
from evaluation.retrieval.speed import measure_speed
from evaluation.retrieval.trial.left import left_behind
from evaluation.retrieval.trial.play import Play
from evaluation.retrieval.trial.site import running
from penstock.config.texts.encoder import EncoderSettings
from penstock.encoder.load import load_model


def main() -> int:
    parser = argparse.ArgumentParser(prog="evaluation retrieval")
    parser.add_argument("what", nargs="?", choices=("quality", "access", "speed", "trial"), default="quality")
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--chunks", type=int, default=100_000)
    arguments = parser.parse_args()
    memo = Memo(load_model(EncoderSettings(), beside=Path()))
    if arguments.what == "trial":
        return _trial(memo, arguments.trials)
    with fresh_database() as url, psycopg.connect(url, autocommit=True) as connection:
        match arguments.what:
            case "quality":
                _quality(connection, memo)
            case "access":
                return _access(connection, url, memo, arguments.trials)
            case _:
                _speed(connection, memo, arguments.chunks)
    return 0


def _quality(connection: psycopg.Connection, memo: Memo) -> None:
    _say("| set | by | questions | nDCG@10 | recall@5 | @10 | @20 |\n|---|---|---|---|---|---|---|")
    for of in (scifact, handbook, code, *(partial(enterprise, kind) for kind in FORMATS)):
        for row in measure(connection, of(), memo):
            recall = " | ".join(f"{100 * each:.1f}" for each in row.recall)
            _say(f"| {row.of} | {row.way} | {row.questions} | {100 * row.ndcg:.1f} | {recall} |")


def _access(connection: psycopg.Connection, url: str, memo: Memo, trials: int) -> int:
    of = handbook()
    loaded = load(connection, of, memo)
    with psycopg.connect(url, autocommit=True) as second:
        found = try_access(loaded, second, [each.text for each in of.questions], trials=trials)
    _say("| searches | passages | changes of rights meanwhile | leaks | fewer rows than k |\n|---|---|---|---|---|")
    _say(f"| {found.searches} | {found.passages} | {found.changes} | {found.leaks} | {found.short} |")
    return 1 if found.leaks or found.short else 0


def _trial(memo: Memo, trials: int) -> int:
    with running(memo) as site:
        found = Play(site).run(trials)
        left = left_behind(site)
    _say("| | |\n|---|--:|")
    for name, count in (
        ("trials", found.trials),
        ("changes of rights meanwhile", found.changes),
        *((f"answered {name}", count) for name, count in sorted(found.statuses.items())),
        *((f"cache: {name}", count) for name, count in sorted(found.cache.items())),
        *((f"secrets told, {name}", count) for name, count in sorted(found.told.items())),
        ("leaks", len(found.leaks)),
    ):
        _say(f"| {name} | {count} |")
    for each in (*found.leaks[:20], *(f"left behind: {each}" for each in left)):
        _say(each)
    return 1 if found.leaks or left else 0


def _speed(connection: psycopg.Connection, memo: Memo, chunks: int) -> None:
    base = fill_crowd(connection, [scifact(), handbook()], memo, chunks=chunks, say=_say)
    queries = [each.text for each in (*scifact().questions[:150], *handbook().questions[:150])]
    _say("| may be read | searches | p50 ms | p99 ms | server's processor ms | ours | fewer rows than k |")
    _say("|---|---|---|---|---|---|---|")
    for row in measure_speed(connection, base, memo, queries):
        times = f"{row.p50:.1f} | {row.p99:.1f} | {row.server:.1f} | {row.client:.1f}"
        _say(f"| {row.allowed} | {row.searches} | {times} | {row.short} |")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
