"""What is shown of contents: every text in masked space."""

from datetime import UTC, datetime

from pydantic import BaseModel, Field

from penstock.watch.contents.content import Content, Piece
from penstock.watch.contents.outbox import asked_at
from penstock.watch.contents.search import Found, Hit


class PieceView(BaseModel):
    kind: str = Field(description="`text`, `reasoning`, `refusal`, `tool_call`, `tool_result`; others have no text.")
    text: str
    name: str = Field(description="Of the tool that is called.")
    id: str = Field(description="Of the tool call.")


class TurnView(BaseModel):
    role: str
    pieces: list[PieceView]


class ChoiceView(BaseModel):
    pieces: list[PieceView]
    finish: str | None = Field(description="Null where the answer broke off.")


class ContentView(BaseModel):
    exchange: str
    tenant: str
    at: datetime
    expires_at: datetime
    model: str
    target: str | None
    end: str
    code: str | None
    parameters: dict[str, float | int]
    tools: list[str] = Field(description="The request's, each as JSON.")
    response_format: str = Field(description="As JSON; empty where text was wanted.")
    turns: list[TurnView]
    choices: list[ChoiceView]
    is_cut: bool = Field(description="It was longer than may be kept: the answer and the latest turns are here.")
    withheld: str = Field(description="Why nothing of the request is here.")


class HitView(BaseModel):
    exchange: str
    tenant: str
    at: datetime
    model: str
    end: str
    where: str = Field(description="`answer`, or `turns.<n>` of the request.")
    snippet: str


class HitPage(BaseModel):
    items: list[HitView]
    next: str | None = Field(description="What to ask for as `before` to go on; null where there is nothing more.")
    is_whole: bool = Field(description="False where the time for one search ran out before the page was full.")
    unreadable: int = Field(description="Exchanges that cannot be opened with the keys that are configured.")


def content_view(exchange: str, tenant: str, expires_at: float, content: Content) -> ContentView:
    return ContentView(
        exchange=exchange,
        tenant=tenant,
        at=_time(asked_at(exchange)),
        expires_at=_time(expires_at),
        model=content.model,
        target=content.target,
        end=content.end,
        code=content.code,
        parameters=content.parameters,
        tools=list(content.tools),
        response_format=content.response_format,
        turns=[TurnView(role=each.role, pieces=_pieces(each.pieces)) for each in content.turns],
        choices=[ChoiceView(pieces=_pieces(each.pieces), finish=each.finish) for each in content.choices],
        is_cut=content.is_cut,
        withheld=content.withheld,
    )


def hit_page(found: Found) -> HitPage:
    items = [_hit(each) for each in found.hits]
    return HitPage(items=items, next=found.next, is_whole=found.is_whole, unreadable=found.unreadable)


def _hit(hit: Hit) -> HitView:
    return HitView(
        exchange=hit.exchange,
        tenant=hit.tenant,
        at=_time(asked_at(hit.exchange)),
        model=hit.content.model,
        end=hit.content.end,
        where=hit.where,
        snippet=hit.snippet,
    )


def _pieces(pieces: tuple[Piece, ...]) -> list[PieceView]:
    return [PieceView(kind=each.kind, text=each.text, name=each.name, id=each.id) for each in pieces]


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
