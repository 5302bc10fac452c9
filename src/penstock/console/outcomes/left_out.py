"""What compaction left out of a prompt, over the admin API: the model did not see it, a person may."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, Field

from penstock.console.access import Caller, Plane, admin_router, needs
from penstock.routing.compaction.retained import decode_parts
from penstock.routing.compaction.store import READ

router = admin_router("/exchanges", "exchanges")

ExchangeId = Annotated[str, Path(max_length=100, pattern=r"^[^\x00]+$")]


class LeftOutView(BaseModel):
    """One part of the caller's request as it was."""

    id: str = Field(description="Its place: message and part, both from 0.")
    role: str
    kind: str = Field(description="`text`, `tool_result`, `image` and so on.")
    text: str | None = Field(description="What a part of text says.")
    content: object = Field(description="The whole part.")


class LeftOutList(BaseModel):
    """Empty where nothing was left out, or its time is over."""

    items: list[LeftOutView]


@router.get("/{exchange}/left-out", openapi_extra=needs("prompts.read"))
async def left_out(plane: Plane, call: Caller, exchange: ExchangeId) -> LeftOutList:
    """The parts that compaction cut or left out of an exchange's prompt."""
    async with plane.database.connection() as connection:
        cursor = await connection.execute(READ, {"exchange": exchange, "tenant": call.narrowed(None)})
        row = await cursor.fetchone()
    parts = decode_parts(bytes(row[0])) if row is not None else ()
    return LeftOutList(
        items=[
            LeftOutView(
                id=each.id,
                role=each.role,
                kind=str(each.part.get("type")),
                text=text if isinstance(text := each.part.get("text"), str) else None,
                content=each.part,
            )
            for each in parts
        ]
    )
