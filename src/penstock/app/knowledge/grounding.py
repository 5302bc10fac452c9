"""Which models' answers are traced to their sources, and by what."""

from typing import TYPE_CHECKING

from penstock.config.knowledge import GroundingSettings
from penstock.config.types import Config
from penstock.core.clock import Clock
from penstock.core.ports import Stage
from penstock.server.service import Ground

if TYPE_CHECKING:
    from penstock.app.knowledge.tracing import Tracing
    from penstock.encoder.executor import Encoder


class PlaneGrounding:
    """`stages` is empty where no model's answers are traced.  `close` once, after the last exchange has settled."""

    def __init__(self, stages: tuple[Stage, ...] = (), tracing: "Tracing | None" = None) -> None:
        self.stages = stages
        self._tracing = tracing

    @property
    def ground(self) -> Ground | None:
        """For any answer and any sources; None where nothing that could do it is loaded."""
        return None if self._tracing is None else self._tracing.ground

    def close(self) -> None:
        if self._tracing is not None:
            self._tracing.close()


def open_grounding(config: Config, encoder: "Encoder | None", clock: Clock) -> PlaneGrounding:
    """Everything but running.  Raises `ConfigError` where the encoder is not the one that the judge was fitted on."""
    policies = groundings_of(config)
    if not policies or encoder is None:
        return PlaneGrounding()
    # Imported here: numpy, of an extra that not everybody has.
    from penstock.app.knowledge.tracing import Tracing  # noqa: PLC0415 - see above
    from penstock.guard.grounded.confidence import load_weights  # noqa: PLC0415 - same
    from penstock.guard.grounded.stage import GroundingStage, Parts  # noqa: PLC0415 - same

    tracing = Tracing(encoder)
    parts = Parts(trace=tracing.trace, align=tracing.align, weights=load_weights(), clock=clock)
    return PlaneGrounding((GroundingStage(policies, parts),), tracing)


def groundings_of(config: Config) -> dict[str, GroundingSettings]:
    """By model name."""
    return {
        name: model.knowledge.grounding
        for name, model in config.models.items()
        if model.knowledge is not None and model.knowledge.grounding is not None
    }


def may_hold(settings: GroundingSettings) -> bool:
    """Whether it keeps answers for a person."""
    if settings.mode == "shadow":
        return False
    return settings.action == "hold" or (settings.confidence is not None and settings.confidence.hold is not None)
