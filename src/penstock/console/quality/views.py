"""What the admin API shows of quality."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

from penstock.config.quality import Check
from penstock.core.happenings import HappeningKind
from penstock.watch.quality.failures import Failure
from penstock.watch.quality.figures import Step
from penstock.watch.quality.judging import JudgedState
from penstock.watch.quality.shares import Share
from penstock.watch.quality.verdicts import Verdict


class ShareView(BaseModel):
    """A figure of the sample, and the 95 % interval of that of all answers; null where nothing was looked at."""

    value: float | None
    low: float | None
    high: float | None


class FeedbackView(BaseModel):
    """What people said of the same assistants' answers, whether in the sample or not."""

    good: int
    bad: int
    good_share: ShareView
    ratings: int
    mean_rating: float | None = Field(description="1 to 5.")
    corrections: int


class QualityLine(BaseModel):
    at: datetime | None = Field(description="The step's beginning; null where no steps were asked for.")
    group: dict[str, str] = Field(description='By dimension; `""` is for answers that have none.')
    answers: int = Field(description="That were looked at.")
    mean: ShareView = Field(description="Of the scores, 0 to 1.")
    passed: ShareView = Field(description="The share that is good enough: 0.5 and better.")
    verdicts: dict[str, int] = Field(description="The reason for the score, by how often.")
    feedback: FeedbackView | None = Field(description="Null where it was grouped or chosen by release or target.")


class QualityView(BaseModel):
    since: datetime
    until: datetime
    step: Step | None
    zone: str
    check: str
    lines: list[QualityLine]


class CheckLine(BaseModel):
    group: dict[str, str]
    check: str
    answers: int = Field(description="Of which the check had something to say.")
    mean: ShareView
    passed: ShareView
    at: datetime | None


class ChecksView(BaseModel):
    since: datetime
    until: datetime
    lines: list[CheckLine]


class WhyView(BaseModel):
    check: str
    verdict: Verdict


class AnswerView(BaseModel):
    """`links` are paths of this API; the texts need `prompts.read`."""

    exchange: str
    tenant: str
    assistant: str
    release: str
    target: str
    at: datetime
    score: float
    verdict: Verdict
    why: list[WhyView] = Field(description="What each check found.")
    links: dict[Literal["exchange", "contents", "feedback"], str]


class AnswerList(BaseModel):
    since: datetime
    until: datetime
    items: list[AnswerView]


class FailureLine(BaseModel):
    """`counted` says what: exchanges by how they ended, things that happened on the way, or answers of the sample.

    The three are never to be added up: an exchange whose calls failed may have been answered.
    """

    at: datetime | None
    group: dict[str, str]
    failure: Failure
    counted: Literal["exchanges", "events", "sample"]
    amount: int
    share: ShareView | None = Field(description="Of the exchanges, or of the answers that were looked at.")
    names: dict[str, int] = Field(description="The ends, codes or verdicts that it is made of.")


class FailuresView(BaseModel):
    since: datetime
    until: datetime
    exchanges: int
    looked_at: int
    lines: list[FailureLine]


def share_view(share: Share) -> ShareView:
    return ShareView(value=share.value, low=share.low, high=share.high)


class OutcomeLine(BaseModel):
    """Of one kind of event."""

    at: datetime | None
    group: dict[str, str]
    kind: HappeningKind
    events: int
    value_usd: str | None = Field(description="The sum, as a decimal; null where no event has a value.")
    value_nanousd: int
    valued: int = Field(description="Events with a value.")
    satisfaction: float | None = Field(description="The mean, 0 to 1.")
    rated: int


class OutcomesView(BaseModel):
    since: datetime
    until: datetime
    lines: list[OutcomeLine]


class PolicyView(BaseModel):
    """What is looked at of one assistant's answers."""

    assistant: str
    sample: float = Field(description="The share of the answers whose contents are kept.")
    checks: list[Check]
    judged: float = Field(description="The share of those in the sample that is shown to the judge.")


class SpentView(BaseModel):
    day: date = Field(description="UTC.")
    nanousd: int = Field(description="What is under way counts as the most that it can cost.")
    calls: int


class JudgeView(BaseModel):
    model: str
    budget_nanousd: int = Field(description="Of a day (UTC).")
    spent: list[SpentView] = Field(description="The days on which there was a call, the latest first.")
    states: dict[JudgedState, int] = Field(
        description="Answers by how far they are: `waiting` for a call, `asked` about, `judged`; the judge said nothing"
        " that is a verdict (`unreadable`), or could not be asked (`refused`); there was nothing to show (`left_out`)."
    )


class LookedAtView(BaseModel):
    """What is set, and what the judge has cost."""

    is_watched: bool = Field(description="Whether any answer is looked at.")
    keep_days: float = Field(description="How long single scores are kept; sums stay.")
    assistants: list[PolicyView]
    judge: JudgeView | None = Field(description="Null without one, and for who does not see all tenants.")
