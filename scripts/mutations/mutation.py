"""One deliberate fault."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """Replace `old`, which stands once in `file` (below src/penstock), by `new`; `tests` must then fail."""

    name: str
    file: str
    old: str
    new: str
    tests: str
