"""The settled exchange: one row of the ledger, one line of the local journal file, written exactly once."""

import msgspec

from penstock.core.chat import Dialect
from penstock.core.ends import End
from penstock.core.facts import AnyFact
from penstock.core.usage import Accuracy


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an exchange once it is over.

    Times are Unix seconds (`started_at`) and seconds since then.  `cost_nanousd` is None exactly when `cost_accuracy`
    is `unknown`.  `target` is None where no attempt was made.  `outcome_code` is the error's code, if it ended in one.
    `region` is the target's; `release` that of the assistant, None while it has no releases.
    Holds no text of a caller or a model.
    """

    id: str
    started_at: float
    duration_s: float
    first_event_s: float | None
    tenant: str
    key: str
    user: str | None
    dialect: Dialect
    operation: str
    is_streamed: bool
    model: str
    target: str | None
    outcome: End
    outcome_code: str | None
    attempts: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    usage_accuracy: Accuracy
    cost_nanousd: int | None
    cost_accuracy: Accuracy
    config_hash: str
    facts: tuple[AnyFact, ...]
    project: str | None = None
    release: str | None = None
    feature: str | None = None
    region: str | None = None
