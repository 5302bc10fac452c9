"""Deliberate faults in what is kept, and where requests may go."""

from mutations.mutation import Mutation

CACHE = "tests/cache/test_exact.py"
CACHE_FLIGHTS = "tests/cache/test_flights.py"
CACHE_LEAKS = "tests/cache/test_leaks.py"
CACHE_STORE = "tests/cache/test_store.py"
SIMILAR = "tests/cache/semantic/test_partition.py"
SLOTS = "tests/cache/semantic/test_slots.py"
KEPT = "tests/cache/semantic/test_kept.py"
LABELS = "tests/cache/semantic/test_labels.py"
ANSWERS = "tests/cache/semantic/test_agreement.py"
RESIDENCY = "tests/routing/test_residency.py"
TIERS = "tests/routing/test_tier_choice.py"
SUMMARIES = "tests/routing/compaction/test_summaries.py"
SUMMARISER = "tests/app/test_summaries.py"

MUTATIONS = (
    Mutation(
        "another tenant sees what was summed up",
        "routing/compaction/summaries.py",
        "dumps((whose.tenant, model, sorted(set(whose.groups))))",
        "dumps((model, sorted(set(whose.groups))))",
        SUMMARIES,
    ),
    Mutation(
        "other access groups see what was summed up",
        "routing/compaction/summaries.py",
        "dumps((whose.tenant, model, sorted(set(whose.groups))))",
        "dumps((whose.tenant, model))",
        SUMMARIES,
    ),
    Mutation(
        "summaries are not bounded",
        "routing/compaction/summaries.py",
        "            while self._bytes > self._most_bytes:\n",
        "            while False:\n",
        SUMMARIES,
    ),
    Mutation(
        "what may not rest here is summed up",
        "routing/compaction/stage.py",
        "whose = exchange.principal if self._may_rest(exchange) else None",
        "whose = exchange.principal",
        SUMMARISER,
    ),
    Mutation(
        "a canned answer is taken for a summary",
        "app/shortening/summaries.py",
        'if exchange.end != "completed" or exchange.is_canned:',
        'if exchange.end != "completed":',
        SUMMARISER,
    ),
    Mutation(
        "a summary is paid for by nobody in particular",
        "app/shortening/summaries.py",
        'principal=replace(job.principal, priority="batch")',
        'principal=Principal("penstock", "penstock")',
        SUMMARISER,
    ),
    Mutation(
        "any number of summaries waits",
        "app/shortening/summaries.py",
        "        if len(self._waiting) >= self._most_waiting:\n",
        "        if False:\n",
        SUMMARISER,
    ),
    Mutation(
        "semantic partitions together are not bounded",
        "cache/semantic/cache.py",
        "        while self.size_bytes > self._most_bytes and len(self._partitions) > 1:\n",
        "        while False:\n",
        "tests/cache/semantic/test_partition.py",
    ),
    Mutation(
        "one semantic partition is not bounded",
        "cache/semantic/cache.py",
        "        while self.size_bytes > self._most_bytes and len(within) > 1:\n",
        "        while False:\n",
        "tests/cache/semantic/test_partition.py",
    ),
    Mutation(
        "any number of requests waits for lookups by meaning",
        "cache/semantic/stage.py",
        "        if self._looking >= _MOST_LOOKING:\n",
        "        if False:\n",
        "tests/cache/semantic/test_stage.py",
    ),
    Mutation(
        "two texts whose unread pieces differ are taken for one",
        "cache/semantic/verify.py",
        "    if question.unread and candidate.unread:\n        return False\n",
        "    if question.unread and candidate.unread:\n        return True\n",
        SIMILAR,
    ),
    Mutation(
        "a sentence that asks of another thing gets the answer of the first",
        "cache/semantic/verify.py",
        "    if _is_refilled(question, candidate, cosines):\n",
        "    if False:\n",
        SLOTS,
    ),
    Mutation(
        "small words part no two questions that are otherwise the same",
        "cache/semantic/agreement.py",
        "    if (why := parted(left, right)) is not None:\n",
        "    if (why := parted(left, right)) is not None and False:\n",
        ANSWERS,
    ),
    Mutation(
        "what is asked again and again is checked as seldom as what is asked once",
        "cache/semantic/checks.py",
        "if times > 1 and",
        "if times < 1 and",
        SIMILAR,
    ),
    Mutation(
        "the bound lies where nothing is left to lose",
        "cache/semantic/bound.py",
        "held = np.flatnonzero(at_most <= self.ceiling)",
        "held = np.flatnonzero(at_most <= 1.0)",
        SIMILAR,
    ),
    Mutation(
        "answers that state different facts agree",
        "cache/semantic/checks.py",
        "return disagreement(left, right, similarity) in _NOT_OF_ANSWERS",
        "return True",
        ANSWERS,
    ),
    Mutation(
        "questions outlive a drop of their answers",
        "cache/store.py",
        "    await connection.execute(_DROP_QUESTIONS, named)\n",
        "",
        KEPT,
    ),
    Mutation(
        "what was learned outlives a drop of its tenant",
        "cache/store.py",
        "        await connection.execute(_DROP_LABELS, named)\n",
        "        pass\n",
        KEPT,
    ),
    Mutation(
        "a rejected answer's question is kept",
        "cache/store.py",
        '    connection.execute("DELETE FROM cache_questions WHERE id = ANY (%s)", (list(answers),))\n',
        "",
        KEPT,
    ),
    Mutation(
        "a question that was offered before a drop is written after it",
        "cache/semantic/kept/store.py",
        'd.place > %(seen)s AND {matches})"',
        'false AND %(seen)s > 0 AND {matches})"',
        KEPT,
    ),
    Mutation(
        "questions are not purged with their answers",
        "cache/store.py",
        "    connection.execute(_PURGE_QUESTIONS, (now, most))\n",
        "",
        KEPT,
    ),
    Mutation(
        "questions lie readable in the database",
        "cache/semantic/kept/seal.py",
        "nonce + self._key.encrypt(nonce, body, None)",
        "nonce + body",
        KEPT,
    ),
    Mutation(
        "questions of another encoder are compared",
        "cache/semantic/kept/store.py",
        "WHERE partition = %s AND space = %s AND expires_at > %s ORDER BY",
        "WHERE partition = %s AND (space = %s OR true) AND expires_at > %s ORDER BY",
        KEPT,
    ),
    Mutation(
        "a drop of a tenant leaves its questions in memory",
        "cache/semantic/stage.py",
        "                self.submit(self.parts.cache.forget)\n",
        "                pass\n",
        KEPT,
    ),
    Mutation(
        "a label that comes twice counts twice",
        "cache/semantic/labels.py",
        "    return ordered[is_first][-most:]\n",
        "    return ordered[-most:]\n",
        LABELS,
    ),
    Mutation(
        "what waits for a store that is away is not bounded",
        "cache/semantic/kept/link.py",
        "            while self._waiting_bytes > self._terms.waiting_bytes:\n",
        "            while False:\n",
        KEPT,
    ),
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
        "a tier may leave the regions",
        "routing/stage.py",
        "        if allowed is None:\n            return place",
        "        if True:\n            return place",
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
