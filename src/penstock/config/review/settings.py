"""When a person must see an answer first, and how the queue is kept, as frozen values.

`review` (the rules) and the control plane (the queue) read them.
"""

from fnmatch import fnmatchcase
from typing import Annotated, Literal

import msgspec

from penstock.config.alerts import WebhookSettings

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Priority = Annotated[int, msgspec.Meta(ge=0, le=9)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Texts = dict[str, Annotated[str, msgspec.Meta(max_length=4000)]]
"""A text by language (`de`, `pt-BR`); that of `""` is for every other."""


class AmountSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Money of `above` or more, in question or answer; `currency` is a code of ISO 4217."""

    above: Annotated[float, msgspec.Meta(ge=0)]
    currency: str


class HoldConditions(msgspec.Struct, frozen=True, kw_only=True):
    """All that is set must hold; of a list, one must.

    `confidence_below` is true of an answer whose confidence nobody knows only with `or_unknown`.  `topics` are labels
    of the scope guard, `verdicts` rule ids of guards, `*` for any stretch.  `asks_for_person` is a caller's wish to
    talk to somebody, by its words, by header or by tool.
    """

    confidence_below: Share | None = None
    or_unknown: bool = False
    topics: tuple[Name, ...] | None = None
    verdicts: tuple[Name, ...] | None = None
    asks_for_person: bool | None = None
    amount: AmountSettings | None = None
    tenants: tuple[Name, ...] | None = None
    models: tuple[Name, ...] | None = None


class OverdueSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One step for when nobody has decided in time: `escalate` to `group`, `raise` to `priority`, or the end of it.

    `release` gives the answer with `text` before it, `reject` gives `text` alone.  After the first two it is due anew
    within `within_s`.
    """

    action: Literal["escalate", "raise", "release", "reject"]
    group: str = ""
    priority: Priority = 9
    text: Texts = {}
    within_s: Seconds = 3600.0


class HoldRule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule; of all that enforce, the first that matches decides.

    `shadow` only notes that it would have matched.  `due_s` counts within the hours called `hours`, if any is named.
    `hand_over` is what the caller is told at once.
    """

    name: Name
    when: HoldConditions
    mode: Literal["shadow", "enforce"] = "enforce"
    group: str = ""
    priority: Priority = 5
    due_s: Seconds = 4 * 3600.0
    hours: Name | None = None
    hand_over: Texts = {}
    overdue: tuple[OverdueSettings, ...] = ()

    def is_for(self, *, tenant: str | None, model: str) -> bool:
        """Whether it may match an exchange of this tenant (None: of some tenant) and model at all."""
        when = self.when
        if tenant is not None and when.tenants is not None and tenant not in when.tenants:
            return False
        return when.models is None or any(fnmatchcase(model, pattern) for pattern in when.models)


class HoursSettings(msgspec.Struct, frozen=True, kw_only=True):
    """When people work: from `opens` to `closes` (24 hours, `17:30`) on these days, as clocks there show."""

    time_zone: Name
    opens: str = "09:00"
    closes: str = "17:00"
    days: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri")


class ReviewSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The rules in their order, and the queue.

    A claim lasts `lease_s`.  `second_share` of what is decided is judged by a second one, blindly.  `rejection` is what
    a caller is told of a rejected answer where the reviewer writes nothing.  `webhooks` are told that something was
    released (never what).  What was ended is deleted after `keep_days`.  Where no guard masks personal data, texts of
    feedback are taken only with `unmasked_remarks`.
    """

    rules: tuple[HoldRule, ...] = ()
    hours: dict[str, HoursSettings] = {}
    lease_s: Annotated[float, msgspec.Meta(ge=10, le=86_400)] = 900.0
    second_share: Share = 0.0
    rejection: Texts = {}
    webhooks: tuple[WebhookSettings, ...] = ()
    keep_days: Annotated[float, msgspec.Meta(ge=1, le=36_500)] = 365.0
    unmasked_remarks: bool = False
