"""`GET /v1/holds/{id}`: how an answer stands that a person is to give, for whoever asked."""

from typing import Final

import msgspec

from penstock.core.errors import UnknownHold
from penstock.core.exchange import Principal
from penstock.core.json import JsonObject, dumps
from penstock.server.service import FindHold
from penstock.server.sink import Page

PATH: Final = "/v1/holds/"


async def show_hold(path: str, principal: Principal, find: FindHold) -> Page:
    """Raises `UnknownHold`, and what `find` raises."""
    hold_id = path.removeprefix(PATH)
    found = await find(hold_id, principal) if hold_id.isascii() and len(hold_id) <= 100 else None
    if found is None:
        raise UnknownHold("There is no such hold; one that was made on another machine is there within a second.")
    body: JsonObject = {"object": "hold", **msgspec.to_builtins(found)}
    headers = [("content-type", "application/json"), ("cache-control", "no-store")]
    return 200, headers, dumps(body)
