"""`penstock explain`: what would happen to a request, step by step, with no provider called."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from penstock.cli.settings import EXIT_FAILED, ConfigOption, config_file, load, refuse, with_options
from penstock.config.targets import PRIORITIES
from penstock.core.errors import ConfigError
from penstock.core.exchange import Principal

if TYPE_CHECKING:
    from rich.console import Console

    from penstock.config.explanation import Explanation, PlannedCall

_FIELDS = ("tenant", "project", "key", "user", "feature", "priority")
_PIPED_WIDTH = 160
_DIALECTS = ("openai-chat", "openai-responses", "anthropic")


def explain(
    request: Annotated[Path, typer.Argument(help="A file with the request's JSON body, or `-` for standard input.")],
    config: ConfigOption = None,
    dialect: Annotated[
        str, typer.Option("--dialect", help=f"How the request is written: {', '.join(_DIALECTS)}.")
    ] = "openai-chat",
    caller: Annotated[
        list[str] | None,
        typer.Option(
            "--as",
            help="Who asks, as in `--as tenant=acme`; also project, key, user, feature and priority. Decides which"
            " limits are met, and the place in a queue.",
        ),
    ] = None,
) -> None:
    """Print every stage, filter, route and call that a request would meet, and why.  No provider is called."""
    from rich.console import Console  # noqa: PLC0415 - heavy

    environ = with_options({})
    settings = load(config_file(config), environ)
    if dialect not in _DIALECTS:
        typer.echo(f"error: --dialect: expected one of {', '.join(_DIALECTS)}", err=True)
        raise typer.Exit(EXIT_FAILED)
    principal = _principal(caller or [])
    try:
        body = sys.stdin.buffer.read() if str(request) == "-" else request.read_bytes()
    except OSError as error:
        typer.echo(f"error: cannot read {request}: {error.strerror}", err=True)
        raise typer.Exit(EXIT_FAILED) from None
    from penstock.app.explain import explain as explained  # noqa: PLC0415 - heavy: only once the request is there

    try:
        explanation = asyncio.run(explained(settings, environ, body, dialect, principal))
    except ConfigError as error:
        refuse(error)
    # A pipe has no width of its own: there the reasons stand on one line each, so that they can be searched.
    show(explanation, Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _PIPED_WIDTH))
    if explanation.error is not None:
        raise typer.Exit(EXIT_FAILED)


def _principal(said: list[str]) -> Principal:
    """The caller that `--as` describes."""
    fields: dict[str, str] = {}
    for each in said:
        name, is_given, value = each.partition("=")
        if name not in _FIELDS or not is_given or not value:
            _refuse(f"--as: expected one of {', '.join(_FIELDS)}, as in `tenant=acme`, got `{each}`")
        fields[name] = value
    priority = fields.get("priority", PRIORITIES[0])
    if priority not in PRIORITIES:
        _refuse(f"--as: a priority is one of {', '.join(PRIORITIES)}, got `{priority}`")
    return Principal(
        tenant=fields.get("tenant", "explain"),
        key=fields.get("key", "explain"),
        project=fields.get("project"),
        user=fields.get("user"),
        feature=fields.get("feature"),
        priority=priority,
    )


def _refuse(message: str) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(EXIT_FAILED)


def show(explanation: "Explanation", console: "Console") -> None:
    """Print it."""
    from rich.markup import escape  # noqa: PLC0415 - heavy
    from rich.table import Table  # noqa: PLC0415 - heavy

    kind = "streamed" if explanation.is_streamed else "unary"
    console.print(
        f"[bold]{escape(explanation.model) or '?'}[/bold]  {explanation.dialect}, {kind},"
        f" config {explanation.config_hash}"
    )
    stages = Table("stage", "outcome", "why", "watches the answer", title="Admit", title_justify="left")
    for decision in explanation.stages:
        watches = "yes" if decision.has_filter else ""
        stages.add_row(escape(decision.stage), decision.outcome, escape(decision.why), watches)
    console.print(stages)
    if explanation.route is not None:
        console.print(
            f"Route [bold]{escape(explanation.route)}[/bold]: at most {explanation.max_attempts} attempts within"
            f" {explanation.deadline_s:g} s; a client that leaves: {explanation.gone_policy}"
        )
    for sentence in explanation.course:
        console.print(f"  {escape(sentence)}")
    for number, call in enumerate(explanation.calls, 1):
        _show_call(number, call, console)
    if explanation.filters:
        console.print(f"Answer passes: {escape(' → '.join(explanation.filters))}")
    if explanation.error is not None:
        console.print(f"[red]Ends here:[/red] {escape(explanation.error)}")


def _show_call(number: int, call: "PlannedCall", console: "Console") -> None:
    from rich.markup import escape  # noqa: PLC0415 - heavy

    console.print(f"{number}. [bold]{escape(call.target)}[/bold]  {call.dialect}, price {escape(call.price)}")
    if call.refusal is not None:
        console.print(f"   [yellow]would not be called:[/yellow] {escape(call.refusal)}")
        return
    console.print(f"   {call.method} {escape(call.url)}")
    for name, value in call.headers:
        console.print(f"   {escape(name)}: {escape(value)}")
    if call.dropped_fields:
        console.print(f"   left out (cannot change the answer): {escape(', '.join(call.dropped_fields))}")
    console.print(f"   {escape(call.body)}")
