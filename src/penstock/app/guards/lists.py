"""Expressions that a configuration brings along: whether each can be used, asked before anything starts.

RE2 refuses what would fill the memory, and takes time linear in the text with the rest; a stream asks for a bound on
top of that.  A list that no model asks for is asked too: it is to be right on the day when one does.
"""

from collections.abc import Iterator

from penstock.config.problems import refuse
from penstock.config.types import Config
from penstock.core.errors import ConfigError


def check_lists(config: Config) -> None:
    """Raises `ConfigError` that says all that is wrong, each with its place in the file."""
    refuse(_refused(config))


def _refused(config: Config) -> Iterator[ConfigError]:
    if not config.guards.lists:
        return
    # Imported here: with RE2's syntax, which most planes have no use for.
    from penstock.guard.patterns.pattern import Pattern  # noqa: PLC0415 - see above
    from penstock.guard.patterns.prefixes import shape_of  # noqa: PLC0415 - see above

    for name, settings in config.guards.lists.items():
        for place, expression in enumerate(settings.patterns):
            path = f"guards.lists.{name}.patterns.{place}"
            try:
                shape_of(Pattern(path, settings.kind, expression))
            except ConfigError as error:
                yield config.problem(path, error.message.removeprefix(f"{path}: "))
