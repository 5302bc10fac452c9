"""Deliberate faults in the engine and the vocabulary."""

from mutations.mutation import Mutation

HEDGE = "tests/flow/test_hedge.py"
OUTCOMES = "tests/flow/test_outcomes.py"
BOOKS = "tests/flow/test_books.py"

MUTATIONS = (
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
    Mutation(
        "tool calls cost nothing", "flow/meter.py", "self._pieces += (event.name, event.arguments)", "pass", BOOKS
    ),
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
        "        await _write(sink, rest, stop)",
        "        pass",
        BOOKS,
    ),
    Mutation(
        "what is let go skips the filters after it",
        "flow/pump.py",
        "released.extend(through(filters[place + 1 :], _finished(filters, each)))",
        "released.extend(_finished(filters, each))",
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
        "the first of two opinions is billed beside itself",
        "flow/engine.py",
        "        meter.take_back(exchange, first)\n",
        "",
        "tests/flow/test_second_opinion.py",
    ),
    Mutation(
        "what a second opinion took is billed to nobody",
        "flow/engine.py",
        '        if opened is not None:\n            meter.hand_over(exchange, "second_opinion")\n',
        "",
        "tests/flow/test_second_opinion.py",
    ),
    Mutation(
        "a second opinion is written before it is whole",
        "flow/engine.py",
        "await self._pump(exchange, opened, unseen, stop, meter)",
        "await self._pump(exchange, opened, sink, stop, meter)",
        "tests/flow/test_second_opinion.py",
    ),
    Mutation(
        "an answer is held for what was said of another",
        "flow/second.py",
        "        exchange.hold_reasons[:] = self.hold_reasons\n",
        "",
        "tests/flow/test_second_opinion.py",
    ),
    Mutation(
        "an answer without its second opinion is kept as the best",
        "flow/second.py",
        "        if isinstance(reason, KeepFirst):\n            exchange.route = self.route\n",
        "        exchange.route = self.route\n",
        "tests/flow/test_second_opinion.py",
    ),
    Mutation(
        "an answer goes out beside another that a person has",
        "flow/engine.py",
        "            if exchange.hold is not None:\n                raise  #",
        "            if False:\n                raise  #",
        "tests/flow/test_second_opinion.py",
    ),
    Mutation(
        "a second opinion may take all the time there is",
        "flow/second.py",
        "        timer = clock.call_at(clock.monotonic() + seconds, lambda: limit.reschedule(0.0))\n",
        "        timer = clock.call_at(clock.monotonic() + seconds * 99, lambda: limit.reschedule(0.0))\n",
        "tests/flow/test_second_opinion.py",
    ),
    Mutation(
        "a second opinion leaves the caller's regions",
        "app/knowledge/grounding.py",
        "            route = within(route, allowed)\n",
        "            route = route\n",
        "tests/app/test_second_opinions.py",
    ),
    Mutation(
        "a second opinion that was not traced is given",
        "guard/grounded/opinions.py",
        "-1.0 if self.confidence is None else self.confidence",
        "2.0 if self.confidence is None else self.confidence",
        "tests/guard/grounded/test_second.py",
    ),
    Mutation(
        "a budget's cheaper tier asks a dearer one",
        "guard/grounded/stage.py",
        " or exchange.budget_action is not None:",
        ":",
        "tests/guard/grounded/test_second.py",
    ),
)
