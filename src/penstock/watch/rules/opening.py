"""The rules out of the configuration, and what its types cannot say of them: whether there is such a figure, and sums
by all that a rule names.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import cast

from penstock.config import Config
from penstock.config.alerts import RuleSettings
from penstock.config.problems import closest
from penstock.core.errors import MalformedRequest
from penstock.watch.figures.catalog import FIGURES
from penstock.watch.figures.question import Question
from penstock.watch.objectives.objective import objectives_of
from penstock.watch.rollups.views import TALLIED, Dimension
from penstock.watch.rules.anomalies import ANOMALIES
from penstock.watch.rules.ready import READY_MADE, burn_rules
from penstock.watch.rules.rule import Rule

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rules_of(config: Config) -> tuple[Rule, ...]:
    """Those that are enabled, by name: the file's, and the ready-made ones that it does not name.

    Raises `ConfigError` for one that could not be looked at.
    """
    objectives = objectives_of(config.objectives)
    known = {each.name: each for each in objectives}
    ready = {**READY_MADE, **burn_rules(objectives)} if config.alerts.ready_made else {}
    for name, settings in config.alerts.rules.items():
        for path, problem in _broken(settings) if settings.enabled else ():  # the first is enough to say
            raise config.problem(f"alerts.rules.{name}{path}", problem)
    rules = {name: (settings, True) for name, settings in ready.items()}
    rules |= {name: (settings, False) for name, settings in config.alerts.rules.items()}
    return tuple(
        Rule(
            name=name,
            settings=settings,
            objective=None if settings.objective is None else known[settings.objective],
            is_ready_made=is_ready_made,
        )
        for name, (settings, is_ready_made) in sorted(rules.items())
        if settings.enabled
    )


def _broken(settings: RuleSettings) -> Iterator[tuple[str, str]]:
    if settings.kind == "anomaly" and ANOMALIES is None:
        yield ".kind", "nothing here tells what is usual"
    if settings.figure is not None and settings.figure not in FIGURES:
        meant = closest(settings.figure, FIGURES)
        yield ".figure", f"there is no figure `{settings.figure}`" + (f": did you mean `{meant}`?" if meant else "")
        return
    named = {*settings.by, *settings.where}
    if settings.tally is not None and not named.issubset(TALLIED.dimensions):
        yield "", f"what happened is counted by {', '.join(TALLIED.dimensions)} only"
    if settings.figure is None:
        return
    figure = FIGURES[settings.figure]
    length = timedelta(seconds=settings.window_s)
    question = Question(
        since=_EPOCH,
        until=_EPOCH + length,
        by=_dimensions(settings),
        times=frozenset(figure.times),
    )
    try:
        _ = question.view
    except MalformedRequest as error:
        yield "", error.public


def _dimensions(settings: RuleSettings) -> tuple[Dimension, ...]:
    return cast("tuple[Dimension, ...]", tuple(dict.fromkeys((*settings.by, *settings.where))))
