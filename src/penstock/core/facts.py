"""The things that can happen to an exchange, as typed values; the journal of an exchange is the list of them.

Facts hold names, numbers and codes, never text of a caller or a model.  `at_s` is seconds since the exchange began.
"""

from typing import TypeAlias

import msgspec

from penstock.core.ends import End


class Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="fact"):
    at_s: float


class RouteChosen(Fact, frozen=True, tag="route_chosen"):
    route: str
    targets: tuple[str, ...]


class TierChosen(Fact, frozen=True, tag="tier_chosen"):
    """The level of a model with several: `by` says what decided it, `why` the rule, or what could not be told.

    `score` is the complexity head's, `threshold` the one from which it is the strongest tier.  With `is_shadow` it
    was only recorded, and the default tier taken.
    """

    model: str
    tier: str
    by: str
    targets: tuple[str, ...]
    why: str | None = None
    score: float | None = None
    threshold: float | None = None
    is_shadow: bool = False


class AttemptStarted(Fact, frozen=True, tag="attempt_started"):
    attempt: int
    target: str


class TargetPassedOver(Fact, frozen=True, tag="target_passed_over"):
    """No call was made: the target counts as down, or there would have been no place in time."""

    target: str
    code: str


class Queued(Fact, frozen=True, tag="queued"):
    """The call waited for its place at the target."""

    target: str
    waited_s: float


class Hedged(Fact, frozen=True, tag="hedged"):
    """The answer was late, so that a second call was made beside the first; the one that answers first is taken."""

    target: str
    after_s: float


class ExtraCallBilled(Fact, frozen=True, tag="extra_call_billed"):
    """A call that did not give the answer is paid for too, as far as is known; part of the record's usage and cost."""

    target: str
    why: str
    input_tokens: int
    output_tokens: int
    accuracy: str
    cost_nanousd: int | None


class FellBack(Fact, frozen=True, tag="fell_back"):
    """The route's targets gave no answer for `cause`, so the next step that helps was taken: targets, or a text."""

    cause: str
    targets: tuple[str, ...] = ()


class AskedAgain(Fact, frozen=True, tag="asked_again"):
    """The answer was not what was asked for (`reason`), so that another is: with the reason, or of other `targets`."""

    reason: str
    targets: tuple[str, ...] = ()


class SecondOpinion(Fact, frozen=True, tag="second_opinion"):
    """Others were asked the same, since the first answer was not sure enough (`AskedAgain` says who).

    With `is_given` theirs is what the caller got.  Else it got the first: `why` is `no_better`, `timeout`, or the code
    of the error for which there was no second.
    """

    is_given: bool
    why: str | None = None


class RetryDenied(Fact, frozen=True, tag="retry_denied"):
    """Another call would have been worth it, but the route's budget for further calls is used up."""

    route: str


class AttemptFailed(Fact, frozen=True, tag="attempt_failed"):
    attempt: int
    target: str
    code: str
    upstream_status: int | None = None
    detail: str | None = None


class AttemptSucceeded(Fact, frozen=True, tag="attempt_succeeded"):
    """The first event of the answer is in hand: from here on there is no retry."""

    attempt: int
    target: str


class AdvisoryFieldDropped(Fact, frozen=True, tag="advisory_field_dropped"):
    """A field that can change cost or speed but not the answer was left out: the target has no place for it."""

    field: str
    target: str


class StageAnswered(Fact, frozen=True, tag="stage_answered"):
    stage: str


class StageRefused(Fact, frozen=True, tag="stage_refused"):
    stage: str
    code: str


class InputRefused(Fact, frozen=True, tag="input_refused"):
    """The request has `actual` of what `limit` of the configuration's `inputs` counts, which is more than `most`."""

    limit: str
    most: int
    actual: int


class CacheHit(Fact, frozen=True, tag="cache_hit"):
    """The answer had been given before.  What is saved is what it took then, as far as is known.

    `kind` is `exact`, `similar` (another question that means the same) or `shared` (an equal request was under way).
    `answer` is the exchange that made it.
    """

    kind: str
    age_s: float
    answer: str | None = None
    similarity: float | None = None
    saved_input_tokens: int = 0
    saved_output_tokens: int = 0
    saved_nanousd: int | None = None


class CacheMissed(Fact, frozen=True, tag="cache_missed"):
    """No answer that might be given was kept.  `nearest` is the similarity of the most similar question, if any."""

    reason: str
    nearest: float | None = None


class CacheBypassed(Fact, frozen=True, tag="cache_bypassed"):
    """The cache was not asked, or may not keep the answer: `reason` says why."""

    reason: str


class CacheStored(Fact, frozen=True, tag="cache_stored"):
    """The answer is kept for later requests."""

    lifetime_s: float


