"""What the admin API shows of figures."""

from datetime import datetime

from pydantic import BaseModel, Field

from penstock.watch.figures.catalog import Better, Unit
from penstock.watch.figures.question import Step
from penstock.watch.rollups.views import Grain


class FigureView(BaseModel):
    """What a figure is called and means."""

    name: str
    title: str
    meaning: str
    unit: Unit
    is_total: bool = Field(description="A whole number; those of parts add up to that of the whole.")
    better: Better | None


class LineView(BaseModel):
    at: datetime | None = Field(description="The step's beginning; null where no steps were asked for.")
    group: dict[str, str] = Field(description='By dimension; `""` is for exchanges that have none.')
    values: dict[str, int | float | None] = Field(description="By figure; null where there is nothing to tell it of.")


class FiguresView(BaseModel):
    """`since` and `until` are whole minutes or hours, the asked-for range and the rest of its ends."""

    since: datetime
    until: datetime
    grain: Grain
    step: Step | None
    zone: str
    figures: list[FigureView]
    lines: list[LineView] = Field(description="In order of time, then of group; groups without exchanges are left out.")


class TallyView(BaseModel):
    at: datetime | None
    group: dict[str, str]
    name: str = Field(description="What happened, the widest word first: `masked:email`, `attempt_failed:timeout`.")
    amount: int


class TalliesView(BaseModel):
    since: datetime
    until: datetime
    grain: Grain
    step: Step | None
    zone: str
    tallies: list[TallyView]
