"""The command `penstock`: one module for each subcommand.

Only the module of the command that was asked for is imported, and each imports what is heavy when it runs; `version`
needs none of it.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import penstock

if TYPE_CHECKING:
    import typer

_COMMANDS = (
    "up",
    "serve",
    "control",
    "check",
    "explain",
    "sim",
    "demo",
    "ledger",
    "tenant",
    "key",
    "limit",
    "budget",
    "alert",
    "target",
    "reload",
    "savings",
    "prices",
    "costs",
    "top",
    "report",
    "dashboards",
    "cache",
    "vault",
    "encoder",
    "guard",
    "kb",
    "worker",
    "version",
)
_ADMIN = frozenset(
    {"tenant", "key", "limit", "budget", "alert", "target", "reload", "savings", "prices", "costs", "cache", "vault"}
)
"""Those in the folder `admin`."""
_HIDDEN = frozenset({"control"})


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; ends with `SystemExit`."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given in (["version"], ["--version"]):
        print(penstock.__version__)
        return
    from penstock.core.importing import kept_for_good  # noqa: PLC0415 - see the module

    with kept_for_good():
        app = _build(given)
    app(given, prog_name="penstock")


def _build(arguments: Sequence[str]) -> "typer.Typer":
    from penstock.core.importing import hidden  # noqa: PLC0415 - see the module

    # It would read rich for tracebacks in colour, a twentieth of each start; ours are formatted before they come to it.
    with hidden("rich"):
        import_module("structlog")
    import typer  # noqa: PLC0415 - see the module

    app = typer.Typer(
        name="penstock",
        help="Everything that stands between a call of a language model and a service that can be relied on.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)  # makes it a group, however few commands are loaded
    wanted = arguments[0] if arguments else ""
    for name in [wanted] if wanted in _COMMANDS else _COMMANDS:
        entry = getattr(import_module(f"penstock.cli.{'admin.' if name in _ADMIN else ''}{name}"), name)
        if isinstance(entry, typer.Typer):
            app.add_typer(entry, name=name)
        else:
            app.command(name, hidden=name in _HIDDEN)(entry)
    return app


def _root() -> None:
    pass
