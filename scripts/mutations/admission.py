"""Deliberate faults in who may ask and how much."""

from mutations.mutation import Mutation

KEYS = "tests/admission/test_keys.py"
IN_FLIGHT = "tests/admission/test_inflight.py"
INPUTS = "tests/admission/test_inputs.py"
TOKENS = "tests/admission/test_tokens.py"
ENUMERATION = "tests/admission/test_enumeration.py"
EXTRA_CALLS = "tests/admission/limits/test_extra_calls.py"
CROWD = "tests/admission/limits/test_crowd.py"
SUPPLY_WORK = "tests/admission/limits/test_supply_work.py"
LIMITS = "tests/admission/limits/test_stage.py"
LIMIT_WIRING = "tests/app/test_limits.py"
RULES = "tests/console/test_rules_api.py"
FLEET = "tests/admission/fleet/test_sharing.py"
ENDED = "tests/system/test_identity_failures.py"
RELOAD = "tests/system/test_reload.py"
DATA_ROUTES = "server/routes.py"

MUTATIONS = (
    Mutation(
        "hedges have no bound",
        "admission/targets/retries.py",
        "        if not self._hedge_spend.has_room(expected * (self._hedges_under_way + 1)):\n",
        "        if False:\n",
        "tests/admission/targets/test_retries.py",
    ),
    Mutation("an expired key opens", "admission/keys.py", "entry.expires_at <= now", "False", KEYS),
    Mutation(
        "an expired key opens for its last moment",
        "admission/keys.py",
        "entry.expires_at <= now",
        "entry.expires_at < now",
        KEYS,
    ),
    Mutation(
        "a key that was revoked while the body came opens",
        DATA_ROUTES,
        "        if not was_in:",
        "        if False:",
        ENDED,
    ),
    Mutation(
        "a slow body is recorded under the configuration before",
        DATA_ROUTES,
        "config_hash=self.service.config_hash",
        "config_hash=service.config_hash",
        RELOAD,
    ),
    Mutation("any key opens", "admission/keys.py", "        if principal is None:", "        if False:", KEYS),
    Mutation(
        "a place is given back twice",
        "admission/inflight.py",
        "            self._limit = None",
        "            pass",
        IN_FLIGHT,
    ),
    Mutation(
        "one too many is let in",
        "admission/inflight.py",
        "self._taken >= self._limit",
        "self._taken > self._limit",
        IN_FLIGHT,
    ),
    Mutation(
        "text that is not ASCII passes for shorter",
        "admission/inputs.py",
        "_MOST_UTF8_BEYOND_ONE = 3",
        "_MOST_UTF8_BEYOND_ONE = 0",
        INPUTS,
    ),
    Mutation("images in a tool's result are not seen", "admission/inputs.py", "left += inner", "pass", INPUTS),
    Mutation(
        "bytes hide in fields without a name",
        "admission/inputs.py",
        "sizes.text_bytes += _json_bytes(part.extras)",
        "pass",
        INPUTS,
    ),
    Mutation(
        "an assistant's own limits are those of all",
        "admission/inputs.py",
        "self._own.get(request.model, self._bounds)",
        "self._bounds",
        INPUTS,
    ),
    Mutation(
        "any issuer's key is good for any issuer",
        "admission/identity/tokens.py",
        "trusted = state.trusted.get(issuer) if isinstance(issuer, str) else None",
        "trusted = next(iter(state.trusted.values()))",
        TOKENS,
    ),
    Mutation(
        "a signature is not looked at",
        "admission/identity/tokens.py",
        "if not key.has_signed(signed, signature, header.alg):",
        "if False:",
        TOKENS,
    ),
    Mutation(
        "an unknown key costs no signature",
        "admission/identity/tokens.py",
        "            if decoy is not None:",
        "            if False and decoy is not None:",
        ENUMERATION,
    ),
    Mutation(
        "old keys are good for ever",
        "admission/identity/tokens.py",
        "if now >= trusted.usable_until:",
        "if not trusted.usable_until:",
        TOKENS,
    ),
    Mutation(
        "a limit lets one more in than it has room for",
        "admission/limits/book.py",
        "cost == 0 or counter.is_loose or counter.spent + cost <= counter.held",
        "cost == 0 or counter.is_loose or counter.spent + cost <= counter.held + 1",
        CROWD,
    ),
    Mutation(
        "what was reserved before the first limit without room stays reserved",
        "admission/limits/book.py",
        "                self._take_back(counters, counter, costs)\n",
        "",
        LIMITS,
    ),
    Mutation(
        "places are given back after every burst",
        "admission/limits/counter.py",
        "max(ceil(self.peak - self.spent + self.peak / 4), min(_LEAST_PLACES, self.remaining // 8))",
        "ceil(self.spent / 4)",
        SUPPLY_WORK,
    ),
    Mutation(
        "places that are free at each look count as unused",
        "admission/limits/stage.py",
        "(requests, tokens, into, out, money, 1)",
        "(requests, tokens, into, out, money, 0)",
        SUPPLY_WORK,
    ),
    Mutation(
        "an extra call reserves nothing",
        "admission/limits/stage.py",
        "(0, *costs[1:-1], 0))",
        "(0,) * len(costs))",
        EXTRA_CALLS,
    ),
    Mutation(
        "what an extra call reserved is never given back",
        "admission/limits/stage.py",
        "            self._book.settle(extra, self._final_of_extra(exchange, extra.costs))",
        "            pass",
        CROWD,
    ),
    Mutation(
        "what all calls used is booked for each of them",
        "admission/limits/stage.py",
        "self._final_of_extra(exchange, extra.costs)",
        "self._final(exchange, extra.costs, target=target)",
        CROWD,
    ),
    Mutation(
        "an extra call that is refused stays reserved",
        "admission/limits/stage.py",
        "                self._book.settle(extra, (0,) * len(costs))",
        "                pass",
        EXTRA_CALLS,
    ),
    Mutation(
        "what nobody knows is given back",
        "admission/limits/stage.py",
        '        if exchange.usage.accuracy != "unknown":\n            into, out, spent',
        "        if True:\n            into, out, spent",
        LIMITS,
    ),
    Mutation(
        "a target pays for calls of others",
        "admission/limits/stage.py",
        "is not is_here and extra.usage",
        "is is_here and extra.usage",
        EXTRA_CALLS,
    ),
    Mutation(
        "a tenant lifts what the installation binds it by",
        "admission/limits/rules/store.py",
        "(not _is_seen(before, row.kind, scope) or before.tenant != row.tenant)",
        "before.kind != row.kind",
        RULES,
    ),
    Mutation(
        "a tenant ends another's overrides",
        "admission/limits/rules/store.py",
        "DELETE FROM budget_overrides WHERE id = %s AND budget = %s AND (%s::text IS NULL OR tenant = %s)",
        "DELETE FROM budget_overrides WHERE id = %s AND budget = %s AND (%s::text IS NULL OR true OR tenant = %s)",
        RULES,
    ),
    Mutation(
        "a changed limit of the file is not enforced",
        "admission/limits/rules/live.py",
        "        self._fixed, self._zones = fixed, zones\n",
        "        self._zones = zones\n",
        LIMIT_WIRING,
    ),
    Mutation(
        "a part of a provider's limits goes up at once",
        "admission/fleet/sharing.py",
        "return part if wanted - part > _CLOSE_ENOUGH * wanted else wanted",
        "return wanted",
        FLEET,
    ),
    Mutation(
        "a newcomer takes all of a provider's limits",
        "admission/fleet/sharing.py",
        "wanted = 1.0 / (callers[target] + 1)",
        "wanted = 1.0 / max(1, callers[target])",
        FLEET,
    ),
    Mutation(
        "what could not be told is forgotten",
        "admission/fleet/sharing.py",
        "self._untold = {**told.own, **self._untold}",
        "pass",
        FLEET,
    ),
    Mutation(
        "hearsay takes away what works",
        "admission/targets/breaker.py",
        "and self._works_for_us(now_s)",
        "and False",
        FLEET,
    ),
    Mutation(
        "an operator's order in Redis is undone by a process",
        "admission/fleet/redis_board.py",
        "      stands = false\n",
        "      stands = true\n",
        "tests/admission/fleet/test_boards.py",
    ),
    Mutation(
        "what was found elsewhere is told again",
        "admission/fleet/sharing.py",
        'if change.was_remote or state == "half_open":',
        'if state == "half_open":',
        FLEET,
    ),
    Mutation(
        "a message from before a process took leave is booked",
        "admission/limits/memory_store.py",
        "            share.held = share.used = 0\n",
        "            del total.shares[lease]\n",
        "tests/admission/limits/test_stores.py",
    ),
)
