"""Breaks the code that guards money, leases and records, one place at a time, and demands that a test sees it.

Run by people and CI: `python scripts/mutation_check.py [word …]`; words choose mutations by their names.  Each
mutation is made in a copy of the sources outside the working tree, and the tests named beside it must fail there; they
must pass on the copy as it is.  Exits with 1 where a mutation survives, no longer fits the source, or a test is red to
begin with.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEDGE = "tests/flow/test_hedge.py"
OUTCOMES = "tests/flow/test_outcomes.py"
BOOKS = "tests/flow/test_books.py"
SHIP = "tests/watch/test_ship.py"
JOURNAL = "tests/watch/test_journal.py"
PRICES = "tests/watch/test_prices.py"
KEYS = "tests/admission/test_keys.py"
OUTBOX = "tests/watch/alerts/test_outbox.py"
ALERTS = "tests/watch/alerts/test_deliver.py"
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
CACHE = "tests/cache/test_exact.py"
CACHE_FLIGHTS = "tests/cache/test_flights.py"
CACHE_LEAKS = "tests/cache/test_leaks.py"
CACHE_STORE = "tests/cache/test_store.py"
RESIDENCY = "tests/routing/test_residency.py"
TIERS = "tests/routing/test_tier_choice.py"
SURVIVED, KILLED, STALE = "SURVIVED", "killed", "STALE"


@dataclass(frozen=True)
class Mutation:
    """Replace `old`, which stands once in `file` (below src/penstock), by `new`; `tests` must then fail."""

    name: str
    file: str
    old: str
    new: str
    tests: str


MUTATIONS = (
    Mutation(
        "what may not rest here is kept",
        "cache/exact.py",
        "        if reason is None and not self._shown.may_rest(exchange):\n",
        "        if False:\n",
        CACHE,
    ),
    Mutation(
        "the tenant is left out of a cached answer's key",
        "cache/key.py",
        "            return (who.tenant,)\n",
        "            return ()\n",
        CACHE_LEAKS,
    ),
    Mutation(
        "access groups are left out of a cached answer's key",
        "cache/key.py",
        "sorted(set(who.groups)), exchange.request.model",
        "exchange.request.model",
        CACHE_LEAKS,
    ),
    Mutation(
        "an answer that was not complete is kept",
        "cache/exact.py",
        'is_made = making.has_whole and exchange.end in {"completed", "client_gone"}',
        "is_made = True",
        CACHE_FLIGHTS,
    ),
    Mutation(
        "a leader that fails tells nobody",
        "cache/exact.py",
        "                self._flights.hand_on(making.key)\n",
        "                pass\n",
        CACHE_FLIGHTS,
    ),
    Mutation(
        "an answer that was begun before a drop is kept after it",
        "cache/shelf.py",
        "            return\n        self.memory.put(entry, since)\n",
        "            since = self.drops.now\n        self.memory.put(entry, since)\n",
        CACHE,
    ),
    Mutation(
        "an answer that was begun before a drop is written after it",
        "cache/store.py",
        "d.place > %(seen)s",
        "false AND %(seen)s > 0",
        CACHE_STORE,
    ),
    Mutation(
        "calls beside the answer are not paid for",
        "flow/settle.py",
        "        if exchange.extra_calls:\n",
        "        if False:\n",
        HEDGE,
    ),
    Mutation(
        "a call that lost is left running",
        "flow/hedge.py",
        "        was_cancelled = await _end(runners)\n",
        "        was_cancelled = False\n",
        HEDGE,
    ),
    Mutation(
        "an answer that came too late stays open",
        "flow/hedge.py",
        "        opened.source.close()\n",
        "        pass\n",
        HEDGE,
    ),
    Mutation(
        "a call that broke off is free",
        "flow/call.py",
        "                exchange.extra_calls.append(ExtraCall(target, why, usage, is_whole=not request.stream))\n",
        "                pass\n",
        "tests/flow/test_attempt.py",
    ),
    Mutation(
        "what a broken answer had said is free",
        "flow/call.py",
        '            note_begun(exchange, opened, events, "broken_off")\n',
        "            pass\n",
        HEDGE,
    ),
    Mutation(
        "what a broken answer had said is not counted",
        "flow/settle.py",
        "        if extra.said:\n",
        "        if False:\n",
        HEDGE,
    ),
    Mutation(
        "a broken answer keeps its place",
        "flow/call.py",
        "            opened.permit.close(outcome)\n            note_begun",
        "            note_begun",
        HEDGE,
    ),
    Mutation(
        "a call that never reached its provider is paid for",
        "core/errors.py",
        "self.upstream_status is None and self.was_sent",
        "self.upstream_status is None",
        "tests/flow/test_attempt.py",
    ),
    Mutation(
        "hedges have no bound",
        "admission/targets/retries.py",
        "        if not self._hedge_spend.has_room(expected * (self._hedges_under_way + 1)):\n",
        "        if False:\n",
        "tests/admission/targets/test_retries.py",
    ),
    Mutation(
        "further calls are not asked of the allowance",
        "flow/attempt.py",
        "            if exchange.attempts or target is not self._route.targets[0]:\n",
        "            if False:\n",
        "tests/flow/test_attempt.py",
    ),
    Mutation("leases are not settled", "flow/settle.py", "            lease.settle(exchange)\n", "", OUTCOMES),
    Mutation(
        "only the last lease is settled", "flow/settle.py", "while exchange.leases:", "if exchange.leases:", OUTCOMES
    ),
    Mutation(
        "a second settlement is allowed",
        "flow/settle.py",
        "if exchange.end is not None:",
        "if False:",
        BOOKS,
    ),
    Mutation("nothing is recorded", "flow/settle.py", "        self._ledger.append(", "        str(", OUTCOMES),
    Mutation(
        "recorded twice",
        "flow/settle.py",
        "        self._ledger.append(_record(exchange, duration_s=at_s))",
        "        self._ledger.append(_record(exchange, duration_s=at_s))\n"
        "        self._ledger.append(_record(exchange, duration_s=at_s))",
        OUTCOMES,
    ),
    Mutation(
        "an answer that cannot be recorded is given all the same",
        "flow/engine.py",
        'exchange.end, exchange.error = "failed", unrecorded',
        "pass",
        OUTCOMES,
    ),
    Mutation(
        "recorded after the sink has let go",
        "flow/engine.py",
        "        self._settle(exchange, meter, end=end, error=error)\n",
        "        exchange.end, exchange.error = end, error\n        await sink.close(exchange)\n"
        "        exchange.end = None\n        self._settle(exchange, meter, end=end, error=error)\n",
        BOOKS,
    ),
    Mutation(
        "a report of zero tokens is believed",
        "flow/meter.py",
        "reported.input_tokens > 0 and (reported.output_tokens > 0 or not has_output)",
        "True",
        BOOKS,
    ),
    Mutation(
        "a report of zero output beside text is believed",
        "flow/meter.py",
        "(reported.output_tokens > 0 or not has_output)",
        "True",
        BOOKS,
    ),
    Mutation("tool calls cost nothing", "flow/meter.py", "self._pieces.append(event.arguments)", "pass", BOOKS),
    Mutation("an estimate is called exact", "flow/meter.py", 'accuracy="estimated"', 'accuracy="exact"', OUTCOMES),
    Mutation(
        "the source is left open", "flow/engine.py", "            opened.source.close()", "            pass", OUTCOMES
    ),
    Mutation(
        "a source that never answered is left open",
        "flow/call.py",
        "                source.close()",
        "                pass",
        OUTCOMES,
    ),
    Mutation(
        "a failed call keeps its place",
        "flow/call.py",
        "            permit.close(outcome)",
        "            pass",
        "tests/flow/test_attempt.py",
    ),
    Mutation(
        "an answer keeps its place",
        "flow/engine.py",
        "            opened.permit.close(outcome)",
        "            pass",
        OUTCOMES,
    ),
    Mutation(
        "the budget for further calls is not asked",
        "flow/attempt.py",
        "self._exchange.attempts == 0 or self._shared.may_retry()",
        "True",
        "tests/flow/test_gates.py",
    ),
    Mutation(
        "the deadline's timer is left",
        "flow/engine.py",
        "        timer.cancel()\n        await stop.over()",
        "        await stop.over()",
        OUTCOMES,
    ),
    Mutation(
        "shutdown stops nobody", "flow/engine.py", "                stop.shutdown()", "                pass", OUTCOMES
    ),
    Mutation(
        "shutdown waits for nobody",
        "flow/engine.py",
        "        await self._is_idle.wait()\n",
        "        await self._world.clock.sleep(0)\n",
        BOOKS,
    ),
    Mutation("abort reads on", "flow/stop.py", 'if policy == "abort":', "if False:", OUTCOMES),
    Mutation("drain aborts", "flow/stop.py", 'if policy == "abort":', "if True:", OUTCOMES),
    Mutation("draining has no end", "flow/stop.py", 'lambda: self._stop("client_gone")', "lambda: None", OUTCOMES),
    Mutation(
        "a late cancellation strikes the last bytes",
        "flow/stop.py",
        "if self._task.cancelling() > 0:",
        "if False:",
        BOOKS,
    ),
    Mutation(
        "what filters hold back is lost",
        "flow/pump.py",
        "            await sink.write(flush(filters))",
        "            flush(filters)",
        BOOKS,
    ),
    Mutation(
        "what is let go skips the filters after it",
        "flow/pump.py",
        "through(filters[place + 1 :], each.finish())",
        "each.finish()",
        BOOKS,
    ),
    Mutation(
        "the first events are lost",
        "flow/pump.py",
        "events: Sequence[Event] | None = opened.first",
        "events: Sequence[Event] | None = ()",
        BOOKS,
    ),
    Mutation(
        "the offset is noted before the commit",
        "watch/ship.py",
        "            self._shipped += self._insert(batch)\n"
        "            for segment in batch:\n                self._finish(segment)\n",
        "            for segment in batch:\n                self._finish(segment)\n"
        "            self._shipped += self._insert(batch)\n",
        SHIP,
    ),
    Mutation(
        "a spoilt line is dropped",
        "watch/ship.py",
        '            self._reject(segment.path, line, "the checksum does not match")',
        "            pass",
        SHIP,
    ),
    Mutation("a live segment is deleted", "watch/ship.py", "is_done = is_final and", "is_done =", SHIP),
    Mutation(
        "a half line stays in the journal",
        "watch/journal.py",
        "            os.ftruncate(self._fd, self._size)",
        "            pass",
        JOURNAL,
    ),
    Mutation(
        "a short write is taken for a whole one",
        "watch/journal.py",
        "while written < len(line):",
        "while False:",
        JOURNAL,
    ),
    Mutation(
        "a full disk is no error",
        "watch/journal.py",
        'raise LedgerUnavailable("The request cannot be recorded at the moment.", detail=str(error)) from error',
        "return",
        JOURNAL,
    ),
    Mutation("an unknown price is zero", "watch/prices.py", "else UNKNOWN_COST", 'else Cost(0, "exact")', PRICES),
    Mutation("an expired key opens", "admission/keys.py", "entry.expires_at <= now", "False", KEYS),
    Mutation(
        "an expired key opens for its last moment",
        "admission/keys.py",
        "entry.expires_at <= now",
        "entry.expires_at < now",
        KEYS,
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
        "fallbacks cost nothing",
        "app/limits.py",
        "    return (*route.targets, *(target for step in route.fallbacks for target in step.targets))",
        "    return route.targets",
        LIMIT_WIRING,
    ),
    Mutation(
        "a price that is not known for a fallback is overlooked",
        "app/limits.py",
        "            if amount is None:\n                return None\n",
        "            if amount is None:\n                continue\n",
        LIMIT_WIRING,
    ),
    Mutation(
        "a tenant's rule holds for everybody",
        "console/rules/rule.py",
        'said["where"] = {**said["where"], "tenant": owner}',
        "pass",
        RULES,
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
        "an alert that is known already is an error",
        "watch/alerts/store.py",
        " ON CONFLICT (id) DO NOTHING",
        "",
        f"{OUTBOX}::test_the_same_alert_from_many_processes_is_one",
    ),
    Mutation(
        "an alert is forgotten before it is safe",
        "watch/alerts/ship.py",
        "            take(alerts)\n",
        "            write_offset(path, chunk.next_offset)\n            take(alerts)\n",
        f"{OUTBOX}::test_what_was_shipped_and_not_yet_noted_is_shipped_again_and_is_one",
    ),
    Mutation(
        "an alert that the disk does not take is dropped",
        "watch/alerts/outbox.py",
        "                return\n            self._kept.popleft()",
        "                pass\n            self._kept.popleft()",
        f"{OUTBOX}::test_what_the_disk_does_not_take_is_kept_and_brought_from_memory",
    ),
    Mutation(
        "without a database an alert is told again",
        "watch/alerts/local.py",
        "if alert.id not in kept.ids",
        "if True",
        f"{OUTBOX}::test_without_a_database_the_process_delivers_itself_once_also_over_a_restart",
    ),
    Mutation(
        "two control planes send one alert",
        "watch/alerts/store.py",
        " FOR UPDATE OF d SKIP LOCKED",
        "",
        f"{ALERTS}::test_two_control_planes_at_once_send_each_alert_once",
    ),
    Mutation(
        "a delivered alert is sent again",
        "watch/alerts/deliver.py",
        "            claim.outcome = outcome\n",
        "",
        f"{ALERTS}::test_an_alert_reaches_each_webhook_that_wants_it_once",
    ),
    Mutation(
        "an alert that was sent as the database went away is sent again",
        "watch/alerts/deliver.py",
        "outcome = self._unrecorded.get(place)",
        "outcome = None",
        f"{ALERTS}::test_a_delivery_that_the_database_did_not_hear_of_is_not_sent_again_by_this_process",
    ),
    Mutation(
        "an alert that is not taken is not tried again",
        "watch/alerts/deliver.py",
        'return Outcome("waiting", now, now + pause_s,',
        'return Outcome("given_up", now, None,',
        f"{ALERTS}::test_what_is_not_taken_is_tried_again_until_it_is",
    ),
    Mutation(
        "an alert is tried for an hour only",
        "watch/alerts/deliver.py",
        "now - claim.first_at >= self._terms.give_up_after_s",
        "now - claim.first_at >= 3600",
        f"{ALERTS}::test_it_is_tried_for_a_day_and_then_given_up_and_shown",
    ),
    Mutation(
        "a changed limit of the file is not enforced",
        "admission/limits/rules/live.py",
        "        self._fixed, self._zones = fixed, zones\n",
        "        self._zones = zones\n",
        LIMIT_WIRING,
    ),
    Mutation(
        "a file that is broken is taken over as far as it goes",
        "app/reload.py",
        "    rules_of_file(written)\n",
        "",
        "tests/app/test_reload.py",
    ),
    Mutation(
        "an old alert is deleted though a webhook still has to be told",
        "watch/alerts/retention.py",
        "(d.state = 'waiting' OR (",
        "(false OR (",
        "tests/watch/alerts/test_retention.py::test_an_alert_that_still_waits_never_goes_however_old",
    ),
    Mutation(
        "a tenant sees an alert of another",
        "watch/alerts/store.py",
        " WHERE a.id = %s AND (%s::text IS NULL OR a.tenant = %s)",
        " WHERE a.id = %s AND (%s::text IS NULL OR %s <> '')",
        "tests/console/test_alerts_api.py::test_a_tenant_sees_and_acknowledges_its_own_alerts_alone",
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
        "an operator's order in PostgreSQL is undone by a process",
        "storage/migrations/sql/0006_fleet.sql",
        "NOT (t.is_ordered AND t.state = 'open' AND t.open_until > moment)",
        "true",
        "tests/admission/fleet/test_boards.py",
    ),
    Mutation(
        "an operator's order in Redis is undone by a process",
        "admission/fleet/redis_board.py",
        "      stands = false\n",
        "      stands = true\n",
        "tests/admission/fleet/test_boards.py",
    ),
    Mutation(
        "a finding in PostgreSQL from before another undoes it",
        "storage/migrations/sql/0006_fleet.sql",
        "t.changed_at <= excluded.changed_at",
        "true",
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
        "an order that nobody heard stays in the audit",
        "console/targets.py",
        "            raise _away(lost) from None\n    return _target(order",
        "            return _target(order.target, before, view, call.now)\n    return _target(order",
        "tests/console/test_targets.py",
    ),
    Mutation(
        "a cheaper model may leave the regions",
        "routing/residency.py",
        "within(route.cheaper, regions)",
        "route.cheaper",
        RESIDENCY,
    ),
    Mutation(
        "a fallback may leave the regions",
        "routing/residency.py",
        "replace(step, targets=_kept(step.targets, regions))",
        "step",
        RESIDENCY,
    ),
    Mutation(
        "a target without a region counts as being everywhere",
        "routing/residency.py",
        "if target.region in regions)",
        "if target.region is None or target.region in regions)",
        RESIDENCY,
    ),
    Mutation(
        "regions of a file that is read again are not heeded",
        "app/routing.py",
        "        self.in_force.config = config\n",
        "        pass\n",
        "tests/app/test_routing.py",
    ),
    Mutation(
        "a tier may leave the regions",
        "routing/stage.py",
        "        if allowed is None:\n            return place",
        "        if True:\n            return place",
        RESIDENCY,
    ),
    Mutation(
        "a tenant's regions are forgotten where the model has its own",
        "config/routing/residency.py",
        "frozenset(of_model) & frozenset(of_tenant)",
        "frozenset(of_model)",
        RESIDENCY,
    ),
    Mutation(
        "the step to a cheaper model is not held to the regions at start",
        "config/routing/residency.py",
        "if cheaper is not None and",
        "if False and cheaper is not None and",
        RESIDENCY,
    ),
    Mutation(
        "what is learned leaves its bounds",
        "routing/dial.py",
        "min(self._learn.within, max(-self._learn.within, moved))",
        "moved",
        TIERS,
    ),
    Mutation(
        "two callers share a conversation",
        "routing/sticky.py",
        "principal.tenant, principal.key, ",
        "principal.tenant, ",
        TIERS,
    ),
)


def copy_of(root: Path, place: Path) -> None:
    """The sources and the tests, without what is large and plays no part."""
    ignored = shutil.ignore_patterns("__pycache__", "node_modules", ".hypothesis")
    shutil.copytree(root / "src", place / "src", ignore=ignored)
    shutil.copytree(root / "tests", place / "tests", ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, place / name)


def passes(place: Path, tests: str) -> bool:
    """Whether the tests pass on the copy: its own sources come before the installed ones."""
    environ = {**os.environ, "PYTHONPATH": str(place / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "--no-header",
        "-p",
        "no:randomly",
        "--timeout",
        "60",
        *tests.split(),
    ]
    done = subprocess.run(command, cwd=place, env=environ, capture_output=True, check=False)
    if done.returncode not in {0, 1}:
        sys.stderr.write(done.stdout.decode()[-2000:] + done.stderr.decode()[-2000:])
    return done.returncode == 0


def judge(place: Path, mutation: Mutation) -> str:
    path = place / "src" / "penstock" / mutation.file
    original = path.read_text()
    if original.count(mutation.old) != 1:
        return STALE
    path.write_text(original.replace(mutation.old, mutation.new))
    try:
        return SURVIVED if passes(place, mutation.tests) else KILLED
    finally:
        path.write_text(original)


def main(words: list[str]) -> int:
    chosen = [each for each in MUTATIONS if not words or any(word in each.name for word in words)]
    failed = 0
    with tempfile.TemporaryDirectory(prefix="penstock-mutations-") as folder:
        place = Path(folder)
        copy_of(ROOT, place)
        place.chmod(0o755)
        for tests in sorted({each.tests for each in chosen}):
            if not passes(place, tests):
                print(f"{tests} is red without any mutation: nothing can be said")
                return 1
        for each in chosen:
            verdict = judge(place, each)
            failed += verdict != KILLED
            print(f"{verdict:<9} {each.file:<24} {each.name}", flush=True)
    print(f"{len(chosen)} mutations, {len(chosen) - failed} killed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
