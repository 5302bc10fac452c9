"""How a rule stands for one group, from minute to minute: pure computing, so that whoever judges comes to the same.

quiet → pending (it holds, but not yet for long enough) → firing → quiet, once it has not held for a while.  What cannot
be told counts as not holding; what was put off changes nothing.
"""

from typing import Literal, TypeAlias

import msgspec

from penstock.config.alerts import RuleSettings
from penstock.watch.rules.judge import Judged

Telling: TypeAlias = Literal["firing", "again", "resolved"]


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Times are ends of minutes, in Unix seconds.  `since` is when it became what it is; of what fires, when it began
    to hold.  `told` and `told_at` are of the last alert, `times` how many there were.
    """

    state: Literal["quiet", "pending", "firing"] = "quiet"
    since: float
    calm_since: float | None = None
    occasion: str | None = None
    told: str | None = None
    told_at: float | None = None
    times: int = 0
    value: float | None = None
    bound: float | None = None
    judged_at: float


def step(
    before: State | None, judged: Judged, at: float, settings: RuleSettings, *, is_after_gap: bool = False
) -> tuple[State, Telling | None]:
    """The next state, and what people are to be told of.

    After a gap nobody knows whether it held meanwhile: what is pending begins anew, what fires goes on.
    """
    state = before or State(since=at, judged_at=at)
    if judged.verdict == "put_off":
        return state, None
    state = msgspec.structs.replace(state, value=judged.value, bound=judged.bound, judged_at=at)
    if judged.verdict == "holds":
        return _holding(state, at, settings, is_after_gap=is_after_gap)
    if state.state == "pending":
        return msgspec.structs.replace(state, state="quiet", since=at), None
    if state.state == "quiet":
        return state, None
    calm_since = at if state.calm_since is None or is_after_gap else state.calm_since
    if at - calm_since < settings.resolve_after_s:
        return msgspec.structs.replace(state, calm_since=calm_since), None
    return state, "resolved"


def _holding(state: State, at: float, settings: RuleSettings, *, is_after_gap: bool) -> tuple[State, Telling | None]:
    if state.state == "firing":
        state = msgspec.structs.replace(state, calm_since=None)
        told_at = at if state.told_at is None else state.told_at
        is_due = settings.repeat_after_s is not None and at - told_at >= settings.repeat_after_s
        return state, "again" if is_due else None
    if state.state == "quiet" or is_after_gap:
        state = msgspec.structs.replace(state, state="pending", since=at)
    return state, "firing" if at - state.since >= settings.for_s else None
