"""Whose questions and answers are kept, how many of them, and for how long (`contents`, `models.*.contents`)."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Annotated, Literal

import msgspec

Keep = Literal["none", "sampled", "all"]
Always = Literal["errors", "blocked", "held"]
"""What is kept beside the sample: exchanges without an answer, those that a guard refused, those that a person sees."""
Days = Annotated[float, msgspec.Meta(gt=0, le=3_650)]
Sample = Annotated[float, msgspec.Meta(ge=0, le=1)]
MostBytes = Annotated[int, msgspec.Meta(ge=1_024, le=4 * 1024 * 1024)]


class ContentOverride(msgspec.Struct, frozen=True, kw_only=True):
    """What is otherwise for one model, or one tenant; what is None is as it is for all."""

    keep: Keep | None = None
    sample: Sample | None = None
    always: tuple[Always, ...] | None = None
    lifetime_days: Days | None = None
    search: bool | None = None
    most_bytes: MostBytes | None = None


class ContentSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`sampled` keeps the share `sample`, and `always` what it names; `none` keeps nothing at all.

    What is kept goes after `lifetime_days`, has at most `most_bytes` of text, and is found by its words with `search`.
    A tenant's setting comes before a model's, and that before the others; but a `none` is final whoever says it of a
    model or a tenant.
    """

    keep: Keep = "none"
    sample: Sample = 0.01
    always: tuple[Always, ...] = ()
    lifetime_days: Days = 30.0
    search: bool = True
    most_bytes: MostBytes = 64 * 1024
    tenants: dict[str, ContentOverride] = {}


class ContentPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for one model and tenant."""

    keep: Keep
    sample: float
    always: tuple[Always, ...]
    lifetime_days: float
    search: bool
    most_bytes: int


def policy_of(
    settings: ContentSettings, model: ContentOverride | None, tenant: ContentOverride | None
) -> ContentPolicy | None:
    """None where nothing is kept."""
    said = [each for each in (model, tenant) if each is not None]
    found = _policy(settings, said)
    return None if found.keep == "none" or any(each.keep == "none" for each in said) else found


def broken_contents(
    settings: ContentSettings, models: Mapping[str, ContentOverride | None], *, away: AbstractSet[str]
) -> Iterator[tuple[str, str]]:
    """Path and message of every rule that is broken; `away` are models of which nothing may rest here.

    Called by `rules`.
    """
    yield from _unkept("contents", settings, _policy(settings, ()))
    for name, each in models.items():
        if each is None:
            continue
        path, found = f"models.{name}.contents", _policy(settings, (each,))
        yield from _unkept(path, each, found)
        if found.keep == "none" and each.keep is None:
            yield f"{path}.keep", "nothing is kept of this model, whatever else is said: say what is to be kept"
        if name in away and each.keep not in {None, "none"}:
            yield f"{path}.keep", "what is said would be kept outside of the model's regions"
    for name, each in settings.tenants.items():
        path = f"contents.tenants.{name}"
        yield from _unkept(path, each, _policy(settings, (each,)))
        if each.keep is None and all(policy_of(settings, model, each) is None for model in (None, *models.values())):
            yield f"{path}.keep", "nothing is kept of this tenant, whatever else is said: say what is to be kept"


def _unkept(path: str, said: ContentSettings | ContentOverride, found: ContentPolicy) -> Iterator[tuple[str, str]]:
    """A setting that reads as if something were kept, where nothing is."""
    if said.keep == "none" and said.always:
        yield f"{path}.always", "nothing is kept with `keep: none`: say `sampled`, with `sample: 0` for these alone"
    if said.keep == "sampled" and found.sample == 0 and not found.always:
        yield f"{path}.sample", "a sample of 0 keeps nothing: say `keep: none`, or what is `always` kept"
    if said.always is not None and len(set(said.always)) < len(said.always):
        yield f"{path}.always", "it names something twice"


def _policy(settings: ContentSettings, said: Sequence[ContentOverride]) -> ContentPolicy:
    fields = {name: getattr(settings, name) for name in ContentPolicy.__struct_fields__}
    for each in said:
        fields |= {name: value for name in fields if (value := getattr(each, name)) is not None}
    return ContentPolicy(**fields)
