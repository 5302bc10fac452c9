"""`penstock check`: would it start with this configuration?"""

import typer

from penstock.cli.settings import ConfigOption, config_file, load, refuse, with_options
from penstock.core.clock import SystemClock
from penstock.core.errors import ConfigError


def check(config: ConfigOption = None) -> None:
    """Check the configuration and say everything that is wrong with it; exit with 2 if anything is.

    Nothing is called on the network.
    """
    path = config_file(config)
    environ = with_options({})
    settings = load(path, environ)
    from penstock.app.data_plane import new_catalog  # noqa: PLC0415 - heavy: only once the file is sound
    from penstock.app.upstreams import connect  # noqa: PLC0415 - heavy

    try:
        catalog = new_catalog(settings, connect(settings, environ, SystemClock()))
    except ConfigError as error:
        refuse(error)
    providers = ", ".join(provider.name for provider in catalog.providers()) or "none"
    names = catalog.names()
    typer.echo(f"OK: {path or 'the defaults and the environment'}")
    typer.echo(f"  hash       {settings.config_hash}")
    typer.echo(f"  providers  {providers}")
    typer.echo(f"  models     {', '.join(names[:20])}{' …' if len(names) > 20 else ''}")
    typer.echo(f"  data       {settings.data_dir}")
    typer.echo(f"  database   {'embedded PostgreSQL' if settings.database_url is None else 'database_url'}")
