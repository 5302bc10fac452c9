"""What people write of answers is masked before it rests anywhere: by every guard of personal data that there is.

Nobody knows yet which model an answer was of (the ledger will, in a second or so), so that the strictest holds.  What
is found is replaced by tokens that nobody can turn back: their values are kept nowhere.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import msgspec

from penstock.config.guards import GuardAction, PersonalDataSettings
from penstock.config.types import Config
from penstock.core.chat import ChatRequest, Message, TextPart
from penstock.core.clock import Clock
from penstock.core.exchange import Exchange, Principal
from penstock.core.feedback import Remark
from penstock.core.ids import new_exchange_id
from penstock.guard.hearing import Found
from penstock.guard.judging import Judging
from penstock.guard.personal.masking import masked
from penstock.guard.personal.tokens import Tokens
from penstock.guard.texts import segments_of
from penstock.guard.verdict import Finding
from penstock.guard.ward import Ward

if TYPE_CHECKING:
    from penstock.encoder.executor import Encoder

_FOR_S: Final = 30.0


class Wording:
    """For one event loop.  `wards` are those of all models."""

    def __init__(self, wards: Sequence[Ward], judging: Judging, clock: Clock) -> None:
        self._wards = tuple(_masking(each) for each in wards)
        self._judging = judging
        self._clock = clock

    async def masked(self, remark: Remark, who: Principal) -> Remark:
        """The remark with its texts in masked space.

        Raises `GuardUnavailable` or `PolicyBlocked` where a guard cannot judge them now, whatever its `fail` says:
        nothing is kept that was not read.
        """
        texts = [each for each in (remark.correction, remark.comment) if each is not None]
        if not texts:
            return remark
        request = ChatRequest(
            dialect="openai-chat", model="", messages=tuple(Message("user", (TextPart(each),)) for each in texts)
        )
        segments = segments_of(request)
        exchange = self._exchange(request, who)
        hits: list[Found] = []
        for (
            segment
        ) in segments:  # each by itself: they are not one text, and nothing begins in one and ends in the next
            hearing = await self._judging.judge(exchange, self._wards, (segment,), direction="input")
            if hearing.blocked is not None:
                raise hearing.blocked
            hits += hearing.mask
        found, _ = masked(request, hits, Tokens(), segments)
        assert isinstance(found, ChatRequest)  # noqa: S101 - what went in comes out
        said = iter([part.text for each in found.messages for part in each.parts if isinstance(part, TextPart)])
        return msgspec.structs.replace(
            remark,
            correction=None if remark.correction is None else next(said),
            comment=None if remark.comment is None else next(said),
        )

    def _exchange(self, request: ChatRequest, who: Principal) -> Exchange:
        """Guards look at exchanges: this one goes nowhere, and says whose lists of terms hold."""
        now_s = self._clock.monotonic()
        return Exchange(
            id=new_exchange_id(self._clock),
            principal=who,
            request=request,
            dialect=request.dialect,
            started_at=self._clock.now(),
            began_s=now_s,
            deadline_s=now_s + _FOR_S,
            gone_policy="abort",
        )


def open_wording(config: Config, clock: Clock) -> Wording | None:
    """Without an encoder: what has a form of its own is found, and no names.  None where no model masks anything.

    Raises `ConfigError` as `open_guards` does, which says where.
    """
    found: list[Ward] = []
    seen: list[PersonalDataSettings] = []
    for guards in (config.guards.default, *(model.guards for model in config.models.values())):
        personal = None if guards is None else guards.personal_data
        if personal is None or personal.mode != "enforce" or personal in seen:
            continue
        seen.append(personal)
        # Imported here: with it come all rules of personal data.
        from penstock.app.guards.personal import PersonalData  # noqa: PLC0415 - see above

        nameless = msgspec.structs.replace(personal, names=False)
        found += PersonalData(nameless, config.guards.lists, None).wards()
    return wording_of(found, config, clock)


def wording_of(wards: Sequence[Ward], config: Config, clock: Clock, encoder: "Encoder | None" = None) -> Wording | None:
    """None where nothing is masked."""
    if not wards:
        return None
    return Wording(wards, Judging(clock, encoder, most_chars=config.guards.most_chars), clock)


def _masking(ward: Ward) -> Ward:
    """As `ward`, where all that it would not let pass is masked, and nothing passes unread."""

    def action(finding: Finding) -> GuardAction:
        return "allow" if ward.action(finding) == "allow" else "mask"

    return replace(ward, action=action, fail="closed")
