"""What the review's routes show and take."""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from penstock.review.hold import Outcome, Reason, State
from penstock.review.queue import HoldRow, Whole

Text = Annotated[str, Field(max_length=100_000)]
Reasons = Annotated[list[Reason], Field(max_length=7)]


class HoldView(BaseModel):
    """A hold as it stands in the queue.  `claimed_until` is when another may take it."""

    id: str
    exchange: str
    tenant: str
    model: str
    key: str = Field(description="The credential that asked.")
    user: str | None
    conversation: str | None
    language: str
    rule: str
    reason: str
    group: str = Field(description="Who is to judge it; empty is any reviewer of the tenant.")
    priority: int = Field(description="0 to 9, the most urgent.")
    confidence: float | None
    created_at: datetime
    due_at: datetime
    state: State
    version: int = Field(description="Grows with every change; a decision names the one that it is about.")
    claimed_by: str | None
    claimed_until: datetime | None
    ended_at: datetime | None
    ended_by: str | None


class HoldPage(BaseModel):
    """`next` is the `after` of the next page; null on the last."""

    items: list[HoldView]
    next: str | None


class TurnView(BaseModel):
    role: str
    text: str


class EventView(BaseModel):
    """One thing that happened to a hold, with what it changed."""

    at: datetime
    actor: str
    kind: str
    before: dict[str, Any]
    after: dict[str, Any]


class MessageView(BaseModel):
    at: datetime
    author: str
    text: str


class WholeHold(BaseModel):
    """A hold with all that is needed to judge it.  Personal data stands there as tokens."""

    hold: HoldView
    question: list[TurnView]
    answer: str
    sources: list[dict[str, Any]] = Field(description="The passages that the answer was made from.")
    verdicts: list[dict[str, Any]] = Field(description="What guards said of question and answer.")
    hand_over: str = Field(description="What the caller was told.")
    released: str | None = Field(description="What the caller gets; null while nobody has decided.")
    messages: list[MessageView] = Field(description="What was written to a conversation that was taken over.")
    history: list[EventView]


class Claim(BaseModel):
    """The next hold, or null where there is none for the caller."""

    hold: HoldView | None


class CaseOrder(BaseModel):
    """What the answer should have been; left out: what was released, where it was approved or edited."""

    model_config = ConfigDict(extra="forbid")

    expected: Text | None = None
    why: Text = ""


class DecisionOrder(BaseModel):
    """What becomes of a hold.

    `text` is the answer where it is `edited`, what the caller is told where it is `rejected` (left out: the standard
    text), and the first message where the conversation is `taken_over`.
    """

    model_config = ConfigDict(extra="forbid")

    outcome: Outcome
    version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    text: Text = ""
    reasons: Reasons = []
    comment: Text = ""
    remember: bool = Field(default=False, description="Let the answer enter the cache as verified.")
    case: CaseOrder | None = Field(default=None, description="Make it a case of an evaluation too.")


class MessageOrder(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=100_000, pattern=r"\S")]


class CaseKept(BaseModel):
    expected: str | None


class BlindHold(BaseModel):
    """What the second reviewer sees: nothing of what the first one did."""

    id: str
    tenant: str
    model: str
    rule: str
    reason: str
    confidence: float | None
    until: datetime
    question: list[TurnView]
    answer: str
    sources: list[dict[str, Any]]
    verdicts: list[dict[str, Any]]


class BlindClaim(BaseModel):
    hold: BlindHold | None


class SecondOrder(BaseModel):
    """What the second reviewer would have done."""

    model_config = ConfigDict(extra="forbid")

    outcome: Outcome
    reasons: Reasons = []
    comment: Text = ""


class PairView(BaseModel):
    one: str
    other: str
    holds: int
    kappa: float | None = Field(description="Cohen's; null where nothing can be said.")


class AgreementView(BaseModel):
    """How far reviewers agree on what was judged twice.  Null where nothing can be said."""

    holds: int
    agreed: float | None = Field(description="The share in which both decided the same.")
    alpha: float | None = Field(description="Krippendorff's, nominal.")
    same_reasons: float | None = Field(description="Of what both found wrong, the share with the same reasons.")
    pairs: list[PairView]


class CountView(BaseModel):
    model_config = ConfigDict(protected_namespaces=())

    tenant: str
    model: str
    verdict: Outcome
    reason: Reason | None
    holds: int


class Taxonomy(BaseModel):
    """A decision with two reasons counts under each."""

    items: list[CountView]


class RemarkView(BaseModel):
    """What somebody said of an answer in more than a verdict.  Personal data stands there as tokens."""

    tenant: str
    exchange: str
    key: str
    user: str
    rating: int | None
    correction: str | None
    comment: str | None
    at: datetime


class RemarkList(BaseModel):
    items: list[RemarkView]


class GroupList(BaseModel):
    """Members by group; those that a token's claims put into a group are not here."""

    groups: dict[str, list[str]]


class Erased(BaseModel):
    holds: int


def hold_view(row: HoldRow) -> HoldView:
    return HoldView.model_validate(_with_times(msgspec.structs.asdict(row)))


def whole_view(whole: Whole) -> WholeHold:
    content = whole.content
    return WholeHold(
        hold=hold_view(whole.row),
        question=content["question"],
        answer=content["answer"],
        sources=content["sources"],
        verdicts=content["verdicts"],
        hand_over=content["hand_over"],
        released=content["released"],
        messages=[MessageView.model_validate(_with_times(each)) for each in whole.messages],
        history=[EventView.model_validate(_with_times(each)) for each in whole.events],
    )


def _with_times(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: at(value) if isinstance(value, float) and (name == "at" or name.endswith(("_at", "_until"))) else value
        for name, value in row.items()
    }


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
