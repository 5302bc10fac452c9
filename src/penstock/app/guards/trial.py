"""What the guards of a model say of one text: for `penstock guard test`, with no provider called and nothing kept."""

from collections.abc import Sequence
from dataclasses import dataclass

from penstock.app.encoder import load_encoder
from penstock.app.guards.opening import needs_encoder, open_guards
from penstock.config.types import Config
from penstock.core.chat import ChatRequest
from penstock.core.clock import SystemClock
from penstock.core.exchange import Exchange, Principal
from penstock.core.ids import new_exchange_id
from penstock.guard.judging import Judging
from penstock.guard.personal.escapes import value_of
from penstock.guard.personal.masking import apart, replaced
from penstock.guard.personal.tokens import Tokens
from penstock.guard.verdict import Action, Finding, Segment, Trust
from penstock.guard.ward import CannotJudge, Ward


@dataclass(frozen=True, slots=True)
class Said:
    """What one guard said: its strongest action, what it found with what stands there, or why it could not judge."""

    guard: str
    mode: str
    fail: str
    action: Action
    took_s: float
    found: tuple[tuple[Finding, Action, str], ...] = ()
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """Of all guards, and the text as a model would see it: None where nothing may pass."""

    said: tuple[Said, ...]
    sent: str | None


async def try_text(config: Config, model: str, text: str, *, trust: Trust = "user", tenant: str = "default") -> Trial:
    """Judge the text as `model` would have it judged in a request.  Raises `ConfigError` as `serve` would."""
    clock = SystemClock()
    needed = needs_encoder(config)
    encoder = load_encoder(config, needed_by=needed) if needed else None
    guards = open_guards(config, encoder, clock)
    found = guards.stage.guards_of(model) if guards.stage is not None else None
    wards = () if found is None else (*found.inputs, *found.masked_inputs)
    judging = Judging(clock, encoder, most_chars=config.guards.most_chars)
    exchange = _exchange(model, tenant, clock)
    segment = Segment(text, trust, "messages.0.parts.0")
    said: list[Said] = []
    for ward in wards:
        if not ward.holds_for(exchange) or not ward.asks_for(segment):
            continue
        began_s = clock.monotonic()
        try:
            await judging.found(exchange, ward, [segment])  # once for what is made at the first use
            began_s = clock.monotonic()
            pairs = await judging.found(exchange, ward, [segment])
        except CannotJudge as failure:
            action: Action = "block" if ward.fail == "closed" and ward.mode == "enforce" else "allow"
            said.append(Said(ward.guard, ward.mode, ward.fail, action, clock.monotonic() - began_s, (), failure.reason))
            continue
        took_s = clock.monotonic() - began_s
        each = [_with_action(ward, finding, text) for _, finding in pairs]
        action = _strongest([action for _, action, _ in each])
        said.append(Said(ward.guard, ward.mode, ward.fail, action, took_s, tuple(each)))
    await guards.aclose()
    if encoder is not None:
        encoder.close()
    return Trial(tuple(said), _sent(text, said))


def _with_action(ward: Ward, finding: Finding, text: str) -> tuple[Finding, Action, str]:
    return finding, ward.action(finding), value_of(finding, text)


def _sent(text: str, said: Sequence[Said]) -> str | None:
    enforced = [each for each in said if each.mode == "enforce"]
    if any(each.action in {"block", "hold"} for each in enforced):
        return None
    masked = [finding for each in enforced for finding, action, _ in each.found if action == "mask"]
    return replaced(text, apart(masked), Tokens())


def _strongest(actions: Sequence[Action]) -> Action:
    order: tuple[Action, ...] = ("allow", "mask", "block", "hold")
    strongest: Action = "allow"
    for each in actions:
        if order.index(each) > order.index(strongest):
            strongest = each
    return strongest


def _exchange(model: str, tenant: str, clock: SystemClock) -> Exchange:
    now = clock.monotonic()
    return Exchange(
        id=new_exchange_id(clock),
        principal=Principal(tenant=tenant, key="test"),
        request=ChatRequest(dialect="openai-chat", model=model, messages=()),
        dialect="openai-chat",
        started_at=clock.now(),
        began_s=now,
        deadline_s=now + 60.0,
        gone_policy="abort",
    )