class Compacted(Fact, frozen=True, tag="compacted"):
    """The prompt was shortened: `parts` were cut or left out, `shortened` tool results and `repeated` pieces of them.

    Tokens are estimates.  `summarised` is how many messages a summary in it stands for.  Where `is_shadow`, it would
    have been.
    """

    tokens_before: int
    tokens_after: int
    parts: int
    shortened: int
    repeated: int
    is_shadow: bool = False
    summarised: int = 0


class Summarised(Fact, frozen=True, tag="summarised"):
    """Penstock asked this itself, to sum up the conversation of `exchange`, which went on without waiting for it."""

    exchange: str


class CompactionSkipped(Fact, frozen=True, tag="compaction_skipped"):
    """The prompt was left as it is, long as it may be: `reason` says why."""

    reason: str


class Saved(Fact, frozen=True, tag="saved"):
    """What the exchange did not cost: because its prompt was shortened (`compaction`), a weaker tier than the strongest
    answered (`routing`), or the provider had kept a part of the prompt (`prompt_cache`).

    Money is at the prices of then, None where they are not known.  For kept prompts it may be negative: writing them
    costs more.  Tokens are those that were not sent, or were read for less; a cheaper tier saves none.
    """

    by: str
    tokens: int
    nanousd: int | None


class PromptCacheWanted(Fact, frozen=True, tag="prompt_cache_wanted"):
    """The provider was asked to keep what the prompt begins with, and its turns so far, for the prompts to come."""

    prefix: bool
    turns: bool


class AnswerBounded(Fact, frozen=True, tag="answer_bounded"):
    """The request named no bound for its answer; it was given one, from the lengths of earlier ones."""

    max_tokens: int


class GuardJudged(Fact, frozen=True, tag="guard_judged"):
    """`guard` has read the request's texts (`direction` is `input`) or the answer (`output`).

    `action` is the strongest that its findings ask for; in `mode` `shadow` nothing followed.  `rule` and `score` are
    those of the finding that decided.  `is_after_release` says that the caller had seen a part of what was found;
    `topic` what a question is about, of those that the model's scope names.
    """

    guard: str
    direction: str
    mode: str
    action: str
    texts: int
    findings: int = 0
    rule: str | None = None
    score: float | None = None
    latency_s: float = 0.0
    is_after_release: bool = False
    topic: str | None = None


class GuardFailed(Fact, frozen=True, tag="guard_failed"):
    """`guard` could not judge: it raised, took too long, said nonsense, was too busy, or could not read what was there.

    `is_let_through` says that its setting lets pass what it has not judged.
    """

    guard: str
    direction: str
    mode: str
    reason: str
    is_let_through: bool


class KnowledgeSearched(Fact, frozen=True, tag="knowledge_searched"):
    """The bases were searched as the caller; `passages` stand in the prompt.

    `nearness` is the cosine of the nearest to the question; it is no probability.  `chance` is how likely the answer is
    among what was found.  With `is_rewritten` it was asked with words of earlier turns.
    """

    bases: tuple[str, ...]
    passages: int
    documents: int
    tokens: int
    latency_s: float
    nearness: float | None = None
    chance: float | None = None
    is_rewritten: bool = False


class KnowledgeUnavailable(Fact, frozen=True, tag="knowledge_unavailable"):
    """Nothing could be searched, for `reason`; `action` is what its setting then does."""

    reason: str
    action: str


class AnswerCited(Fact, frozen=True, tag="answer_cited"):
    """The answer's marks became citations; `unknown` of them named no source and were taken out."""

    citations: int
    unknown: int


class ClaimsTraced(Fact, frozen=True, tag="claims_traced"):
    """The answer's claims were held against its sources; `action` is what followed from it."""

    claims: int
    supported: int
    contradicted: int
    not_found: int
    action: str
    mode: str
    latency_s: float = 0.0


class ConfidenceEstimated(Fact, frozen=True, tag="confidence_estimated"):
    """`action` is what the model's thresholds ask for.

    `log_probability` is the mean of its tokens', None where the provider does not say; it is no part of the number.
    """

    confidence: float
    action: str
    log_probability: float | None = None


class AnswersSampled(Fact, frozen=True, tag="answers_sampled"):
    """The same was asked of the answer's own target again, to see whether it says the same.

    Of `wanted` calls `asked` were made (there was no place or no money for the others), and `answered` gave a text.
    `agreement` is the answer's with these, 0 to 1; None where none came, or where `why` says that it was not judged.
    """

    wanted: int
    asked: int
    answered: int
    agreement: float | None = None
    why: str | None = None


