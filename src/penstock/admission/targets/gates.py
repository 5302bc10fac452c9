"""Every target's gate and every route's budget for further calls, found by name: `core.ports.Gates`.

Gates are made when a target is first asked for.  Callers may choose a model's name (`provider/model`), so there is a
bound on how many are kept; one in use, or with an open breaker, is never dropped.
"""

import random
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final

from penstock.admission.limits.estimate import prompt_tokens
from penstock.admission.targets.breaker import BreakerChange
from penstock.admission.targets.gate import Permit, TargetGate
from penstock.admission.targets.retries import RetryBudget
from penstock.config.targets import GateSettings, RetrySettings
from penstock.core.chat import ChatRequest
from penstock.core.clock import Clock
from penstock.core.exchange import Exchange
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
        on_breaker_change: Callable[[str, BreakerChange], None] | None = None,
    ) -> None:
        self._settings = settings
        self._retries = retries
        self._clock = clock
        self._rng = rng
        self._on_breaker_change = on_breaker_change
        self._gates: dict[str, TargetGate] = {}
        self._budgets: dict[str, RetryBudget] = {}

    def __iter__(self) -> Iterator[TargetGate]:
        return iter(tuple(self._gates.values()))

    def is_up(self, target: Target) -> bool:
        gate = self._gates.get(target.name)
        return gate is None or gate.admits

    def enter(self, exchange: Exchange, target: Target) -> Coroutine[Any, Any, Permit]:
        principal = exchange.principal
        gate = self._gates.get(target.name)
        if gate is None:
            gate = self._make(target.name)
        tokens_in = tokens_out = 0
        if gate.is_paced:
            request = exchange.request
            tokens_in = prompt_tokens(request)
            tokens_out = (request.max_tokens or 0) if isinstance(request, ChatRequest) else 0
        return gate.enter(
            tenant=principal.tenant,
            deadline_s=exchange.deadline_s,
            weight=principal.weight,
            priority=principal.priority,
            input_tokens=tokens_in,
            output_tokens=tokens_out,
        )

    def request(self, route: Route) -> None:
        budget = self._budgets.get(route.name)
        if budget is None:
            if len(self._budgets) >= _MAX_KEPT:
                self._budgets.clear()
            budget = self._budgets[route.name] = RetryBudget(self._retries, self._clock)
        budget.request()

    def may_retry(self, route: Route) -> bool:
        budget = self._budgets.get(route.name)
        return budget is not None and budget.try_retry()

    def _make(self, name: str) -> TargetGate:
        if len(self._gates) >= _MAX_KEPT:
            self._gates = {name: gate for name, gate in self._gates.items() if not gate.is_idle}
        gate = TargetGate(name, self._settings, self._clock, self._rng, on_breaker_change=self._on_breaker_change)
        self._gates[name] = gate
        return gate
