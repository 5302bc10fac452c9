"""Deliberate faults in the books, the alerts and the surfaces."""

from mutations.mutation import Mutation

SHIP = "tests/watch/test_ship.py"
JOURNAL = "tests/watch/test_journal.py"
PRICES = "tests/watch/test_prices.py"
OUTBOX = "tests/watch/alerts/test_outbox.py"
ALERTS = "tests/watch/alerts/test_deliver.py"
LIMIT_WIRING = "tests/app/test_limits.py"
RULES = "tests/console/test_rules_api.py"
RESIDENCY = "tests/routing/test_residency.py"

MUTATIONS = (
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
    Mutation(
        "a live segment is deleted",
        "watch/folder.py",
        "return Part(path, offset, chunk, is_final and chunk",
        "return Part(path, offset, chunk, chunk",
        SHIP,
    ),
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
    Mutation(
        "an unknown price is zero",
        "watch/prices.py",
        "return UNKNOWN_COST if sheet is None",
        'return Cost(0, "exact") if sheet is None',
        PRICES,
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
        "an alert that is known already is an error",
        "watch/alerts/store.py",
        " ON CONFLICT (id) DO NOTHING",
        "",
        f"{OUTBOX}::test_the_same_alert_from_many_processes_is_one",
    ),
    Mutation(
        "an alert is forgotten before it is safe",
        "watch/outgoing.py",
        "            take(pieces)\n"
        "        for line in part.chunk.rejected:\n"
        '            _reject(path, line, "the checksum does not match")\n'
        "        shipped += len(pieces)\n        finish(part)\n",
        "            finish(part)\n            take(pieces)\n"
        "        for line in part.chunk.rejected:\n"
        '            _reject(path, line, "the checksum does not match")\n'
        "        shipped += len(pieces)\n",
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
        "an operator's order in PostgreSQL is undone by a process",
        "storage/migrations/sql/0006_fleet.sql",
        "NOT (t.is_ordered AND t.state = 'open' AND t.open_until > moment)",
        "true",
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
        "an order that nobody heard stays in the audit",
        "console/targets.py",
        "            raise _away(lost) from None\n    return _target(order",
        "            return _target(order.target, before, view, call.now)\n    return _target(order",
        "tests/console/test_targets.py",
    ),
    Mutation(
        "a tenant judges another's exchange",
        "watch/feedback/store.py",
        " AND ledger.tenant = waiting.tenant",
        "",
        "tests/watch/test_feedback.py",
    ),
    Mutation(
        "regions of a file that is read again are not heeded",
        "app/routing.py",
        "        self.in_force.config = config\n",
        "        pass\n",
        "tests/app/test_routing.py",
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
        "a value right behind an escape is looked for in the raw text alone",
        "guard/personal/escapes.py",
        'if "\\\\" not in text:',
        "if True:",
        "tests/guard/personal/test_escapes.py",
    ),
    Mutation(
        "what looks like a token is given to a value all the same",
        "guard/personal/tokens.py",
        "self._taken.update(look_alikes((text,)))",
        "pass",
        "tests/guard/personal/test_tokens.py",
    ),
    Mutation(
        "any token is put back, whoever issued it",
        "guard/personal/masking.py",
        'if segment.trust != "model" or tokens.is_of_conversation:',
        "if False:",
        "tests/guard/personal/test_masking.py",
    ),
    Mutation(
        "a plain chat request may hold a key twice, of which another reader may heed the other one",
        "wire/openai_chat/plain.py",
        "if may_repeat_keys(body, strings):",
        "if False and may_repeat_keys(body, strings):",
        "tests/wire/test_openai_chat_plain.py",
    ),
)
