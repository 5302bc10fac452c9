"""A rule as it is looked at: its settings under a name, with what they name.  And the words for its figures."""

from dataclasses import dataclass
from typing import TypeAlias, cast

from penstock.config.alerts import RuleSettings
from penstock.watch.figures.catalog import FIGURES, Figure
from penstock.watch.objectives.objective import Objective
from penstock.watch.rollups.views import Dimension

Group: TypeAlias = tuple[str, ...]
"""Values of what a rule is `by`, in that order; of a gauge the control plane whose it is."""
PLANE = "plane"
MOST_GROUPS = 100
"""Of one rule, those with most exchanges; what fires or is about to comes first."""
_MOST_SHOWN = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`objective` is that of its settings, where they name one."""

    name: str
    settings: RuleSettings
    objective: Objective | None = None
    is_ready_made: bool = False

    @property
    def figure(self) -> Figure | None:
        return None if self.settings.figure is None else FIGURES[self.settings.figure]

    @property
    def by(self) -> tuple[Dimension, ...]:
        return cast("tuple[Dimension, ...]", self.settings.by)

    @property
    def where(self) -> dict[Dimension, str]:
        return cast("dict[Dimension, str]", self.settings.where)

    @property
    def names(self) -> tuple[str, ...]:
        """What the values of its groups are of."""
        return (PLANE,) if self.settings.gauge is not None else self.settings.by

    @property
    def is_of_too_little(self) -> bool:
        """Whether exchanges that have not arrived yet would make it hold."""
        settings = self.settings
        return (
            settings.kind in {"absence", "anomaly"} or settings.below is not None or settings.fall_percent is not None
        )

    @property
    def what(self) -> str:
        """What it is of, for people."""
        settings = self.settings
        if self.objective is not None:
            return f"the use of the error budget of {self.objective.name}"
        if self.figure is not None:
            return self.figure.title.lower()
        return f"{settings.tally or settings.gauge}"

    def tenant(self, group: Group) -> str | None:
        """Whose it is, where it is of one tenant."""
        named = dict(zip(self.names, group, strict=True))
        return named.get("tenant") or self.settings.where.get("tenant")

    def shown(self, value: float | None) -> str:
        """A value of it, for people."""
        if value is None:
            return "nothing"
        unit = self.figure.unit if self.figure is not None and self.settings.kind != "burn_rate" else "count"
        match unit:
            case "share":
                return f"{100 * value:.4g} %"
            case "nanousd":
                return f"${value / 1e9:,.4g}"
            case "seconds":
                return f"{value:.4g} s"
            case _:
                return f"{value:,.4g}" if value != round(value) else f"{value:,.0f}"


def named(rule: Rule, group: Group) -> str:
    """Which instance it is, for people: `assistant support`.  Names are other people's, and cut to something short."""
    parts = [f"{name} {_shown(value)}" for name, value in zip(rule.names, group, strict=True)]
    parts += [f"{name} {_shown(value)}" for name, value in rule.settings.where.items()]
    if rule.objective is not None and rule.objective.settings.assistant is not None:
        parts.append(f"assistant {_shown(rule.objective.settings.assistant)}")
    return ", ".join(parts) or "all"


def _shown(value: str) -> str:
    cut = value if len(value) <= _MOST_SHOWN else value[: _MOST_SHOWN - 1] + "…"
    return "".join(char if char.isprintable() else "\ufffd" for char in cut) or "(none)"
