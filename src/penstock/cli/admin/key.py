"""`penstock key …`: API keys, over the admin API.

A new key goes to standard output alone, so that a script can take it from there; it is shown this once.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from penstock.cli.admin.api import AdminApi, AsJson, ConfigFile, DataDirPath, Url, quoted, show, table
from penstock.cli.settings import EXIT_BAD_CONFIG

key = typer.Typer(name="key", help="API keys.", no_args_is_help=True)

KeyId = Annotated[str, typer.Argument(help="The key's id (`key_…`), not the key.")]
_COLUMNS = ("id", "prefix", "tenant", "project", "name", "models", "priority", "roles", "expires_at", "revoked_at")


@key.callback()
def _group(context: typer.Context, url: Url = None, data_dir: DataDirPath = None, config: ConfigFile = None) -> None:
    """API keys."""
    context.obj = lambda: AdminApi(url=url, data_dir=data_dir, config=config)


def _api(context: typer.Context) -> AdminApi:
    api: AdminApi = context.obj()
    return api


@key.command("list")
def list_all(
    context: typer.Context,
    tenant: Annotated[str | None, typer.Option(help="Of this tenant only.")] = None,
    prefix: Annotated[str | None, typer.Option(help="Those that begin so, such as pk_live_a1.")] = None,
    as_json: AsJson = False,
) -> None:
    """List keys, ended ones too."""
    items = _api(context).pages("/keys", {"tenant": tenant, "prefix": prefix})
    show({"items": items}, as_json=as_json, text=lambda: table(items, _COLUMNS))


@key.command("create")
def create(  # noqa: PLR0917 - typer makes named options of these
    context: typer.Context,
    owner: Annotated[str, typer.Argument(help="The tenant's id, or tenant/project; a tenant that is new is made.")],
    name: Annotated[str, typer.Option(help="What it is for.")],
    model: Annotated[
        list[str] | None, typer.Option(help="A model it may ask for, exact or ending in *; again for more.")
    ] = None,
    role: Annotated[list[str] | None, typer.Option(help="What it may do with the admin API, in its tenant.")] = None,
    priority: Annotated[str, typer.Option(help="interactive, standard or batch.")] = "interactive",
    as_json: AsJson = False,
) -> None:
    """Make a key and print it.  It is shown this once; it never expires, but see `expire`."""
    tenant, _, project = owner.partition("/")
    wanted = {
        "tenant": tenant,
        "name": name,
        "project": project or None,
        "models": model or None,
        "roles": role or [],
        "priority": priority,
    }
    _show_new(_api(context).call("POST", "/keys", wanted), as_json=as_json)


@key.command("rotate")
def rotate(
    context: typer.Context,
    key_id: KeyId,
    overlap_hours: Annotated[float, typer.Option(help="How long the old key goes on beside the new one.")] = 24.0,
    as_json: AsJson = False,
) -> None:
    """Make the key that replaces this one, and print it."""
    answer = _api(context).call("POST", f"/keys/{quoted(key_id)}/rotate", {"overlap_s": overlap_hours * 3600})
    _show_new(answer, as_json=as_json)


@key.command("expire")
def expire(
    context: typer.Context,
    key_id: KeyId,
    at: Annotated[str, typer.Option(help="When (ISO 8601, UTC without a zone).")],
    as_json: AsJson = False,
) -> None:
    """Let a key end at a time to come."""
    try:
        time = datetime.fromisoformat(at)
    except ValueError:
        typer.echo(f"error: --at {at!r} is not a time such as 2026-11-21T12:00:00Z", err=True)
        raise typer.Exit(EXIT_BAD_CONFIG) from None
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time
    answer = _api(context).call("PATCH", f"/keys/{quoted(key_id)}", {"expires_at": time})
    show(answer, as_json=as_json, text=lambda: table([answer], _COLUMNS))


@key.command("revoke")
def revoke(context: typer.Context, key_id: KeyId, as_json: AsJson = False) -> None:
    """End a key at once, for good."""
    answer = _api(context).call("DELETE", f"/keys/{quoted(key_id)}")
    show(answer, as_json=as_json, text=lambda: f"revoked {key_id}")


def _show_new(answer: dict[str, Any], *, as_json: bool) -> None:
    if not as_json:
        typer.echo(f"{answer['id']} of {answer['tenant']}: this key is shown once and stored nowhere", err=True)
    show(answer, as_json=as_json, text=lambda: str(answer["key"]))
