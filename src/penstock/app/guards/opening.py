"""The guards of a data plane: their stages, and what they stand on."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_bytes
from typing import TYPE_CHECKING, TypeVar

from penstock.app.guards.heads import KeptHeads
from penstock.app.guards.injection import Injection, fencing
from penstock.app.guards.lists import check_lists
from penstock.app.guards.own import Own
from penstock.app.guards.personal import NAMES, PersonalData, kinds_of
from penstock.app.guards.policy import Policy
from penstock.app.guards.refusing import Refusing
from penstock.app.guards.restoring import Restoring
from penstock.app.guards.scope import Scope
from penstock.app.guards.wording import Wording, wording_of
from penstock.config.datadir import DataDir
from penstock.config.guards import ModelGuards, PersonalDataSettings
from penstock.config.problems import refuse
from penstock.config.types import Config
from penstock.core.clock import Clock
from penstock.core.errors import ConfigError
from penstock.core.exchange import Exchange
from penstock.core.ports import Stage
from penstock.core.sources import Passage
from penstock.guard.answer import Answers, Asked, Windowed
from penstock.guard.closing import Closing
from penstock.guard.fencing import FenceStage
from penstock.guard.form import FormPolicy, FormStage
from penstock.guard.judging import Judging
from penstock.guard.looping import Looped
from penstock.guard.personal.vault.vault import Vault
from penstock.guard.screening import Screening
from penstock.guard.stage import ClosingStage, Guards, GuardStage, RestoreStage, nothing_judged
from penstock.guard.verdict import Finding, Segment
from penstock.guard.ward import Detect, OnStream, Ward

if TYPE_CHECKING:
    from penstock.encoder.executor import Encoder
    from penstock.encoder.model import Encoded

NOTHING = ModelGuards()
MadeT = TypeVar("MadeT")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneGuards:
    """`start` once, on the event loop that serves; `aclose` once, after the last exchange has settled.

    `stage`, `restore` and `screening` are None where no model has guards, `wording` where none masks.  The filters of
    `behind` come after the guards', and the stages `last` come after all others.
    """

    own: Own
    stage: GuardStage | None = None
    restore: RestoreStage | None = None
    vault: Vault | None = None
    behind: tuple[Stage, ...] = ()
    last: tuple[Stage, ...] = ()
    screening: Screening | None = None
    wording: Wording | None = None

    def start(self) -> None:
        if self.vault is not None:
            self.vault.start()

    def problems(self) -> tuple[str, ...]:
        """What is wrong, for `/health`."""
        return () if self.vault is None else self.vault.problems()

    def gauges(self) -> tuple[tuple[str, str, float], ...]:
        """For `/metrics`: name, meaning, value."""
        return () if self.vault is None else self.vault.gauges()

    @property
    def stages(self) -> Sequence[Stage]:
        """On the way in."""
        return () if self.stage is None else (self.stage,)

    async def screen(self, exchange: Exchange, passages: Sequence[Passage]) -> Sequence[Passage]:
        """Those of the passages that the model may be shown, as it may be shown them."""
        return passages if self.screening is None else await self.screening.screened(exchange, passages)

    def around(self, stages: tuple[Stage, ...], *, judged: tuple[Stage, ...] = ()) -> tuple[Stage, ...]:
        """The filters' order: our own markers go first of all, what is judged is judged before it is kept, and values
        are put back when all else is done.  `judged` are those that see what guards let through before a cache does.
        """
        others = tuple(each for each in stages if each not in judged)
        if self.stage is None or self.restore is None:
            return (*judged, *others)
        others = tuple(each for each in others if each is not self.stage and each not in self.last)
        return (*self.last, self.stage, *judged, *self.behind, *others, self.restore)

    async def aclose(self) -> None:
        if self.vault is not None:
            await asyncio.to_thread(self.vault.stop)
        await self.own.aclose()


def guards_of(config: Config) -> Mapping[str, ModelGuards]:
    """By the path of the setting: each model's own, and the default of all others."""
    own = {f"models.{name}.guards": model.guards for name, model in config.models.items() if model.guards is not None}
    return {**own, "guards.default": config.guards.default}