class AnswerHeld(Fact, frozen=True, tag="answer_held"):
    """A person is asked: the caller got the hand-over.  In `mode` `shadow` it would have been."""

    hold: str | None
    by: str
    rule: str | None
    group: str
    priority: int
    mode: str


class PersonalDataMasked(Fact, frozen=True, tag="personal_data_masked"):
    """So many values of each kind left as tokens."""

    kinds: dict[str, int]


class ConversationRecalled(Fact, frozen=True, tag="conversation_recalled"):
    """The exchange is a turn of a conversation that it named: `tokens` of it stand in its request.

    `source` is where it was found: `memory`, `store`, or `new`.  With `late`, `away` or `sealed` there may be more that
    the store did not say in time, could not say, or holds under a key that is not ours; new tokens then have numbers
    that no earlier turn has used.
    """

    source: str
    tokens: int


class TurnsRecalled(Fact, frozen=True, tag="turns_recalled"):
    """What was said before joined the request: `turns` that are kept here, as `messages`."""

    turns: int
    messages: int
    released: int = 0


class PersonalDataRestored(Fact, frozen=True, tag="personal_data_restored"):
    """So many tokens of the answer were replaced by their values, for this caller; `withheld` were not for its eyes."""

    values: int
    withheld: int = 0


class LeaseTaken(Fact, frozen=True, tag="lease_taken"):
    lease: str


class LeaseSettled(Fact, frozen=True, tag="lease_settled"):
    lease: str


class CredentialEnded(Fact, frozen=True, tag="credential_ended"):
    """The key was revoked, or its tenant stopped, while the exchange ran.  It ran to its end; the next is refused."""

    key: str


class IssuerKeysStale(Fact, frozen=True, tag="issuer_keys_stale"):
    """The token was checked with keys that its issuer could not confirm for `age_s`, since it does not answer."""

    issuer: str
    age_s: float


class ClockMoved(Fact, frozen=True, tag="clock_moved"):
    """Somebody has set the machine's clock by `by_s` since the exchange before: expiries are judged by the new time."""

    by_s: float


class ClientLeft(Fact, frozen=True, tag="client_left"):
    policy: str


class ToolsOffered(Fact, frozen=True, tag="tools_offered"):
    """The request named `offered` tools; its answer has `calls` of those that the caller runs."""

    offered: int
    calls: int


class UsageEstimated(Fact, frozen=True, tag="usage_estimated"):
    """The provider did not say what was used, so we counted."""

    reason: str


class PriceUnknown(Fact, frozen=True, tag="price_unknown"):
    target: str


class LimitRefused(Fact, frozen=True, tag="limit_refused"):
    """`limit` had no room; `retry_after_s` is None where it never will, the request being larger than the limit."""

    limit: str
    unit: str
    cost: int
    retry_after_s: float | None = None


class LimitShadowed(Fact, frozen=True, tag="limit_shadowed"):
    """`limit` would have refused, were it enforced."""

    limit: str


class BudgetCapped(Fact, frozen=True, tag="budget_capped"):
    """`budget` had no room, and let the exchange go on in another form."""

    budget: str
    action: str


class LimitStoreLost(Fact, frozen=True, tag="limit_store_lost"):
    """The store of the limits was away: admitted on what was leased before, if it was."""

    is_admitted: bool


class Ended(Fact, frozen=True, tag="ended"):
    end: End
    code: str | None = None


AnyFact: TypeAlias = (
    RouteChosen
    | TierChosen
    | AttemptStarted
    | TargetPassedOver
    | Queued
    | Hedged
    | ExtraCallBilled
    | FellBack
    | AskedAgain
    | SecondOpinion
    | RetryDenied
    | AttemptFailed
    | AttemptSucceeded
    | AdvisoryFieldDropped
    | StageAnswered
    | StageRefused
    | InputRefused
    | CacheHit
    | CacheMissed
    | CacheBypassed
    | CacheStored
    | Compacted
    | Summarised
    | CompactionSkipped
    | Saved
    | PromptCacheWanted
    | AnswerBounded
    | GuardJudged
    | GuardFailed
    | KnowledgeSearched
    | KnowledgeUnavailable
    | AnswerCited
    | ClaimsTraced
    | ConfidenceEstimated
    | AnswersSampled
    | AnswerHeld
    | PersonalDataMasked
    | ConversationRecalled
    | TurnsRecalled
    | PersonalDataRestored
    | LeaseTaken
    | LeaseSettled
    | CredentialEnded
    | IssuerKeysStale
    | ClockMoved
    | ClientLeft
    | ToolsOffered
    | UsageEstimated
    | PriceUnknown
    | LimitRefused
    | LimitShadowed
    | BudgetCapped
    | LimitStoreLost
    | Ended
)
