"""`penstock check`: would it start with this configuration?"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

from penstock.cli.settings import ConfigOption, DataDirOption, config_file, load, refuse, with_options
from penstock.core.clock import SystemClock
from penstock.core.errors import ConfigError


def check(config: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Check the configuration and say everything that is wrong with it; exit with 2 if anything is.

    What guards need is opened and their examples are read.  Nothing is called on the network, and nothing is written.
    """
    path = config_file(config)
    environ = with_options({"data_dir": data_dir})
    settings = load(path, environ)
    from penstock.admission.limits.rules.written import rules_of_file  # noqa: PLC0415 - heavy: only once the file is sound
    from penstock.app.encoder import encoder_files  # noqa: PLC0415 - heavy
    from penstock.app.guards.checking import check_guards  # noqa: PLC0415 - heavy
    from penstock.app.money.prices import check_prices  # noqa: PLC0415 - heavy
    from penstock.app.upstreams import connect, new_catalog  # noqa: PLC0415 - heavy
    from penstock.watch.rules.opening import rules_of  # noqa: PLC0415 - heavy

    try:
        rules = rules_of_file(settings)
        rules_of(settings)
        if settings.encoder.model is not None:
            encoder_files(settings)
        catalog = new_catalog(settings, connect(settings, environ, SystemClock()))
        check_guards(settings)
        check_prices(settings, SystemClock(), catalog.providers())
    except ConfigError as error:
        refuse(error)
    providers = [provider.name for provider in catalog.providers()]
    names = catalog.names()
    typer.echo(f"OK: {path or 'the defaults and the environment'}")
    typer.echo(f"  hash       {settings.config_hash}")
    typer.echo(f"  providers  {', '.join(providers) or 'none'}")
    typer.echo(f"  models     {', '.join(names[:20])}{' …' if len(names) > 20 else ''}")
    for line in _more_names(catalog.prefixes(), providers):
        typer.echo(line)
    if rules:
        typer.echo(f"  limits     {', '.join(rule.name for rule in rules)}")
    typer.echo(f"  data       {Path(settings.data_dir).resolve()}")
    typer.echo(f"  database   {'embedded PostgreSQL' if settings.database_url is None else 'database_url'}")


def _more_names(prefixes: Sequence[tuple[str, str]], providers: Sequence[str]) -> Iterator[str]:
    """The names beside the listed: what begins as a vendor's do, and what has its provider's name before it."""
    head = "  and also   "
    for provider in providers:
        begin = [prefix for prefix, owner in prefixes if owner == provider]
        if begin:
            yield f"{head}{', '.join(f'{prefix}…' for prefix in sorted(begin))}  (go to {provider})"
            head = " " * len(head)
    if providers:
        yield f"{head}any model of a provider as PROVIDER/MODEL, such as {providers[0]}/NAME"
