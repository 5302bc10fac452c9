"""`make evaluate ARGS=masking`: 5,000 conversations; not one byte of a value may leave, and every one comes back."""

import argparse
import asyncio
import sys
import time

from evaluation.masking.conversations import Generator
from evaluation.masking.trial import Outcome, Trial


async def outcome_of(*, conversations: int, seed: int) -> Outcome:
    generator, trial = Generator(seed), Trial(seed)
    for _ in range(conversations):
        await trial.run(generator.conversation())
    return trial.outcome


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m evaluation masking", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--conversations", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    began = time.perf_counter()
    outcome = asyncio.run(outcome_of(conversations=chosen.conversations, seed=chosen.seed))
    lines = [
        f"seed {chosen.seed}, {time.perf_counter() - began:.0f} s",
        "",
        "| | measured | must |",
        "|---|---|---|",
        f"| conversations | {outcome.conversations:,} | |",
        f"| values in them | {outcome.values:,} | |",
        f"| requests encoded for providers | {outcome.encodings:,} ({outcome.sent_bytes / 1e6:.0f} MB) | |",
        f"| values found in what was to be sent | {len(outcome.left)} | 0 |",
        f"| answers in which not every value came back, or anything else did | {len(outcome.not_restored)} | 0 |",
        *(f"left for {where}: {value}" for where, value in outcome.left[:40]),
        *(each[:2000] for each in outcome.not_restored[:3]),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if outcome.left or outcome.not_restored else 0


if __name__ == "__main__":
    raise SystemExit(main())
