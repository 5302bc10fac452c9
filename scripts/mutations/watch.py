"""Deliberate faults in sums and in what is asked of them, and in the forecast of costs."""

from mutations.mutation import Mutation

API = "tests/console/test_costs_api.py"
OUTLOOK = "tests/watch/forecast/test_outlook.py"
MONTH = "tests/watch/forecast/test_month.py"

ROLLUPS = "tests/watch/rollups/test_rollups.py"

MUTATIONS = (
    Mutation(
        "sums: times are of a later moment",
        "watch/figures/store.py",
        "        if is_alone:\n            await connection",
        "        if not is_alone:\n            await connection",
        ROLLUPS,
    ),
    Mutation(
        "sums: times are of a later moment, for threads",
        "watch/figures/store.py",
        "        if is_alone:\n            connection",
        "        if not is_alone:\n            connection",
        ROLLUPS,
    ),
    Mutation(
        "sums: what is old in one view goes in all",
        "watch/rollups/keeping.py",
        '"DELETE FROM rollup_minutes WHERE view = {view} AND ctid IN"',
        '"DELETE FROM rollup_minutes WHERE ctid IN"',
        ROLLUPS,
    ),
    Mutation(
        "sums: of long histograms each bucket counts once",
        "watch/figures/adding.py",
        "[filled], [sums[filled]], 0",
        "[filled], [sums[filled].clip(max=1)], 0",
        "tests/watch/rollups/test_adding.py",
    ),
    Mutation(
        "sums: times of hours beyond a zone's midnight are added and not taken off",
        "watch/figures/store.py",
        "arrays[2 * place + 1], sign)",
        "arrays[2 * place + 1], 1)",
        "tests/watch/rollups/test_closing.py",
    ),
    Mutation(
        "closing: what comes late stays out of its day",
        "watch/rollups/closing.py",
        '_REOPEN: LiteralString = "DELETE FROM rollup_closed WHERE grain = %s',
        "_REOPEN: LiteralString = \"DELETE FROM rollup_closed WHERE grain = 'x' || %s",
        "tests/watch/rollups/test_closing.py",
    ),
    Mutation(
        "closing: one day that is added to keeps all others open",
        "watch/rollups/closing.py",
        "self._resting[span] = now_s + _REST_S",
        "self._resting[span] = now_s",
        "tests/watch/rollups/test_closing.py",
    ),
    Mutation(
        "closing: what happened to everybody is what happened most often to somebody",
        "watch/rollups/closing.py",
        "INSERT INTO {} (at, name, amount) SELECT at, name, sum(amount)",
        "INSERT INTO {} (at, name, amount) SELECT at, name, max(amount)",
        "tests/watch/rollups/test_closing.py",
    ),
    Mutation(
        "closing: a key's busiest hour is its whole day",
        "watch/rollups/closing.py",
        "max(n)::bigint, bit_or(1 << h)",
        "sum(n)::bigint, bit_or(1 << h)",
        "tests/console/test_security_api.py",
    ),
    Mutation(
        "closing: a day is closed under a writer's hands",
        "watch/rollups/closing.py",
        "if row is None or not row[0]:",
        "if row is None:",
        "tests/watch/rollups/test_closing.py",
    ),
    Mutation(
        "closing: edges of a time are read twice",
        "watch/figures/reading.py",
        "NOT IN (SELECT at FROM days) AND {is_open}",
        "IS NOT NULL AND {is_open}",
        "tests/watch/rollups/test_closing.py",
    ),
    Mutation(
        "closing: hours beyond a zone's midnight count for both of its days",
        "watch/figures/reading.py",
        "({mostly_of_its_day}, -1)",
        "({mostly_of_its_day}, 0)",
        "tests/watch/rollups/test_closing.py",
    ),
    Mutation(
        "closing: hours of a zone's day are those on the wrong side of its midnight",
        "watch/figures/reading.py",
        "(hour < midnight) = (",
        "(hour >= midnight) = (",
        "tests/watch/rollups/test_closing.py",
    ),
    Mutation(
        "costs: unknown prices are days of nothing",
        "console/costs/store.py",
        "return self.unknown <= self.exchanges * _UNKNOWN_SHARE",
        "return True",
        API,
    ),
    Mutation("costs: days are UTC's", "console/costs/store.py", "zone = month.zone.key", 'zone = "UTC"', API),
    Mutation(
        "costs: everybody's spend",
        "console/costs/store.py",
        "for dimension, value in of.items():",
        "for dimension, value in ():",
        API,
    ),
    Mutation(
        "costs: another tenant's forecast",
        "console/costs/routes.py",
        "whose = call.narrowed(tenant)",
        "whose = tenant",
        API,
    ),
    Mutation(
        "costs: every budget is the tenant's",
        "console/costs/budgets.py",
        'return wanted == tenant or (wanted is None and "tenant" in rule.dimension_names)',
        "return True",
        API,
    ),
    Mutation(
        "costs: budgets go by the ledger alone",
        "console/costs/budgets.py",
        "used = next((row.used for row in rows if row.scope == values), None)",
        "used = None",
        API,
    ),
    Mutation(
        "costs: overrides raise nothing",
        "console/costs/budgets.py",
        "amount, _ = rule.amount_at(tuple(values.get(dimension) for dimension in DIMENSIONS), now)",
        "amount = rule.amount",
        API,
    ),
    Mutation(
        "forecast: last month's spend is this one's",
        "watch/forecast/outlook.py",
        "for day, amount in sums.items() if day >= month.first)",
        "for day, amount in sums.items())",
        OUTLOOK,
    ),
    Mutation(
        "forecast: the running day is spent twice",
        "watch/forecast/outlook.py",
        "(1.0 if index else 1.0 - self._over)",
        "1.0",
        OUTLOOK,
    ),
    Mutation(
        "forecast: no step is ever seen",
        "watch/forecast/level.py",
        " for run in runs] + [fresh]",
        " for run in runs]",
        OUTLOOK,
    ),
    Mutation(
        "forecast: a spike is the new level",
        "watch/forecast/level.py",
        "trust = usual / (usual + spike)",
        "trust = 1.0",
        OUTLOOK,
    ),
    Mutation(
        "forecast: a budget ends a day late",
        "watch/forecast/outlook.py",
        "bisect_left(path, left) for path",
        "1 + bisect_left(path, left) for path",
        OUTLOOK,
    ),
    Mutation(
        "forecast: all days have 24 hours",
        "watch/forecast/month.py",
        "ends = midnight(local.date() + timedelta(days=1), zone).timestamp()",
        "ends = starts + 86400",
        MONTH,
    ),
)
