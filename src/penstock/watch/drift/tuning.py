"""The constants of the comparison, chosen on traffic that no report uses (`evaluation drift --fit`)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """Deviations named as a part are parts of one exchange's own deviation."""

    least: float = 0.02
    """A change below this is none that anybody need know: it is taken off before a change is judged."""
    prior: float = 0.05
    """How far windows usually lie apart, beyond what their number of exchanges explains."""
    prior_cells: float = 6.0
    """For how many windows of the reference that counts."""
    alike: float = 0.03
    """How far hours lie apart, as a variance, for what their exchanges together are worth."""
    traffic: float = 0.10
    """How far a window may lie off because there is more or less traffic than usual, for each factor of e."""
    looks: float = 2.0
    """Independent looks that hourly looks at a sliding window are worth, while it moves by its own length: so many that
    the budget is kept, since a difference is judged more strictly than it need be elsewhere."""
    quiet_days: float = 7.0
    """After a finding a further change the same way is one of its own only if it is as large again."""


FITTED = Tuning()
