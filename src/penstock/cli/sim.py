"""`penstock sim`: the simulated providers as a server, until it is told to stop."""

from pathlib import Path
from typing import Annotated

import typer


def sim(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8090,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    seed: Annotated[int, typer.Option(help="Equal seeds give equal answers and equal faults.")] = 0,
    profile: Annotated[Path | None, typer.Option(help="YAML file of models and how they behave.")] = None,
) -> None:
    """Serve simulated providers: OpenAI, Anthropic and Gemini APIs with latency and faults on order."""
    from penstock.core.errors import ConfigError  # noqa: PLC0415 - a command imports what it runs when it runs
    from penstock.testing.sim import Profile, read_profile  # noqa: PLC0415 - same
    from penstock.testing.sim.serve import serve  # noqa: PLC0415 - same

    try:
        serve(host=host, port=port, seed=seed, profile=read_profile(profile) if profile is not None else Profile())
    except (ConfigError, OSError) as error:
        typer.echo(f"penstock sim: {error}", err=True)
        raise typer.Exit(2) from None
