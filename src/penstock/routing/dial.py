"""The quality dial: from the share of quality that is to be kept to the tier of one request.

The complexity head says how much a request would gain from the strongest tier.  On data where both tiers' answers were
judged it is known which share of requests must go to the stronger one, the highest scores first, to keep so much of the
gap between the two.  Tiers in between have no such data: each is taken to be worth an even step of the gap, and they
take the requests around the line between the two, half as far to either side as there is room.

Outcomes move the share, within bounds (adaptive conformal inference, https://arxiv.org/abs/2106.00170): by `step` times
how far an outcome lies above the wanted share of failures.  Called by `stage`.
"""

from penstock.config.routing.settings import LearnSettings
from penstock.routing.complexity import Complexity, Scale


class Dial:
    """The dial of one model; one for each process, used by one thread."""

    def __init__(self, quality: float, tiers: int, learn: LearnSettings, head: Complexity) -> None:
        self._quality = quality
        self._head = head
        self._tiers = tiers
        self._learn = learn
        self._set: dict[Scale, float] = {
            "full": head.share_for(quality, "full"),
            "wording": head.share_for(quality, "wording"),
        }
        self.shift = 0.0
        """What was learned: so much more goes to a stronger tier than `quality` says."""
        self.outcomes = 0
        self.failures = 0

    def share(self, scale: Scale = "full") -> float:
        """The share of requests like those of the calibration that goes to the strongest tier."""
        return min(1.0, max(0.0, self._set[scale] + self.shift))

    def tier(self, score: float, scale: Scale) -> int:
        """The tier's place, from 0 for the weakest."""
        above = self._head.share_above(score, scale)
        for place in range(self._tiers - 1, 0, -1):
            if above < self.reach(place, scale):
                return place
        return 0

    def reach(self, place: int, scale: Scale = "full") -> float:
        """The share that goes to the tier at `place` or a stronger one."""
        share = self.share(scale)
        if place == 0:
            return 1.0
        if self._tiers == 2:
            return share
        room = min(share, 1.0 - share) / 2.0
        return share + room * (1.0 - 2.0 * (place - 1) / (self._tiers - 2))

    def threshold(self, place: int, scale: Scale) -> float:
        """The score from which on a request goes to the tier at `place` or a stronger one."""
        return self._head.score_at(self.reach(place, scale), scale)

    def learn(self, *, failed: bool) -> None:
        """Take in an outcome of a tier below the strongest: whether its answer was not good enough."""
        self.outcomes += 1
        self.failures += failed
        if self._learn.enabled:
            moved = self.shift + self._learn.step * (float(failed) - self._learn.failures)
            self.shift = min(self._learn.within, max(-self._learn.within, moved))