def needs_encoder(config: Config) -> list[str]:
    """The settings that cannot do without it."""
    needed: list[str] = []
    for path, guards in guards_of(config).items():
        personal, policy = guards.personal_data, guards.policy
        if guards.scope is not None and guards.scope.mode != "off" and guards.scope.topics:
            needed.append(f"{path}.scope.topics")
        if policy is not None and policy.mode != "off" and policy.meaning is not None and policy.meaning.mode != "off":
            needed.append(f"{path}.policy.meaning")
        if guards.injection is not None and guards.injection.mode != "off" and guards.injection.meaning:
            needed.append(f"{path}.injection.meaning")
        if personal is None or personal.mode == "off" or not personal.names:
            continue
        try:
            kinds = kinds_of(personal, config.guards.lists)
        except ConfigError:
            continue  # a kind that no rule finds: `open_guards` says so, with all else that is wrong
        if not kinds.isdisjoint(NAMES):
            needed.append(f"{path}.personal_data.names")
    return needed


def open_guards(
    config: Config,
    encoder: "Encoder | None",
    clock: Clock,
    *,
    vault: Vault | None = None,
    heads: KeptHeads | None = None,
) -> PlaneGuards:
    """Everything but running.  Without a `vault` tokens live for one exchange; without `heads` those that are kept in
    the data directory are read, and none is added.

    Raises `ConfigError` where what models ask for cannot be had: the first thing that is wrong of each.
    """
    check_lists(config)
    own = Own(clock)
    common = config.guards
    judging = Judging(clock, encoder, most_chars=common.most_chars, most_texts=common.remembered_texts)
    if heads is None:
        heads = KeptHeads(DataDir(Path(config.data_dir)).scope_heads, may_write=False)
    maker = _Maker(config, own, judging, clock, encoder, heads=heads)
    made: dict[str, Guards] = {}
    default: Guards | None = None
    broken: list[ConfigError] = []
    for path, settings in guards_of(config).items():
        if settings == NOTHING and path == "guards.default":
            continue
        try:
            guards = maker.guards(settings)
        except ConfigError as error:
            broken.append(config.problem(f"{path}.{error.path}" if error.path else path, error.message))
            continue
        if path == "guards.default":
            default = guards
        else:
            made[path.removeprefix("models.").removesuffix(".guards")] = guards
    refuse(broken)
    if not made and default is None:
        return PlaneGuards(own=own)
    behind = (_form_stage(config, clock), ClosingStage())
    stage = GuardStage(made, default, judging, clock, vault)
    return PlaneGuards(
        own=own,
        stage=stage,
        restore=RestoreStage(clock),
        vault=vault,
        behind=behind,
        last=(maker.fences,),
        screening=Screening(judging, clock),
        wording=wording_of(maker.masking, config, clock, encoder),
    )


def _fence_stage(config: Config) -> FenceStage:
    policies = {
        name: fencing(model.guards.injection) for name, model in config.models.items() if model.guards is not None
    }
    # New with every start: markers and canaries mean nothing beyond this process.
    return FenceStage(policies, fencing(config.guards.default.injection), token_bytes(32))


def _form_stage(config: Config, clock: Clock) -> FormStage:
    policies = {name: _form(model.guards) for name, model in config.models.items() if model.guards is not None}
    return FormStage(policies, _form(config.guards.default), clock)


def _form(settings: ModelGuards) -> FormPolicy | None:
    form = settings.answer_schema
    if form is None or form.mode == "off":
        return None
    ward = Ward(
        guard="answer_schema",
        mode="shadow" if form.mode == "shadow" else "enforce",
        fail=form.fail,
        action=lambda _: "block",
        stream=form.stream,
    )
    return FormPolicy(ward=ward, repairs=form.repair, refusal=settings.refusal)


