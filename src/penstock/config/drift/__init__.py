"""Whether and how assistants are watched for drift, as frozen values.  `console` hands them to `watch.drift`."""

from collections.abc import Iterator
from typing import Annotated

import msgspec

FEATURES = (
    "input_length",
    "familiarity",
    "retrieval",
    "personal_data",
    "output_length",
    "groundedness",
    "confidence",
    "blocked",
    "held",
    "failed",
    "cost",
    "latency",
    "refusal",
    "tone",
    "tool_use",
    "topics",
)
"""Of exchanges; what each is, `watch.drift.tally` says."""


class DriftSettings(msgspec.Struct, frozen=True, kw_only=True):
    """With `enabled` false nothing is summed up, and so there is no reference later.

    The reference is of up to `reference_weeks`, and at most so many `false_alarms_a_week` are made over all features of
    all assistants.  A window with fewer than `min_exchanges` is not judged.  `keep_days` is for sums and findings.
    """

    enabled: bool = True
    features: tuple[str, ...] = FEATURES
    reference_weeks: Annotated[int, msgspec.Meta(ge=2, le=26)] = 8
    false_alarms_a_week: Annotated[float, msgspec.Meta(gt=0, le=10)] = 1.0
    min_exchanges: Annotated[int, msgspec.Meta(ge=20, le=1_000_000)] = 50
    keep_days: Annotated[int, msgspec.Meta(ge=30, le=3650)] = 400


def broken_drift(drift: DriftSettings) -> Iterator[tuple[str, str]]:
    """Path and message of every rule that is broken.  Called by `rules`."""
    for place, feature in enumerate(drift.features):
        if feature not in FEATURES:
            yield f"drift.features.{place}", f"there is no such feature: {', '.join(FEATURES)}"
        elif feature in drift.features[:place]:
            yield f"drift.features.{place}", "it is named twice"
    if drift.enabled and not drift.features:
        yield "drift.features", "name one at least, or set `drift.enabled` to false"
    if drift.keep_days < 7 * (drift.reference_weeks + 2):
        yield "drift.keep_days", "the reference's weeks, and two more, must be kept"
