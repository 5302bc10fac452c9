"""Providers: who can be called, without any credential."""

from collections.abc import Mapping

from penstock.console.web.layout.parts.table import DataTable, Listing
from penstock.console.web.layout.parts.table_state import Column, Row
from penstock.console.web.view import View


async def build(view: View) -> None:
    async def read(_: Mapping[str, str]) -> list[Row]:
        stored: dict[str, str] = {}
        if view.who.may("credentials.read"):
            found = await view.read("/credentials")
            stored = {each["provider"]: f"stored, ends in …{each['last_chars']}" for each in found["items"]}
        return [
            {
                **each,
                "id": each["name"],
                "origin": "penstock.yaml" if each["is_configured"] else "found in the environment",
                "credential": stored.get(each["name"]) or each["api_key"],
            }
            for each in await view.read("/providers")
        ]

    columns = (
        Column("name", "Name", "mono"),
        Column("dialect", "Dialect"),
        Column("origin", "Named in"),
        Column("base_url", "Address", "mono"),
        Column("credential", "Credential", "mono"),
    )
    nothing = ("hub", "No provider yet", "Write one under `providers` in penstock.yaml, or set a vendor's API key.")
    listing = Listing(caption="Providers", columns=columns, read=read, sort="name", nothing=nothing)
    await DataTable(view, listing).open()
