"""Which answers are looked at afterwards, for what, and by which model (`quality`, `models.*.quality`)."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Final, Literal, TypeAlias, get_args

import msgspec

from penstock.config.secret import Secret

Check: TypeAlias = Literal[
    "empty", "cut", "refusal", "loop", "format", "citations", "length", "language", "grounded", "confidence"
]
CHECKS: Final[tuple[Check, ...]] = get_args(Check)
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class QualityOverride(msgspec.Struct, frozen=True, kw_only=True):
    """What is otherwise for one model; what is None is as it is for all."""

    sample: Share | None = None
    checks: tuple[Check, ...] | None = None
    judged: Share | None = None


class JudgeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A model that is asked how good an answer was, through this installation's own data plane.

    `model` is one of `models`, asked with `key`, which is one of a tenant of its own.  Of the answers in the sample the
    share `judged` is shown to it; all its calls of a day (UTC) cost `budget_usd` at most.  `most_chars` of question and
    answer are shown each.  `rubric` takes the place of the built-in one.
    """

    model: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    key: Secret
    budget_usd: Decimal
    judged: Share = 1.0
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=600)] = 60.0
    most_chars: Annotated[int, msgspec.Meta(ge=200, le=100_000)] = 8_000
    rubric: Annotated[str, msgspec.Meta(min_length=20, max_length=8_000)] | None = None


class QualitySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Of the answers whose contents are kept, the share `sample` is looked at, by `checks`, and by `judge` if it is
    there.  Single scores are kept for `keep_days`; their sums stay.
    """

    sample: Share = 0.0
    checks: tuple[Check, ...] = (
        "empty",
        "cut",
        "refusal",
        "loop",
        "format",
        "citations",
        "length",
        "grounded",
        "confidence",
    )
    keep_days: Annotated[float, msgspec.Meta(gt=0, le=3_650)] = 90.0
    judge: JudgeSettings | None = None


class QualityPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for one model; `judged` is of all exchanges in the sample."""

    sample: float
    checks: tuple[Check, ...]
    judged: float


def quality_of(settings: QualitySettings, model: QualityOverride | None) -> QualityPolicy:
    own = model or QualityOverride()
    judge = settings.judge
    return QualityPolicy(
        sample=settings.sample if own.sample is None else own.sample,
        checks=settings.checks if own.checks is None else own.checks,
        judged=0.0 if judge is None else judge.judged if own.judged is None else own.judged,
    )


def broken_quality(
    settings: QualitySettings, models: Mapping[str, QualityOverride | None], *, kept: Mapping[str | None, bool]
) -> Iterator[tuple[str, str]]:
    """Path and message of every rule that is broken; `kept` says of which models contents are kept, for anybody, and
    under None whether of any at all.  Called by `rules`.
    """
    nothing = "no contents are kept (`contents.keep`), so that there is nothing to look at"
    if settings.sample > 0 and not any(kept.values()):
        yield "quality.sample", nothing
    if not settings.checks and settings.sample > 0:
        yield "quality.checks", "it names none, so that nothing would be looked for"
    for path, checks in (("quality.checks", settings.checks), *_own_checks(models)):
        if len(set(checks)) < len(checks):
            yield path, "it names something twice"
    for name, each in models.items():
        if each is None:
            continue
        policy = quality_of(settings, each)
        if each.sample and not kept.get(name, False):
            yield f"models.{name}.quality.sample", nothing
        if each.judged is not None and settings.judge is None:
            yield f"models.{name}.quality.judged", "there is no `quality.judge`"
        if policy.sample > 0 and not policy.checks:
            yield f"models.{name}.quality.checks", "it names none, so that nothing would be looked for"
    yield from _judge(settings, models)


def is_watched(settings: QualitySettings, models: Mapping[str, QualityOverride | None]) -> bool:
    """Whether any answer is looked at."""
    return settings.sample > 0 or any(quality_of(settings, each).sample > 0 for each in models.values())


def _own_checks(models: Mapping[str, QualityOverride | None]) -> Iterator[tuple[str, tuple[Check, ...]]]:
    for name, each in models.items():
        if each is not None and each.checks is not None:
            yield f"models.{name}.quality.checks", each.checks


def _judge(settings: QualitySettings, models: Mapping[str, QualityOverride | None]) -> Iterator[tuple[str, str]]:
    judge = settings.judge
    if judge is None:
        return
    if not is_watched(settings, models):
        yield "quality.judge", "no answer is in any sample: `quality.sample` is 0"
    if judge.model not in models:
        yield "quality.judge.model", "it names no model of `models`"
    if not judge.budget_usd.is_finite() or judge.budget_usd <= 0:
        yield "quality.judge.budget_usd", f"a budget is above zero, got {judge.budget_usd}"
    elif judge.budget_usd > 1_000_000:
        yield "quality.judge.budget_usd", "a million dollars a day is the most"
