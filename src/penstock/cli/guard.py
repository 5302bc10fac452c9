"""`penstock guard`: what the guards say of a text."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from penstock.cli.settings import EXIT_FAILED, ConfigOption, config_file, load, refuse, with_options
from penstock.core.errors import ConfigError

if TYPE_CHECKING:
    from penstock.app.guards.trial import Said, Trial

guard = typer.Typer(name="guard", help="The guards: what they say of a text.", no_args_is_help=True)

_TRUSTS: Final = ("system", "developer", "user", "tool_result", "retrieved", "model")
_MOST_SHOWN: Final = 100


@guard.callback()
def _group() -> None:
    """The guards: what they say of a text."""


@guard.command("test")
def judge(
    file: Annotated[Path, typer.Argument(help="A file with the text, or `-` for standard input.")],
    model: Annotated[str, typer.Option("--model", help="Whose guards; without it those of every other model.")] = "",
    trust: Annotated[str, typer.Option("--as", help=f"Who wrote it: {', '.join(_TRUSTS)}.")] = "user",
    tenant: Annotated[str, typer.Option("--tenant", help="For whom it is judged.")] = "default",
    config: ConfigOption = None,
) -> None:
    """Print each guard's verdict with what it found and where, and the text as a model would see it.

    Exits with 3 where a guard blocks it, or could not judge what nothing may pass without.
    """
    if trust not in _TRUSTS:
        typer.echo(f"error: --as: expected one of {', '.join(_TRUSTS)}", err=True)
        raise typer.Exit(EXIT_FAILED)
    settings = load(config_file(config), with_options({}))
    try:
        text = (sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()).decode("utf-8", "replace")
    except OSError as error:
        typer.echo(f"error: cannot read {file}: {error.strerror}", err=True)
        raise typer.Exit(EXIT_FAILED) from None
    from penstock.app.guards.trial import try_text  # noqa: PLC0415 - heavy: only once the text is there

    try:
        trial = asyncio.run(try_text(settings, model, text, trust=trust, tenant=tenant))
    except ConfigError as error:
        refuse(error)
    _show(trial)
    if trial.sent is None:
        raise typer.Exit(3)


def _show(trial: "Trial") -> None:
    if not trial.said:
        typer.echo("No guard judges this text.")
    for said in trial.said:
        mode = "" if said.mode == "enforce" else f" ({said.mode})"
        verdict = f"could not judge: {said.failed}; fail {said.fail}" if said.failed else said.action
        typer.echo(f"{said.guard}{mode}: {verdict}  {said.took_s * 1000:.1f} ms")
        for line in _findings(said):
            typer.echo(f"  {line}")
    if trial.sent is None:
        typer.echo("\nNothing is sent.")
    else:
        typer.echo("\nA model sees:")
        typer.echo(trial.sent)


def _findings(said: "Said") -> list[str]:
    lines = [
        f"{finding.begin}-{finding.end}  {action}  {finding.rule}  {finding.kind}  {finding.score:.2f}  {text!r}"
        for finding, action, text in said.found[:_MOST_SHOWN]
    ]
    rest = len(said.found) - len(lines)
    return [*lines, f"and {rest} more"] if rest else lines
