"""What `penstock limit` and `penstock budget` have in common: rules as a command line says them."""

from typing import Annotated, Any, NoReturn

import typer

from penstock.cli.settings import EXIT_BAD_CONFIG

Name = Annotated[str, typer.Argument(help="The rule's name.")]
Scope = Annotated[
    list[str] | None,
    typer.Option(
        help="Count for each of these: tenant, project, key, user, assistant, target, feature; again for more."
    ),
]
Where = Annotated[list[str] | None, typer.Option(help="Only where this holds, such as tenant=acme; again for more.")]
More = Annotated[
    list[str] | None,
    typer.Option("--set", help="Any other field of the rule, such as mode=shadow or tenant=acme; again for more."),
]
COUNTERS = ("name", "values", "unit", "amount", "used", "reserved", "left", "period_end")


def pairs(given: list[str] | None, option: str) -> dict[str, str]:
    """`a=b` options as a mapping."""
    found: dict[str, str] = {}
    for each in given or ():
        name, separator, value = each.partition("=")
        if not (name and separator and value):
            refuse(f"{option} {each!r} does not read like NAME=VALUE")
        found[name] = value
    return found


def rule(scope: list[str] | None, where: list[str] | None, more: list[str] | None) -> dict[str, Any]:
    """The fields that every rule has."""
    wanted: dict[str, Any] = {**pairs(more, "--set")}
    if "thresholds" in wanted:
        wanted["thresholds"] = wanted["thresholds"].split(",")
    if scope:
        wanted["scope"] = scope
    if where:
        wanted["where"] = pairs(where, "--where")
    return wanted


def flat(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Items with their mappings as text, for a table."""
    return [{name: _flat(value) for name, value in item.items()} for item in items]


def refuse(message: str) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(EXIT_BAD_CONFIG)


def _flat(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return ",".join(f"{name}={each}" for name, each in value.items()) or None  # pyright: ignore[reportUnknownVariableType] - JSON
