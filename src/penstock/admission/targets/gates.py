"""Every target's gate and every route's budget for further calls, found by name: `core.ports.Gates`.

Gates are made when a target is first asked for.  Callers may choose a model's name (`provider/model`), so there is a
bound on how many are kept; one in use, or with an open breaker, is never dropped.
"""

import math
import random
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any, Final

from penstock.admission.limits.estimate import prompt_tokens
from penstock.admission.targets.breaker import BreakerChange, BreakerSnapshot
from penstock.admission.targets.choice import choose
from penstock.admission.targets.gate import TargetGate
from penstock.admission.targets.permit import Permit
from penstock.admission.targets.retries import RetryBudget
from penstock.config.targets import GateSettings, HedgeSettings, RetrySettings
from penstock.core.chat import ChatRequest
from penstock.core.clock import Clock
from penstock.core.exchange import Exchange
from penstock.core.facts import Hedged
from penstock.core.ports import Route, Target

_MAX_KEPT: Final = 2_000


class TargetGates:
    """One for each event loop.  `on_breaker_change` is told of every change, with the target's name."""

    def __init__(
        self,
        settings: GateSettings,
        retries: RetrySettings,
        clock: Clock,
        rng: random.Random,
        *,
        hedging: HedgeSettings | None = None,
        on_breaker_change: Callable[[str, BreakerChange], None] | None = None,
    ) -> None:
        self._settings = settings
        self._retries = retries
        self._hedging = hedging or HedgeSettings()
        self._clock = clock
        self._rng = rng
        self._on_breaker_change = on_breaker_change
        self._gates: dict[str, TargetGate] = {}
        self._calls: dict[str, CallsOfRoute] = {}
        self._parts: dict[str, float] = {}

    def __iter__(self) -> Iterator[TargetGate]:
        return iter(tuple(self._gates.values()))

    def is_up(self, target: Target) -> bool:
        gate = self._gates.get(target.name)
        return gate is None or gate.admits

    def enter(self, exchange: Exchange, target: Target, *, has_choice: bool = False) -> Coroutine[Any, Any, Permit]:
        principal = exchange.principal
        gate = self.gate(target.name)
        tokens_in, tokens_out = self._tokens(exchange, gate) if gate.is_paced else (0, 0)
        return gate.enter(
            tenant=principal.tenant,
            deadline_s=exchange.deadline_s,
            patience_s=self._settings.queue.patience_s if has_choice else math.inf,
            weight=principal.weight,
            priority=principal.priority,
            input_tokens=tokens_in,
            output_tokens=tokens_out,
        )

    def try_enter(self, exchange: Exchange, target: Target) -> Permit | None:
        gate = self.gate(target.name)
        tokens_in, tokens_out = self._tokens(exchange, gate) if gate.is_paced else (0, 0)
        return gate.try_enter(priority=exchange.principal.priority, input_tokens=tokens_in, output_tokens=tokens_out)

    def begin(self, route: Route) -> "CallsOfRoute":
        calls = self._calls.get(route.name)
        if calls is None:
            if len(self._calls) >= _MAX_KEPT:
                self._calls.clear()
            calls = self._calls[route.name] = CallsOfRoute(self, RetryBudget(self._retries, self._hedging, self._clock))
        calls.budget.request()
        return calls

    def settled(self, exchange: Exchange) -> None:
        """Learn what the answer cost, and what the call that lost against another did."""
        route = exchange.route
        calls = None if route is None else self._calls.get(route.name)
        if calls is None:
            return
        if any(type(fact) is Hedged for fact in exchange.facts):
            lost = [each.cost.amount_nanousd for each in exchange.extra_calls if each.why == "hedge"]
            calls.budget.hedged(lost[0] if lost else 0)
        total = exchange.cost.amount_nanousd
        if total is not None:
            calls.budget.spent(total - sum(each.cost.amount_nanousd or 0 for each in exchange.extra_calls))

    def hedge_after_s(self, target: Target) -> float | None:
        return self.gate(target.name).hedge_after_s(self._hedging.quantile)

    def order(self, targets: Sequence[Target]) -> Sequence[Target]:
        """The less loaded of two that are drawn first, then the others as they follow it."""
        loads = [0.0 if (gate := self._gates.get(target.name)) is None else gate.load_s for target in targets]
        first = choose([place for place, target in enumerate(targets) if self.is_up(target)], loads, self._rng)
        return targets if not first else (*targets[first:], *targets[:first])

    def _tokens(self, exchange: Exchange, gate: TargetGate) -> tuple[int, int]:
        """What the call is about to use: a guess of its prompt, and the most that its answer may have."""
        request = exchange.request
        prompt = prompt_tokens(request)
        exchange.take(PromptGuess(gate, prompt), at_s=self._clock.monotonic())
        return prompt, (request.max_tokens or 0) if isinstance(request, ChatRequest) else 0

    def gate(self, name: str) -> TargetGate:
        gate = self._gates.get(name)
        return gate if gate is not None else self._make(name)

    def called_since(self, since_s: float) -> tuple[str, ...]:
        """The targets that a call went to since then (monotonic), the latest first.  May be asked from any thread."""
        called = [(gate.called_s, gate.name) for gate in self if gate.called_s >= since_s]
        return tuple(name for _, name in sorted(called, reverse=True))

    def apply(self, target: str, remote: BreakerSnapshot, reason: str = "") -> None:
        """Take in what another process, or an operator, says of a target; see `Breaker.apply`."""
        gate = self._gates.get(target)
        if gate is None:
            if remote.state != "open":
                return
            gate = self._make(target)
        gate.breaker.apply(remote, reason)

    def set_parts(self, parts: Mapping[str, float]) -> None:
        """The part of each target's announced limits, of what is Penstock's own, that is this process's; else all."""
        before, self._parts = self._parts, dict(parts)
        for name in {**before, **self._parts}:
            gate = self._gates.get(name)
            if gate is not None and before.get(name) != self._parts.get(name):
                gate.set_share(self._share(name))

    def _share(self, name: str) -> float:
        return self._settings.pacing.share * self._parts.get(name, 1.0)

    def _make(self, name: str) -> TargetGate:
        if len(self._gates) >= _MAX_KEPT:
            self._gates = {name: gate for name, gate in self._gates.items() if not gate.is_idle}
        gate = TargetGate(name, self._settings, self._clock, self._rng, on_breaker_change=self._on_breaker_change)
        gate.set_share(self._share(name))
        self._gates[name] = gate
        return gate


