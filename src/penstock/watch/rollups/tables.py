"""The tables of the sums, by what they are of and by grain.

Those of minutes and hours are written with the rows they are of (`rollups.store`), those of days and months once these
are over (`rollups.closing`); `figures.reading` says which of them a question is answered from.
"""

from dataclasses import dataclass
from typing import Final, LiteralString


@dataclass(frozen=True, slots=True)
class Tables:
    """What is kept of each grain, with all columns or some."""

    minute: LiteralString | None
    hour: LiteralString
    day: LiteralString
    month: LiteralString
    columns: LiteralString = "*"


SUMS_OF_SERIES: Final = Tables("rollup_minutes", "rollup_hours", "rollup_days", "rollup_months")
TALLIES: Final = Tables("rollup_tally_minutes", "rollup_tally_hours", "rollup_tally_days", "rollup_tally_months")
TALLIES_OF_ALL: Final = Tables(
    TALLIES.minute, TALLIES.hour, "rollup_tally_all_days", "rollup_tally_all_months", columns="at, name, amount"
)
"""Where nobody asks whose they are: days and months of all series together."""
QUALITY: Final = Tables(None, "quality_hours", "quality_days", "quality_months")
"""Of what was found of answers (`watch.quality.sums`): written when somebody has looked at them."""
KEY_DAYS: Final[LiteralString] = "rollup_key_days"
"""How each key was used on a closed day."""
CLOSED: Final[LiteralString] = "rollup_closed"
"""The days and months whose rows are whole; the view `rollup_whole` has those that were closed as of `VERSION`."""
VERSION: Final = 3
"""Of what is made of a closed day or month.  An older release that runs beside this one makes less: 1 had no
`TALLIES_OF_ALL`, 2 no sums of quality.  Whatever raises it replaces the view."""
EVERY: Final[tuple[LiteralString, ...]] = (
    CLOSED,
    *dict.fromkeys(
        table
        for of in (SUMS_OF_SERIES, TALLIES, TALLIES_OF_ALL)
        for table in (of.minute, of.hour, of.day, of.month)
        if table is not None
    ),
    KEY_DAYS,
)
"""What is made of the ledger, and can be made anew of it: all together, or none; in the order in which whoever writes
takes them."""
