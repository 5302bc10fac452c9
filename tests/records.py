"""A settled exchange for tests to begin from: say only what differs from one that completed as usual."""

from typing import Any

import msgspec

from penstock.core.facts import Ended
from penstock.core.record import Settled

_COMPLETED = Settled(
    id="ex_" + "0" * 32,
    started_at=1_795_000_000.125,
    duration_s=0.5,
    first_event_s=0.25,
    tenant="acme",
    key="key_1",
    user=None,
    dialect="openai-chat",
    operation="chat",
    is_streamed=False,
    model="sim",
    target="sim/sim",
    outcome="completed",
    outcome_code=None,
    attempts=1,
    input_tokens=10,
    output_tokens=5,
    cache_read_tokens=0,
    cache_write_tokens=0,
    reasoning_tokens=0,
    usage_accuracy="exact",
    cost_nanousd=700,
    cost_accuracy="exact",
    config_hash="0123456789abcdef",
    facts=(Ended(at_s=0.5, end="completed"),),
)


def completed(**differs: Any) -> Settled:
    return msgspec.structs.replace(_COMPLETED, **differs)
