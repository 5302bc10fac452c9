"""Who judges the rules of the kind `anomaly`; where it is None, such a rule is refused at the start."""

from typing import Final

from penstock.watch.drift.anomaly import judge
from penstock.watch.rules.judge import Judge

ANOMALIES: Final[Judge | None] = judge
