"""Deliberate faults in what is kept of conversations: whose it is, for how long, and that nothing erased comes back."""

from mutations.mutation import Mutation

KEPT = "tests/memory/test_kept.py"
STORE = "memory/store.py"
OWNED = "tenant = %(tenant)s AND holder = %(holder)s"
ENDS = " AND expires_at > %(now)s"

MUTATIONS = (
    *(
        Mutation(f"{what}: {name}", STORE, old, new, KEPT)
        for what, old in (
            (
                "a conversation's turns",
                f"WHERE conversation = %(conversation)s AND {OWNED}{ENDS}\n    ORDER BY place\n",
            ),
            ("what led to an answer", f"AS first\n        WHERE id = %(id)s AND {OWNED}{ENDS}\n"),
            (
                "an answer",
                f"    FROM memory_turns\n    WHERE id = %(id)s AND {OWNED}{ENDS}\n",
            ),
            (
                "a conversation",
                f"AS is_locked\n    FROM memory_conversations\n    WHERE id = %(id)s AND {OWNED}{ENDS}\n",
            ),
            ("a conversation's lock", f"%(lease_s)s\n    WHERE id = %(id)s AND {OWNED}{ENDS}\n"),
        )
        for name, new in (
            ("another tenant's", old.replace("tenant = %(tenant)s AND ", "")),
            ("another user's", old.replace(" AND holder = %(holder)s", "")),
            ("after its time", old.replace(ENDS, "")),
        )
    ),
    *(
        Mutation(f"{what}: another's", STORE, old, old.replace(f" AND {OWNED}", ""), KEPT)
        for what, old in (
            ("metadata are written", f"metadata = %(metadata)s\n    WHERE id = %(id)s AND {OWNED}\n"),
            ("a conversation is deleted", f"_conversations WHERE id = %(id)s AND {OWNED}\n"),
            ("an answer is deleted", f"_turns WHERE id = %(id)s AND {OWNED}\n"),
            ("a turn is written anew", f"size_bytes = %(size_bytes)s\n    WHERE id = %(id)s AND {OWNED}\n"),
        )
    ),
    Mutation(
        "an erasure and a turn that is written lock each other",
        STORE,
        '_ERASE_ALONE: LiteralString = "LOCK TABLE memory_erasures IN EXCLUSIVE MODE"',
        '_ERASE_ALONE: LiteralString = "LOCK TABLE memory_conversations, memory_turns IN SHARE ROW EXCLUSIVE MODE"',
        KEPT,
    ),
    Mutation(
        "a chain leads to another user's turns",
        STORE,
        "before.tenant = %(tenant)s AND before.holder = %(holder)s AND ",
        "",
        KEPT,
    ),
    Mutation("a chain leads to what has ended", STORE, " AND before.expires_at > %(now)s\n", "\n", KEPT),
    Mutation(
        "a turn is appended to another's conversation",
        STORE,
        "c.id = %(conversation)s AND c.tenant = %(tenant)s AND c.holder = %(holder)s FOR UPDATE",
        "c.id = %(conversation)s FOR UPDATE",
        KEPT,
    ),
    Mutation(
        "what was under way is written behind an erasure",
        STORE,
        "AND e.at >= %(began_at)s - %(skew_s)s)",
        "AND false)",
        KEPT,
    ),
    Mutation("a user's erasure forbids everybody", STORE, "(e.holder IS NULL OR e.holder = %(holder)s)", "true", KEPT),
    Mutation(
        "a second time brings back what was deleted",
        STORE,
        "ON CONFLICT DO NOTHING RETURNING id)",
        "ON CONFLICT (id) DO UPDATE SET at = excluded.at RETURNING id)",
        KEPT,
    ),
    Mutation(
        "a user's erasure takes the tenant's",
        STORE,
        "DELETE FROM memory_turns WHERE tenant = %(tenant)s AND (%(holder)s::text IS NULL OR holder = %(holder)s)",
        "DELETE FROM memory_turns WHERE tenant = %(tenant)s AND (%(holder)s::text IS NULL OR true)",
        KEPT,
    ),
    Mutation(
        "an erasure leaves conversations",
        STORE,
        "    await connection.execute(_ERASE_CONVERSATIONS, values)\n",
        "",
        KEPT,
    ),
    Mutation(
        "two turns are under way at once",
        STORE,
        "\n        AND (turn_by IS NULL OR turn_until <= extract(epoch FROM clock_timestamp()))",
        "",
        KEPT,
    ),
    Mutation("a conversation grows without end", STORE, "n > %(most_turns)s OR", "false OR", KEPT),
    Mutation("answers pile up", STORE, "OFFSET %(most_answers)s LIMIT 100", "OFFSET 1000000 LIMIT 100", KEPT),
    Mutation("there is no end to conversations", STORE, ") < %(most)s\n", ") < %(most)s + 100\n", KEPT),
    Mutation(
        "what has ended stays",
        STORE,
        "SELECT id FROM memory_turns WHERE expires_at < %s LIMIT",
        "SELECT id FROM memory_turns WHERE false AND expires_at < %s LIMIT",
        KEPT,
    ),
    Mutation(
        "a row opens for another",
        "memory/sealing.py",
        "for each in (owner.tenant, owner.holder, name)]",
        'for each in ("", "", "")]',
        KEPT,
    ),
    Mutation(
        "what is answered is not in the outbox",
        "memory/writer.py",
        "            self.outbox.append(turn)\n",
        "            pass\n",
        KEPT,
    ),
    Mutation(
        "what the ledger does not take is kept",
        "memory/writer.py",
        "        turn = self._staged.pop(exchange, None)\n        if turn is not None:\n            self._drop(turn)\n",
        "",
        KEPT,
    ),
    Mutation(
        "a turn does not wait for the one before",
        "memory/recall.py",
        "if is_ours else None\n",
        "\n",
        KEPT,
    ),
    Mutation(
        "an answer that is still to come is not waited for",
        "memory/recall.py",
        "        return is_young and self._clock.monotonic() < until_s\n",
        "        return False\n",
        KEPT,
    ),
)