class _Maker:
    """Makes the guards of one model after the other, with what they share."""

    def __init__(
        self, config: Config, own: Own, judging: Judging, clock: Clock, encoder: "Encoder | None", *, heads: KeptHeads
    ) -> None:
        self._encoder = encoder
        self._heads = heads
        self._config = config
        self._own = own
        self._judging = judging
        self._clock = clock
        self._recogniser: Detect | None = None
        self.masking: list[Ward] = []
        """What masks personal data, of all models: where their settings are the same, once."""
        self._masked: list[PersonalDataSettings] = []
        self.fences = _fence_stage(config)

    def _names(self) -> Detect | None:
        """None without an encoder: then no model asks for a kind that it would find (`needs_encoder`)."""
        if self._recogniser is None and self._encoder is not None:
            # numpy, of an extra that not everybody has
            from penstock.guard.personal.names.recogniser import Recogniser  # noqa: PLC0415

            recogniser = Recogniser.load(self._encoder.weights_sha256)

            def detect(segment: Segment, encoded: "Encoded | None") -> Sequence[Finding]:
                return recogniser.find(segment.text, encoded)

            self._recogniser = detect
        return self._recogniser

    def guards(self, settings: ModelGuards) -> Guards:
        """One model's.  Raises `ConfigError` with a path below the model's `guards`."""
        inputs: list[Ward] = []
        windowed: list[Windowed] = []
        asked: list[Ward] = []
        personal = settings.personal_data
        if personal is not None:
            names = self._names() if personal.names and personal.mode != "off" else None
            data = _under("personal_data", lambda: PersonalData(personal, self._config.guards.lists, names))
            inputs += _under("personal_data", lambda: list(data.wards()))
            if personal.mode == "enforce" and personal not in self._masked:
                self._masked.append(personal)
                self.masking += inputs
            windowed += _under("personal_data", lambda: list(data.windows()))
            asked += data.asked()
        scope, encoder, injection = settings.scope, self._encoder, settings.injection
        if injection is not None:
            reader = encoder if injection.meaning else None
            against = _under("injection", lambda: Injection(injection, reader, self.fences))
            inputs += against.wards()
            asked += against.asked()
        loops: Looped | None = None
        if scope is not None:
            scoped = _under("scope", lambda: Scope(scope, encoder, self._heads))
            inputs += scoped.wards()
            loops = scoped.loops()
        closing: Closing | None = None
        policy = settings.policy
        if policy is not None:
            said = _under("policy", lambda: Policy(policy, encoder))
            windowed += _under("policy", lambda: list(said.windows()))
            asked += said.asked()
            closing = _under("policy", said.closing)
        asked += self._own.wards(settings.own, "output")
        answers = Answers(
            windowed,
            alike(asked),
            self._judging,
            self._clock,
            refusal=settings.refusal,
            loops=loops,
        )
        return Guards(
            inputs=tuple(inputs),
            masked_inputs=tuple(self._own.wards(settings.own, "input")),
            outputs=answers.open,
            closing=nothing_judged if closing is None else closing.open,
            may_restore=Restoring(personal.restore if personal is not None else None),
            refuse=_under("scope", lambda: Refusing(settings.refusal, scope)),
        )


def alike(wards: Sequence[Ward]) -> list[Asked]:
    """Those together that see a stream in the same way, in the order of the first of each."""
    groups: dict[tuple[OnStream, bool], list[Ward]] = {}
    for ward in wards:
        groups.setdefault((ward.stream, ward.is_about_whole), []).append(ward)
    return [Asked(found, stream, is_whole) for (stream, is_whole), found in groups.items()]


def _under(name: str, make: Callable[[], MadeT]) -> MadeT:
    """What `make` makes; its complaints are about `name`."""
    try:
        return make()
    except ConfigError as error:
        raise ConfigError(error.message, path=f"{name}.{error.path}" if error.path else name) from None
