"""How a long conversation is shortened, how providers' prompt caches are used, how long answers may be; as frozen
values, for each model (`models.*`).

`app` hands them to `routing.compaction`, `routing.prompt_cache` and `routing.answer_length`.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1)]
Some = Annotated[int, msgspec.Meta(ge=0)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
Share = Annotated[float, msgspec.Meta(gt=0, le=1)]
PromptCaching = Literal["auto", "off"]


class ToolResultSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a tool's result may keep: about `max_tokens`; None leaves results as they are.

    `current` also shortens those that came after the last question, which the model has not answered from yet.
    """

    max_tokens: Count | None = 1_000
    current: bool = False


class SummarySettings(msgspec.Struct, frozen=True, kw_only=True):
    """`model`, another model of the configuration, sums up what compaction leaves out, in `max_tokens` at most.

    It is asked beside the requests, once more than `after_tokens` of what may be left out stand in no summary yet, for
    `at_once` conversations at a time.  A summary is used for `retain_s`.
    """

    model: Annotated[str, msgspec.Meta(min_length=1)]
    max_tokens: Count = 400
    after_tokens: Count = 2_000
    at_once: Count = 2
    retain_s: Seconds = 3_600.0


class CompactionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a prompt of more than `after_tokens` is shortened.

    It becomes at most `budget_tokens`, or `keep_share` of what it was; with neither, only tool results are shortened
    and what is said twice is left out once.  System and developer messages, the last user message with all that follows
    it, and the `keep_last` messages before it stay whole.  The encoder reads up to `encoder_tokens` that it has not
    read before; 0 judges by words alone.  What was left out can be had again for `retain_s`.  `shadow` changes nothing
    and records what would have been.  With `summaries` a model sums up what is left out, in the background.
    """

    budget_tokens: Count | None = None
    keep_share: Share | None = None
    after_tokens: Count = 8_000
    keep_last: Some = 2
    tool_results: ToolResultSettings = ToolResultSettings()
    repeats: bool = True
    encoder_tokens: Some = 4_000
    retain_s: Seconds = 3_600.0
    shadow: bool = False
    summaries: SummarySettings | None = None

    @property
    def needs_encoder(self) -> bool:
        return self.encoder_tokens > 0 and (self.budget_tokens is not None or self.keep_share is not None)


class AnswerLengthSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`max_tokens` for requests that name none: `slack` times what `quantile` of this model's answers stay below.

    Never below `least` or above `most`, and only once `after` answers were seen.  An answer that was cut off raises it.
    """

    quantile: Annotated[float, msgspec.Meta(ge=0.5, lt=1)] = 0.99
    slack: Annotated[float, msgspec.Meta(ge=1)] = 2.0
    least: Count = 1_024
    most: Count = 32_000
    after: Count = 200


def broken_compaction(
    compaction: CompactionSettings | None, answer_length: AnswerLengthSettings | None
) -> Iterator[tuple[str, str]]:
    """What cannot work, each with the path of the setting below the model's."""
    if compaction is not None and compaction.budget_tokens is not None:
        if compaction.keep_share is not None:
            yield "compaction.keep_share", "`budget_tokens` and `keep_share` exclude each other"
        if compaction.budget_tokens > compaction.after_tokens:
            yield (
                "compaction.budget_tokens",
                f"it is above `after_tokens` ({compaction.after_tokens}): nothing would go",
            )
    if compaction is not None and compaction.summaries is not None:
        budget, most = compaction.budget_tokens, compaction.summaries.max_tokens
        if budget is None and compaction.keep_share is None:
            yield "compaction.summaries", "without `budget_tokens` or `keep_share` nothing goes that could be summed up"
        elif budget is not None and most >= budget:
            yield "compaction.summaries.max_tokens", f"a summary must be shorter than the budget ({budget})"
    if answer_length is not None and answer_length.least > answer_length.most:
        yield "answer_length.least", f"it is above `most` ({answer_length.most})"
