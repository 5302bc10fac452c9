"""Everything that is wrong with a configuration, at once."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from penstock.core.errors import ConfigError


class InvalidConfig(ConfigError):
    """Holds every problem found, in the order of the file; `str()` has one line for each."""

    def __init__(self, problems: Sequence[ConfigError]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def lines_of(error: ConfigError) -> tuple[str, ...]:
    """Each of its problems as one line for people."""
    return tuple(str(each) for each in (error.problems if isinstance(error, InvalidConfig) else (error,)))


def refuse(problems: Iterable[ConfigError]) -> None:
    """Raise `InvalidConfig` if there are any."""
    found = tuple(problems)
    if found:
        raise InvalidConfig(found)


def closest(name: str, names: Iterable[str]) -> str | None:
    """The one of `names` that was probably meant, if any is near enough."""
    matches = get_close_matches(name.lower(), list(names), n=1, cutoff=0.6)
    return matches[0] if matches else None
