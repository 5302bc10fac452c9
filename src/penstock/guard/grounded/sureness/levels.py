"""What is to follow from how sure an answer is: its confidence, and what is told beside that number."""

from dataclasses import dataclass
from typing import Literal

from penstock.config.knowledge import ConfidenceSettings

Level = Literal["deliver", "notice", "hold"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sureness:
    """What is known of one answer; None is not known.

    `log_probability` is the mean of its tokens', `agreement` the answer's with what its model said when asked again.
    Neither is a part of `confidence`.
    """

    confidence: float | None = None
    log_probability: float | None = None
    agreement: float | None = None


class Levels:
    """The thresholds of one model, on one answer.  Where its confidence is not known they ask for nothing."""

    def __init__(self, settings: ConfidenceSettings | None, sure: Sureness) -> None:
        self._settings = settings
        self._sure = sure

    @property
    def level(self) -> Level:
        """What is to become of it by itself."""
        return self._asked(is_unsteady=self.is_unsteady)[0]

    @property
    def needs_second(self) -> bool:
        """Whether others are to be asked for a second opinion."""
        return self._asked(is_unsteady=self.is_unsteady)[1]

    @property
    def is_unsteady(self) -> bool:
        """Whether the model, asked again, said less of it than it must."""
        settings, agreement = self._settings, self._sure.agreement
        if settings is None or settings.samples is None or agreement is None:
            return False
        return agreement < settings.samples.agreement

    def needs_samples(self, *, has_others: bool) -> bool:
        """Whether the model is to be asked again: where what it says then may change what becomes of the answer.

        `has_others` says that there is somebody to ask for a second opinion.
        """
        settings, confidence = self._settings, self._sure.confidence
        if settings is None or settings.samples is None or confidence is None:
            return False
        if settings.samples.below is not None and confidence >= settings.samples.below:
            return False
        steady, unsteady = self._asked(is_unsteady=False), self._asked(is_unsteady=True)
        return steady != unsteady if has_others else steady[0] != unsteady[0]

    def _asked(self, *, is_unsteady: bool) -> tuple[Level, bool]:
        settings, confidence = self._settings, self._sure.confidence
        if settings is None or confidence is None:
            return "deliver", False
        is_doubtful = is_unsteady or self._is_unlikely
        level: Level = "deliver"
        if settings.hold is not None and (is_unsteady or confidence < settings.hold):
            level = "hold"
        elif settings.notice is not None and (is_doubtful or confidence < settings.notice):
            level = "notice"
        edge = settings.second_opinion
        return level, edge is not None and (is_doubtful or confidence < edge)

    @property
    def _is_unlikely(self) -> bool:
        """Whether the model itself was less sure of its words than it may be, where it said so."""
        settings, mean = self._settings, self._sure.log_probability
        if settings is None or settings.log_probability is None or mean is None:
            return False
        return mean < settings.log_probability
