"""`penstock encoder`: build the model that texts are read with, check it, say what it is."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.settings import ConfigOption, config_file, load, refuse, with_options
from penstock.core.clock import SystemClock
from penstock.core.errors import ConfigError

if TYPE_CHECKING:
    from penstock.config import Config
    from penstock.encoder.executor import Encoder

encoder = typer.Typer(
    name="encoder", help="The sentence encoder: cache, routing and guards read texts with it.", no_args_is_help=True
)

_PROBES = ("How do I get a refund?", "I want my money back.", "The weather is fine today.")


@encoder.callback()
def _group() -> None:
    """The sentence encoder: cache, routing and guards read texts with it."""


@encoder.command("build")
def build(
    again: Annotated[bool, typer.Option("--again", help="Even where it is built already.")] = False,
) -> None:
    """Build the model from its installed weights, unless it is there already; takes a few seconds, no network."""
    from penstock.encoder.files import check as check_files  # noqa: PLC0415 - a command imports what it runs
    from penstock.encoder.files import default_folder  # noqa: PLC0415 - same

    folder = default_folder()
    if not again:
        try:
            check_files(folder)
        except ConfigError:
            pass  # not there, damaged, or of another version: it is built
        else:
            typer.echo(f"The encoder is there: {folder}")
            return
    clock = SystemClock()
    began_s = clock.monotonic()
    with _told():
        from penstock.encoder.build import build as build_model  # noqa: PLC0415 - same

        build_model(folder, say=lambda step: typer.echo(f"  {step} …", err=True))
    typer.echo(f"The encoder is built in {clock.monotonic() - began_s:.1f} s: {folder}")


@encoder.command("check")
def check(config: ConfigOption = None) -> None:
    """Verify the model's files, load it and read three sentences; exit with 2 where anything is wrong."""
    opened = _open(load(config_file(config), with_options({})))
    try:
        refund, money, weather = (opened.model.encode(text).sentence for text in _PROBES)
    finally:
        opened.close()
    alike, unlike = float(refund @ money), float(refund @ weather)
    if not alike > unlike:
        with _told():
            raise ConfigError(
                f"the encoder finds “{_PROBES[0]}” nearer to “{_PROBES[2]}” ({unlike:.2f}) than to “{_PROBES[1]}” "
                f"({alike:.2f}): its model and tokenizer do not belong together"
            )
    typer.echo(f"OK: {opened.identity}")
    typer.echo(f"  {alike:.2f}  {_PROBES[0]} / {_PROBES[1]}")
    typer.echo(f"  {unlike:.2f}  {_PROBES[0]} / {_PROBES[2]}")


@encoder.command("info")
def info(config: ConfigOption = None) -> None:
    """Say which model it is, where it lies, and what its vectors depend on; exit with 2 where it cannot be used."""
    settings = load(config_file(config), with_options({}))
    from penstock.app.encoder import encoder_files  # noqa: PLC0415 - a command imports what it runs

    opened = _open(settings)
    opened.close()
    with _told():
        files = encoder_files(settings)
    chosen = settings.encoder
    typer.echo(f"model      {files.model} ({files.model.stat().st_size / 1e6:.0f} MB)")
    typer.echo(f"tokenizer  {files.tokenizer}")
    typer.echo(f"weights    {opened.weights_sha256}")
    typer.echo(f"identity   {opened.identity}")
    typer.echo(f"vectors    {opened.width} numbers, pooling {chosen.pooling}")
    typer.echo(f"windows    {chosen.windows} of {chosen.max_tokens} tokens")
    typer.echo(f"threads    {chosen.threads}, and {chosen.max_waiting} texts may wait")
    typer.echo(f"memory     {chosen.memory_mib} MiB of texts read lately")


def _open(settings: "Config") -> "Encoder":
    from penstock.app.encoder import load_encoder  # noqa: PLC0415 - a command imports what it runs

    with _told():
        return load_encoder(settings)


@contextmanager
def _told() -> Generator[None]:
    """What is wrong goes to standard error, and the command exits with 2."""
    try:
        yield
    except ConfigError as error:
        refuse(error)
