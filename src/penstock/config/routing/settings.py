"""How a request finds its tier, as frozen values: `models.*.tiers` names them, `models.*.routing` chooses among them.

`app` hands them to `routing`.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import msgspec

from penstock.config.problems import closest
from penstock.core.exchange import Priority

Count = Annotated[int, msgspec.Meta(ge=1)]
Part = Annotated[float, msgspec.Meta(ge=0, le=1)]
Share = Annotated[float, msgspec.Meta(gt=0, le=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]

Modality = Literal["image", "audio", "file"]
WhoMayAsk = Literal["any", "down", "none"]


class WhenSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What must be so for a rule to hold: everything that is given.  Of a list, one of its values.

    `chars_*` count the question (the last thing the caller says), `tokens_from` the whole request, by an estimate;
    `turns_from` how often the caller has spoken.  `languages` are two-letter codes.
    """

    chars_from: Count | None = None
    chars_to: Count | None = None
    tokens_from: Count | None = None
    turns_from: Count | None = None
    languages: tuple[Name, ...] = ()
    modalities: tuple[Modality, ...] = ()
    tools: bool | None = None
    schema: bool | None = None
    code: bool | None = None
    maths: bool | None = None
    plans: tuple[Name, ...] = ()
    tenants: tuple[Name, ...] = ()
    groups: tuple[Name, ...] = ()
    priorities: tuple[Priority, ...] = ()


class RuleSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where `when` holds: this `tier`, or with `at_least` this one or a stronger one."""

    when: WhenSettings
    tier: Name | None = None
    at_least: Name | None = None
    name: Name | None = None


class LearnSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How outcomes move the dial: towards `failures` bad ones among the known outcomes of the weaker tiers.

    The share of requests that goes to a stronger tier moves by `step` at a time and never further than `within` from
    what `quality` says.
    """

    enabled: bool = True
    failures: Share = 0.05
    within: Part = 0.15
    step: Share = 0.01


class RoutingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a model with tiers chooses.

    `quality` is the share of what the strongest tier answers better than the weakest that is to be kept.  `default` is
    the tier where nothing can be said, the strongest unless set.  `sticky` keeps a conversation at its tier or a
    stronger one, for `sticky_s` after its last turn.  `override` says whether callers may name a tier: any, only a
    weaker one than theirs, or none.  With `spill` the other tiers follow where all targets of the chosen one fail.
    `shadow` decides and records, and uses `default`.
    """

    quality: Part = 0.8
    rules: tuple[RuleSettings, ...] = ()
    default: Name | None = None
    sticky: bool = True
    sticky_s: Seconds = 3600.0
    override: WhoMayAsk = "any"
    spill: bool = True
    mode: Literal["enforce", "shadow"] = "enforce"
    learn: LearnSettings = LearnSettings()


def broken_routing(routing: RoutingSettings, tiers: Mapping[str, object]) -> Iterator[tuple[str, str, str | None]]:
    """Path below `routing`, message and what was probably meant, of every rule that is broken.  Called by `rules`."""
    named = [("default", routing.default)]
    for place, rule in enumerate(routing.rules):
        if (rule.tier is None) == (rule.at_least is None):
            yield f"rules.{place}", "it needs either `tier` or `at_least`", None
        if rule.when == WhenSettings():
            yield f"rules.{place}.when", "it names no condition: for what holds always use `default`", None
        named += [(f"rules.{place}.tier", rule.tier), (f"rules.{place}.at_least", rule.at_least)]
        for language in rule.when.languages:
            if language not in LANGUAGES:
                near = closest(language, LANGUAGES)
                yield f"rules.{place}.when.languages", f"`{language}` is not among the languages told apart", near
    for path, tier in named:
        if tier is not None and tier not in tiers:
            yield path, f"there is no tier `{tier}`", closest(tier, list(tiers))


LANGUAGES: tuple[str, ...] = (
    "en", "de", "fr", "es", "it", "pt", "nl", "sv", "pl", "tr",
    "ru", "el", "ar", "he", "hi", "th", "ja", "ko", "zh",
)  # fmt: skip
"""What `routing.language` tells apart, as ISO 639-1 codes."""
