"""Deliberate faults in who sees, holds and decides what waits for a person."""

from mutations.mutation import Mutation

QUEUE = "tests/review/test_queue.py"
LISTING = "tests/review/test_listing.py"
OVERDUE = "tests/review/test_overdue.py"
AFTER = "tests/review/test_after.py"
OUTBOX = "tests/review/test_outbox.py"
API = "tests/console/test_review_api.py"

MUTATIONS = (
    Mutation(
        "a reviewer reaches a hold of another tenant",
        "review/reviewer.py",
        "self.tenant in {None, tenant} and (",
        "(",
        QUEUE,
    ),
    Mutation(
        "a reviewer reaches a hold of another group",
        "review/reviewer.py",
        'group == "" or group in self.groups)',
        "bool(self.groups))",
        QUEUE,
    ),
    Mutation(
        "a reviewer's list shows another tenant's holds",
        "review/listing.py",
        'terms.append(sql.SQL("h.tenant = %(scope)s"))',
        "terms.append(sql.SQL(\"%(scope)s::text <> ''\"))",
        LISTING,
    ),
    Mutation(
        "a reviewer's list shows a group's holds for the asking",
        "review/listing.py",
        'terms.append(sql.SQL("false"))',
        'terms.append(sql.SQL("true"))',
        LISTING,
    ),
    Mutation(
        "the next hold is another tenant's",
        "review/queue.py",
        "query = _FREE if who.tenant is None else _FREE + _TENANT",
        "query = _FREE",
        QUEUE,
    ),
    Mutation(
        "a hold that was judged blindly is shown with what the first one did",
        "review/queue.py",
        "if row.second_by == who.id and row.second_at is None:",
        "if False:",
        AFTER,
    ),
    Mutation(
        "a reviewer claims their own question",
        "review/reviewer.py",
        "return named(self.key) == key if self.user is None else named(self.user) == user",
        "return False",
        QUEUE,
    ),
    Mutation(
        "the next hold is one's own question",
        "review/queue.py",
        'IS DISTINCT FROM %(user)s END\n"""\n_FIRST',
        'IS NOT NULL END\n"""\n_FIRST',
        QUEUE,
    ),
    Mutation(
        "two have a hold at once",
        "review/queue.py",
        'if row.state == "claimed" and not is_ours and _until(row) > act.now:',
        "if False:",
        QUEUE,
    ),
    Mutation(
        "two get the same next hold",
        "review/queue.py",
        "AND (h.state = 'waiting' OR h.claimed_until <= %(now)s)",
        "AND true",
        QUEUE,
    ),
    Mutation(
        "a claim outlives its lease",
        "review/queue.py",
        "if row.claimed_by != act.who.id or _until(row) <= act.now:",
        "if row.claimed_by != act.who.id:",
        QUEUE,
    ),
    Mutation(
        "a hold is decided by whoever has not claimed it",
        "review/queue.py",
        "        _is_claimed(row, act)\n        if row.version",
        "        if row.version",
        QUEUE,
    ),
    Mutation(
        "a hold is decided twice",
        "review/queue.py",
        '            raise HoldChanged("It has been decided already.")\n        _is_claimed(row, act)\n',
        "            pass\n",
        QUEUE,
    ),
    Mutation(
        "who decides has not seen what they decide",
        "review/queue.py",
        "if row.version != decision.version:",
        "if False:",
        QUEUE,
    ),
    Mutation(
        "a change leaves no history",
        "review/queue.py",
        "    await _note(connection, row, act, kind, before=before, after=",
        "    _ = dict(before=before, after=",
        QUEUE,
    ),
    Mutation(
        "anybody writes to a conversation that was taken over",
        "review/queue.py",
        'if row.state != "taken_over" or row.ended_by != act.who.id:',
        'if row.state != "taken_over":',
        QUEUE,
    ),
    Mutation(
        "two workers take one step",
        "review/take.py",
        "LIMIT %(most)s FOR UPDATE SKIP LOCKED",
        "LIMIT %(most)s",
        OVERDUE,
    ),
    Mutation(
        "what somebody is at is taken away as overdue",
        "review/take.py",
        "(state = 'claimed' AND claimed_until <= %(now)s)",
        "state = 'claimed'",
        OVERDUE,
    ),
    Mutation(
        "a worker that dies has taken half a step",
        "review/take.py",
        "    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:\n        rows",
        "    connection.autocommit = True\n    with connection.cursor(row_factory=dict_row) as cursor:\n        rows",
        OVERDUE,
    ),
    Mutation(
        "an erased hold comes back out of an outbox",
        "review/take.py",
        "AND e.at >= %(created_at)s)",
        "AND false)",
        AFTER,
    ),
    Mutation(
        "a released answer is read by another user",
        "review/released.py",
        'h.tenant = %(tenant)s AND (h."user" = %(user)s OR (',
        "h.tenant = %(tenant)s AND (h.key = %(key)s OR (",
        AFTER,
    ),
    Mutation(
        "a released answer is read by another tenant",
        "review/released.py",
        "h.tenant = %(tenant)s AND (",
        "%(tenant)s::text IS NOT NULL AND (",
        AFTER,
    ),
    Mutation(
        "a release is passed over by who reads on",
        "review/released.py",
        '    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))\n    connection.execute(_RELEASE',
        "    connection.execute(_RELEASE",
        AFTER,
    ),
    Mutation(
        "who decided looks a second time",
        "review/second.py",
        "AND NOT EXISTS (SELECT FROM hold_opinions AS o WHERE o.hold = h.id AND o.reviewer = %(id)s)",
        "",
        AFTER,
    ),
    Mutation(
        "remarks of who was erased stay",
        "review/erasure.py",
        "    await connection.execute(_ERASE_REMARKS, whose)\n",
        "",
        AFTER,
    ),
    Mutation(
        "a caller is told before the hold is on the disk",
        "review/outbox.py",
        "                await asyncio.to_thread(self._bring_to_disk, self._file)\n",
        "",
        OUTBOX,
    ),
    Mutation(
        "every reviewer sees every group",
        "console/review/who.py",
        'if not (actor.may("review.manage") or actor.may("audit.read")):',
        "if False:",
        API,
    ),
    Mutation(
        "a webhook is told what was released",
        "console/review/telling.py",
        '        facts={\n            "hold": told.hold,',
        '        facts={\n            "text": "Yes, order 1 within 90 days.",\n            "hold": told.hold,',
        API,
    ),
)
