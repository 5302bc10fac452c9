"""Which guards a model has (`models.*.guards`, `guards.default`), as frozen values."""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from penstock.config.guards.answers import JudgeSettings, PolicySettings, ScopeSettings, broken_policy, broken_scope
from penstock.config.guards.guarding import Direction, GuardAction, Guarding, Share
from penstock.config.guards.personal import ListSettings, PersonalDataSettings, VaultSettings
from penstock.config.secret import Text

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,40}$")]


class InjectionSettings(Guarding, frozen=True, kw_only=True):
    """Instructions where none belong: in tool results and documents, or against the system prompt.

    `meaning` reads untrusted text with the encoder too, beside its wording.  `threshold` is the score from which a
    text counts as one, the shipped one where it is left out.  `fence` marks untrusted text for the model, `canary` puts
    a word into the system prompt that no answer may say.  `links` is what becomes of links and images that carry data
    to hosts which nobody named, but for `hosts`.  `tools` are the only ones that may be called, where it is set;
    `arguments` is what becomes of a call whose argument nobody but a text with an attack in it named.
    """

    meaning: bool = True
    threshold: Share | None = None
    action: GuardAction = "block"
    fence: bool = True
    canary: bool = True
    links: GuardAction = "mask"
    hosts: tuple[str, ...] = ()
    tools: tuple[str, ...] | None = None
    arguments: GuardAction = "block"


class SchemaSettings(Guarding, frozen=True, kw_only=True):
    """Answers to a request with a JSON Schema must be of that form.

    With `repair` the model is asked once more, with the reason; then `models.*.fallbacks` for the cause
    `invalid_answer` follow, and without one the answer is refused.
    """

    repair: bool = True


class OwnGuardSettings(Guarding, frozen=True, kw_only=True):
    """A guard of yours: `plugin` names an entry point of the group `penstock.guards`, or `url` a web hook.

    It is asked about `on`, and has `timeout_s` to answer.  `headers` go with every call of the web hook.
    """

    plugin: str | None = None
    url: str | None = None
    headers: dict[str, Text] = msgspec.field(default_factory=dict[str, Text])
    on: tuple[Direction, ...] = ("input", "output")
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 2.0


class ModelGuards(msgspec.Struct, frozen=True, kw_only=True):
    """The guards of one model; one that is left out does not run.

    `refusal` is said in place of an error where a guard refuses a request.
    """

    personal_data: PersonalDataSettings | None = None
    injection: InjectionSettings | None = None
    scope: ScopeSettings | None = None
    policy: PolicySettings | None = None
    answer_schema: SchemaSettings | None = None
    own: dict[Name, OwnGuardSettings] = {}
    refusal: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)] | None = None


class GuardSettings(msgspec.Struct, frozen=True, kw_only=True):
    """For all models.  `default` holds for every model name that has no `guards` of its own, known or not.

    `lists` are further personal data, by a name of yours.  `most_chars` bounds what of one request the guards read
    that need the encoder; a request with more they cannot judge.  `vault` is for conversations that clients name.
    `remembered_texts` is of how many texts a process remembers what was found in them: a conversation's turns come
    again with each request, and are read once.
    """

    default: ModelGuards = ModelGuards()
    lists: dict[Name, ListSettings] = {}
    vault: VaultSettings = VaultSettings()
    most_chars: Annotated[int, msgspec.Meta(ge=1000)] = 200_000
    remembered_texts: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)] = 20_000


def broken_guards(guards: ModelGuards | None) -> Iterator[tuple[str, str]]:
    """Path and message of every rule that is broken, for one model.  Called by `rules`."""
    if guards is None:
        return
    for name, own in guards.own.items():
        if (own.plugin is None) == (own.url is None):
            yield f"own.{name}", "it needs either `plugin` or `url`"
        if not own.on:
            yield f"own.{name}.on", "it is asked about nothing"
    if guards.scope is not None:
        yield from broken_scope(guards.scope)
    if guards.policy is not None:
        yield from broken_policy(guards.policy)


def topics_of(guards: ModelGuards) -> tuple[str, ...]:
    """Of which it is said what a question is about."""
    scope = guards.scope
    return () if scope is None or scope.mode == "off" else tuple(scope.topics)


def may_hold(guards: ModelGuards) -> bool:
    """Whether any of the guards keeps answers for a person."""
    return any(action == "hold" for _, action in _actions(guards))


def _actions(guards: ModelGuards) -> Iterator[tuple[str, GuardAction]]:
    personal, injection, policy = guards.personal_data, guards.injection, guards.policy
    if policy is not None:
        yield "policy.action", policy.action
        for name in ("meaning", "prices", "refusals", "overconfidence"):
            judge: JudgeSettings | None = getattr(policy, name)
            if judge is not None:
                yield f"policy.{name}.action", judge.action
    if personal is not None:
        yield "personal_data.answers", personal.answers
        for kind, action in personal.actions.items():
            yield f"personal_data.actions.{kind}", action
    if injection is not None:
        yield "injection.action", injection.action
        yield "injection.links", injection.links
        yield "injection.arguments", injection.arguments
