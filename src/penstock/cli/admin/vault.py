"""`penstock vault …`: erasing what tokens of conversations stand for, over the admin API."""

from typing import Annotated

import typer

from penstock.cli.admin.api import AdminApi, AsJson, ConfigFile, DataDirPath, Url, show

vault = typer.Typer(name="vault", help="What tokens of conversations stand for.", no_args_is_help=True)


@vault.callback()
def _group(context: typer.Context, url: Url = None, data_dir: DataDirPath = None, config: ConfigFile = None) -> None:
    """What tokens of conversations stand for."""
    context.obj = lambda: AdminApi(url=url, data_dir=data_dir, config=config)


@vault.command("erase")
def erase(
    context: typer.Context,
    tenant: Annotated[str, typer.Argument(help="Whose conversations must go.")],
    user: Annotated[str | None, typer.Option(help="Of this user only.")] = None,
    as_json: AsJson = False,
) -> None:
    """Forget a tenant's conversations, or one user's, in every process."""
    api: AdminApi = context.obj()
    answer = api.call("DELETE", "/vault", query={"tenant": tenant, "user": user})
    show(answer, as_json=as_json, text=lambda: f"erased {answer['conversations']} conversations")
