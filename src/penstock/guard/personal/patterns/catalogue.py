"""What is looked for: every pattern of personal data and of secrets, chosen by kind."""

from typing import Final

from penstock.guard.patterns.pattern import Pattern
from penstock.guard.personal.patterns.addresses import ADDRESSES
from penstock.guard.personal.patterns.contact import CONTACT
from penstock.guard.personal.patterns.dates import DATES
from penstock.guard.personal.patterns.documents import DOCUMENTS
from penstock.guard.personal.patterns.finance import FINANCE
from penstock.guard.personal.patterns.kinds import KINDS
from penstock.guard.personal.patterns.national_east import EAST
from penstock.guard.personal.patterns.national_north import NORTH
from penstock.guard.personal.patterns.national_south import SOUTH
from penstock.guard.personal.patterns.national_us import ANYWHERE
from penstock.guard.personal.patterns.national_west import WEST
from penstock.guard.personal.patterns.network import NETWORK
from penstock.guard.personal.patterns.occupations import OCCUPATIONS
from penstock.guard.personal.patterns.secrets import SECRETS

_ALL: Final = (
    *CONTACT, *FINANCE, *WEST, *NORTH, *SOUTH, *EAST, *ANYWHERE, *DOCUMENTS, *NETWORK, *DATES, *OCCUPATIONS, *ADDRESSES,
    *SECRETS,
)  # fmt: skip


def catalogue(kinds: frozenset[str] | None = None) -> tuple[Pattern, ...]:
    """The patterns of these kinds; of every kind for None.  Raises `ValueError` where a kind is unknown."""
    if kinds is None:
        return _ALL
    if unknown := kinds - KINDS:
        raise ValueError(f"no pattern has the kind {', '.join(sorted(unknown))}")
    return tuple(each for each in _ALL if each.kind in kinds)
