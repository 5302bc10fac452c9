"""Deliberate faults in quality: that answers count once, judging keeps to its budget, and each sees their own."""

from mutations.mutation import Mutation

LOOKING = "tests/watch/quality/test_looking.py"
CHECKS = "tests/watch/quality/test_checks.py"
API = "tests/console/test_quality_api.py"
SECURITY = "tests/console/test_security_api.py"
SYSTEM = "tests/system/test_quality.py"
STORE = "watch/quality/store.py"
JUDGING = "watch/quality/judging.py"

MUTATIONS = (
    Mutation(
        "events: a name that is not known yet loses its events",
        "watch/happenings/store.py",
        "ELSE w.assistant IS NULL OR v.value IS NOT NULL OR w.at < %(unknown_before)s END",
        "ELSE true END",
        "tests/watch/happenings/test_store.py",
    ),
    Mutation(
        "quality: the ledger is read from its beginning",
        STORE,
        'exchange COLLATE "default" OFFSET 0',
        "exchange OFFSET 0",
        LOOKING,
    ),
    Mutation("quality: what came twice is counted twice", STORE, ".rowcount == 0:", ".rowcount < 0:", LOOKING),
    Mutation(
        "quality: judging spends more than its budget",
        JUDGING,
        "        WHERE s.nanousd + excluded.nanousd <= %(budget)s::bigint\n",
        "",
        LOOKING,
    ),
    Mutation(
        "quality: an answer is judged again after a crash",
        JUDGING,
        "WHERE j.state = 'waiting' ORDER",
        "WHERE j.state IN ('waiting', 'asked') ORDER",
        LOOKING,
    ),
    Mutation(
        "quality: what a call cost does not take the place of what was reserved",
        JUDGING,
        "l.cost_nanousd - j.reserved_nanousd AS more",
        "0 AS more",
        LOOKING,
    ),
    Mutation(
        "quality: what blocked exchanges say is looked at",
        "watch/quality/looking.py",
        'queued.outcome == "completed" and ',
        "",
        LOOKING,
    ),
    Mutation("quality: a border stands in what is judged", "watch/quality/judge.py", '.replace(fence, "")', "", CHECKS),
    Mutation(
        "quality: a sample of what nobody keeps is accepted",
        "config/quality/__init__.py",
        "if settings.sample > 0 and not any(kept.values()):",
        "if False:",
        CHECKS,
    ),
    Mutation(
        "quality: another tenant's figures are shown",
        "console/quality/asked.py",
        '{"tenant": call.narrowed(self.tenant)}',
        '{"tenant": self.tenant}',
        API,
    ),
    Mutation(
        "security: everybody sees refused credentials",
        "console/security/routes.py",
        "if call.scope is None and not wanted.filters:",
        "if True:",
        SECURITY,
    ),
    Mutation(
        "quality: what a judge is asked is kept",
        "app/quality/court.py",
        '            "cache-control": "no-store",\n',
        "",
        SYSTEM,
    ),
    Mutation(
        "events: another tenant's exchange counts",
        "watch/happenings/store.py",
        "l.id = w.exchange AND l.tenant = w.tenant",
        "l.id = w.exchange",
        SYSTEM,
    ),
    Mutation(
        "events: the same one counts twice",
        "watch/happenings/store.py",
        "ON CONFLICT (tenant, id) DO NOTHING",
        "ON CONFLICT (tenant, id) DO UPDATE SET is_placed = false",
        "tests/watch/happenings/test_store.py",
    ),
    Mutation(
        "quality: who is looked at when the day is over is not counted",
        "watch/quality/store.py",
        "    reopen(connection, {int(key[2].timestamp()) for key in sums})\n",
        "",
        "tests/watch/quality/test_sums.py",
    ),
    Mutation(
        "quality: the first hour is no part of a closed day",
        "watch/rollups/closing.py",
        "WHERE view = ANY(%(views)s) AND at >= %(since)s AND at < %(until)s",
        "WHERE view = ANY(%(views)s) AND at > %(since)s AND at < %(until)s",
        "tests/watch/quality/test_sums.py",
    ),
    Mutation(
        "quality: a target's sums are everybody's",
        "watch/quality/sums.py",
        "if names.issubset(view.dimensions))",
        "if names & {*view.dimensions} or not names)",
        "tests/watch/quality/test_sums.py",
    ),
    Mutation(
        "figures: a per cent sign in a filter is a placeholder",
        "watch/figures/reading.py",
        'value.replace("%", "%%")',
        "value",
        "tests/watch/quality/test_sums.py",
    ),
    Mutation(
        "quality: what is said of another tenant's exchange counts",
        "review/remarks.py",
        "FROM remarks AS w JOIN ledger AS l ON l.id = w.exchange AND l.tenant = w.tenant",
        "FROM remarks AS w JOIN ledger AS l ON l.id = w.exchange",
        "tests/console/test_quality_api.py",
    ),
)
