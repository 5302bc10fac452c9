"""Who judges the rules of the kind `anomaly`: without anybody such a rule is refused at the start."""

from typing import Final

from penstock.watch.rules.judge import Judge

ANOMALIES: Final[Judge | None] = None
