"""The guards of a data plane: their stages, and what they stand on."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.app.guards.heads import KeptHeads
from penstock.app.guards.lists import check_lists
from penstock.app.guards.own import Own
from penstock.app.guards.wording import Wording, wording_of
from penstock.config.datadir import DataDir
from penstock.config.guards import ModelGuards
from penstock.config.problems import refuse
from penstock.config.types import Config
from penstock.core.clock import Clock
from penstock.core.errors import ConfigError
from penstock.core.exchange import Exchange
from penstock.core.ports import Stage
from penstock.core.sources import Passage
from penstock.guard.judging import Judging
from penstock.guard.personal.vault.vault import Vault
from penstock.guard.screening import Screening
from penstock.guard.stage import ClosingStage, Guards, GuardStage, RestoreStage

if TYPE_CHECKING:
    from penstock.encoder.executor import Encoder

NOTHING = ModelGuards()


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
        # Imported here: with them come all rules of personal data.
        from penstock.app.guards.personal import NAMES, kinds_of  # noqa: PLC0415 - see above

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
    asked = {path: each for path, each in guards_of(config).items() if each != NOTHING or path != "guards.default"}
    if not asked:
        return PlaneGuards(own=own)
    # Imported here: the rules of all guards, with what they stand on, are an eighth of a data plane's start.
    from penstock.app.guards.making import Maker, form_stage  # noqa: PLC0415 - see above

    common = config.guards
    judging = Judging(clock, encoder, most_chars=common.most_chars, most_texts=common.remembered_texts)
    if heads is None:
        heads = KeptHeads(DataDir(Path(config.data_dir)).scope_heads, may_write=False)
    maker = Maker(config, own, judging, clock, encoder, heads=heads)
    made: dict[str, Guards] = {}
    default: Guards | None = None
    broken: list[ConfigError] = []
    for path, settings in asked.items():
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
    stage = GuardStage(made, default, judging, clock, vault)
    return PlaneGuards(
        own=own,
        stage=stage,
        restore=RestoreStage(clock),
        vault=vault,
        behind=(form_stage(config, clock), ClosingStage()),
        last=(maker.fences,),
        screening=Screening(judging, clock),
        wording=wording_of(maker.masking, config, clock, encoder),
    )