class CallsOfRoute:
    """`core.ports.RouteCalls`."""

    __slots__ = ("_gates", "budget")

    def __init__(self, gates: TargetGates, budget: RetryBudget) -> None:
        self._gates = gates
        self.budget = budget

    def may_retry(self) -> bool:
        return self.budget.try_retry()

    def may_hedge(self) -> bool:
        return self.budget.try_hedge()

    def hedge_after_s(self, target: Target) -> float | None:
        return self._gates.hedge_after_s(target)

    def order(self, targets: Sequence[Target]) -> Sequence[Target]:
        return self._gates.order(targets)


class PromptGuess:
    """What a call's prompt was taken for at a target that limits tokens, until its answer says what it was.

    A `core.ports.Lease`: of what is settled, it alone is told every exchange's usage.
    """

    __slots__ = ("_gate", "_guessed")

    name = "prompt_guess"

    def __init__(self, gate: TargetGate, guessed: int) -> None:
        self._gate = gate
        self._guessed = guessed

    def settle(self, exchange: Exchange) -> None:
        """Nothing is learned where another target answered, where usage was counted by ourselves, or where it is that
        of several calls.
        """
        target, usage = exchange.target, exchange.usage
        if target is None or target.name != self._gate.name or usage.accuracy != "exact" or exchange.extra_calls:
            return
        self._gate.prompts.learn(guessed=self._guessed, reported=usage.input_tokens)
