"""Makes the guards of a plane's models from their settings.

Only `opening` reads this, and only where something is guarded.
"""

from collections.abc import Callable, Sequence
from secrets import token_bytes
from typing import TYPE_CHECKING, TypeVar

from penstock.app.guards.heads import KeptHeads
from penstock.app.guards.injection import Injection, fencing
from penstock.app.guards.own import Own
from penstock.app.guards.personal import PersonalData
from penstock.app.guards.policy import Policy
from penstock.app.guards.refusing import Refusing
from penstock.app.guards.restoring import Restoring
from penstock.app.guards.scope import Scope
from penstock.config.guards import ModelGuards, PersonalDataSettings
from penstock.config.types import Config
from penstock.core.clock import Clock
from penstock.core.errors import ConfigError
from penstock.guard.answer import Answers, Asked, Windowed
from penstock.guard.closing import Closing
from penstock.guard.fencing import FenceStage
from penstock.guard.form import FormPolicy, FormStage
from penstock.guard.judging import Judging
from penstock.guard.looping import Looped
from penstock.guard.stage import Guards, nothing_judged
from penstock.guard.verdict import Finding, Segment
from penstock.guard.ward import Detect, OnStream, Ward

if TYPE_CHECKING:
    from penstock.encoder.executor import Encoder
    from penstock.encoder.model import Encoded

MadeT = TypeVar("MadeT")


class Maker:
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


def form_stage(config: Config, clock: Clock) -> FormStage:
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


def _fence_stage(config: Config) -> FenceStage:
    policies = {
        name: fencing(model.guards.injection) for name, model in config.models.items() if model.guards is not None
    }
    # New with every start: markers and canaries mean nothing beyond this process.
    return FenceStage(policies, fencing(config.guards.default.injection), token_bytes(32))


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
