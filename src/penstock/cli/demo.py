"""`penstock demo`: real questions against the same failing provider, directly, through Penstock, and once more."""

from typing import Annotated

import typer


def demo(
    questions: Annotated[int, typer.Option(min=10, max=300, help="How many questions to ask in each pass.")] = 300,
    speed: Annotated[float, typer.Option(min=0.5, max=20.0, help="How many times faster than real time.")] = 4.0,
    seed: Annotated[int, typer.Option(help="Equal seeds meet equal faults.")] = 0,
    direct_retries: Annotated[
        int, typer.Option(min=0, max=5, help="Retries of the direct client; official SDKs do 2, a prototype none.")
    ] = 0,
) -> None:
    """Compare a prototype with a service: the same questions directly and through Penstock."""
    from rich.console import Console  # noqa: PLC0415 - a command imports what it runs when it runs

    from penstock.demo.processes import DemoError  # noqa: PLC0415 - same
    from penstock.demo.run import Settings, run  # noqa: PLC0415 - same

    settings = Settings(questions=questions, speed=speed, seed=seed, direct_retries=direct_retries)
    try:
        run(settings, Console())
    except DemoError as error:
        typer.echo(f"penstock demo: {error}", err=True)
        raise typer.Exit(1) from None
