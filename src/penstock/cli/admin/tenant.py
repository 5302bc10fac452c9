"""`penstock tenant …`: tenants and their projects, over the admin API."""

from typing import Annotated, Any

import typer

from penstock.cli.admin.api import AdminApi, AsJson, ConfigFile, DataDirPath, Url, quoted, show, table

tenant = typer.Typer(name="tenant", help="Tenants and their projects.", no_args_is_help=True)

TenantId = Annotated[str, typer.Argument(help="The tenant's id.")]
_COLUMNS = ("id", "name", "plan", "weight", "time_zone", "suspended_at", "created_at")


@tenant.callback()
def _group(context: typer.Context, url: Url = None, data_dir: DataDirPath = None, config: ConfigFile = None) -> None:
    """Tenants and their projects."""
    context.obj = lambda: AdminApi(url=url, data_dir=data_dir, config=config)


def _api(context: typer.Context) -> AdminApi:
    api: AdminApi = context.obj()
    return api


@tenant.command("list")
def list_all(context: typer.Context, as_json: AsJson = False) -> None:
    """List tenants that are not deleted."""
    items = _api(context).pages("/tenants", {})
    show({"items": items}, as_json=as_json, text=lambda: table(items, _COLUMNS))


@tenant.command("create")
def create(  # noqa: PLR0917 - typer makes named options of these
    context: typer.Context,
    tenant_id: TenantId,
    name: Annotated[str | None, typer.Option(help="How people call it.")] = None,
    time_zone: Annotated[str, typer.Option(help="By which its day begins, such as Europe/Berlin.")] = "UTC",
    weight: Annotated[float, typer.Option(help="Its share where there is not room for all.")] = 1.0,
    plan: Annotated[str | None, typer.Option(help="Its plan, as you call it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a tenant."""
    wanted = {"id": tenant_id, "name": name, "time_zone": time_zone, "weight": weight, "plan": plan}
    _show_one(_api(context).call("POST", "/tenants", wanted), as_json=as_json)


@tenant.command("change")
def change(  # noqa: PLR0917 - typer makes named options of these
    context: typer.Context,
    tenant_id: TenantId,
    name: Annotated[str | None, typer.Option(help="Rename it.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="By which its day begins.")] = None,
    weight: Annotated[float | None, typer.Option(help="Its share.")] = None,
    plan: Annotated[str | None, typer.Option(help="Its plan.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change what is given, and nothing else."""
    given = {"name": name, "time_zone": time_zone, "weight": weight, "plan": plan}
    wanted = {field: value for field, value in given.items() if value is not None}
    _show_one(_api(context).call("PATCH", f"/tenants/{quoted(tenant_id)}", wanted), as_json=as_json)


@tenant.command("suspend")
def suspend(context: typer.Context, tenant_id: TenantId, as_json: AsJson = False) -> None:
    """Stop its keys and tokens at once, until it is resumed."""
    _show_one(_api(context).call("POST", f"/tenants/{quoted(tenant_id)}/suspend"), as_json=as_json)


@tenant.command("resume")
def resume(context: typer.Context, tenant_id: TenantId, as_json: AsJson = False) -> None:
    """Let its keys and tokens work again."""
    _show_one(_api(context).call("POST", f"/tenants/{quoted(tenant_id)}/resume"), as_json=as_json)


@tenant.command("delete")
def delete(context: typer.Context, tenant_id: TenantId, as_json: AsJson = False) -> None:
    """Delete it for good, and revoke its keys; the ledger keeps what it used."""
    answer = _api(context).call("DELETE", f"/tenants/{quoted(tenant_id)}")
    show(answer, as_json=as_json, text=lambda: f"deleted {tenant_id}")


@tenant.command("projects")
def projects(context: typer.Context, tenant_id: TenantId, as_json: AsJson = False) -> None:
    """List its projects."""
    answer = _api(context).call("GET", f"/tenants/{quoted(tenant_id)}/projects")
    show(answer, as_json=as_json, text=lambda: table(answer["items"], ("id", "name", "created_at")))


@tenant.command("add-project")
def add_project(
    context: typer.Context,
    tenant_id: TenantId,
    project: Annotated[str, typer.Argument(help="The project's id.")],
    name: Annotated[str | None, typer.Option(help="How people call it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a project of it."""
    answer = _api(context).call("POST", f"/tenants/{quoted(tenant_id)}/projects", {"id": project, "name": name})
    show(answer, as_json=as_json, text=lambda: table([answer], ("id", "name", "created_at")))


@tenant.command("delete-project")
def delete_project(
    context: typer.Context,
    tenant_id: TenantId,
    project: Annotated[str, typer.Argument(help="The project's id.")],
    as_json: AsJson = False,
) -> None:
    """Delete a project for good, and revoke its keys."""
    answer = _api(context).call("DELETE", f"/tenants/{quoted(tenant_id)}/projects/{quoted(project)}")
    show(answer, as_json=as_json, text=lambda: f"deleted {tenant_id}/{project}")


def _show_one(answer: dict[str, Any], *, as_json: bool) -> None:
    show(answer, as_json=as_json, text=lambda: table([answer], _COLUMNS))
