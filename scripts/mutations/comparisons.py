"""Deliberate faults in what the recorded traffic would have cost elsewhere: read from rows, and from sums."""

from mutations.mutation import Mutation

API = "tests/console/test_money_api.py"
KEPT = "tests/console/test_comparison_api.py"
ROLLUPS = "tests/watch/rollups/test_rollups.py"

MUTATIONS = (
    Mutation(
        "comparison: traffic is not cut where prices change",
        "console/money/compare.py",
        'timed = schedules.values() if prices == "then" else ()',
        "timed = ()",
        API,
    ),
    Mutation(
        "comparison: traffic is not cut at tiers",
        "console/money/traffic.py",
        "[length + 1 for length in prices.lengths]",
        "[length + 2 for length in prices.lengths]",
        API,
    ),
    Mutation(
        "comparison: unknown costs are free traffic",
        "console/money/traffic.py",
        "WHERE left_out IS NULL",
        "WHERE true",
        API,
    ),
    Mutation(
        "comparison: sums that are owed are nothing",
        "console/money/kept.py",
        " or await is_owed(connection)",
        "",
        KEPT,
    ),
    Mutation(
        "comparison: a price changes at the full hour",
        "console/money/kept.py",
        "if hour < cut and since == hour:",
        "if False:",
        KEPT,
    ),
    Mutation(
        "comparison: a price of the hour before is not seen",
        "console/money/compare.py",
        "span.since - _HOUR, span.until + _HOUR",
        "span.since, span.until",
        KEPT,
    ),
    Mutation(
        "comparison: lengths that are not told apart are taken to be short",
        "console/money/kept.py",
        "if any(map(lengths.is_cut, self._lengths)):",
        "if False:",
        KEPT,
    ),
    Mutation(
        "comparison: long inputs are short ones",
        "console/money/kept.py",
        "since, lengths.least, *amounts",
        "since, 0, *amounts",
        KEPT,
    ),
    Mutation(
        "comparison: what was kept before prices were is free",
        "console/money/kept.py",
        "if each.pricing is None or each.target == OTHER:",
        "if each.pricing is None:\n                continue\n            if each.target == OTHER:",
        KEPT,
    ),
    Mutation(
        "comparison: targets without a name are one",
        "console/money/kept.py",
        "if each.pricing is None or each.target == OTHER:",
        "if each.pricing is None:",
        KEPT,
    ),
    Mutation(
        "comparison: a tenant without a name has no traffic",
        "console/money/kept.py",
        "row is not None and (row[1] > 0 or row[0] < MOST_VALUES[dimension])",
        "row is not None",
        KEPT,
    ),
    Mutation(
        "comparison: the last hour is left out",
        "console/money/kept.py",
        "since, until = asked.aligned()",
        "since, until = asked.aligned()[0], _floor(span.until)",
        KEPT,
    ),
    Mutation(
        "comparison: of every tenant",
        "console/money/kept.py",
        'named: Mapping[Dimension, str | None] = {"tenant": span.tenant, "assistant": span.model}',
        'named: Mapping[Dimension, str | None] = {"tenant": None, "assistant": span.model}',
        KEPT,
    ),
    Mutation(
        "comparison: targets did as well for every tenant",
        "console/money/kept.py",
        'filters={} if span.tenant is None else {"tenant": span.tenant},',
        "filters={},",
        KEPT,
    ),
    Mutation(
        "comparison: several calls are the answer's target's",
        "watch/rollups/pricing.py",
        "    if note.extra_calls:\n        return SEVERAL_CALLS\n",
        "",
        ROLLUPS,
    ),
    Mutation(
        "comparison: parts beyond their whole are priced",
        "watch/rollups/pricing.py",
        "if kept > row.input_tokens or row.reasoning_tokens > row.output_tokens:",
        "if kept > row.input_tokens:",
        ROLLUPS,
    ),
    Mutation(
        "comparison: the longest of the short ones is long",
        "watch/rollups/pricing.py",
        "bisect_left(LENGTHS, row.input_tokens)",
        "bisect_left(LENGTHS, row.input_tokens + 1)",
        ROLLUPS,
    ),
    Mutation(
        "sums: what an older release closed is whole",
        "watch/rollups/closing.py",
        '"version": VERSION}',
        '"version": 1}',
        "tests/watch/rollups/test_closing.py",
    ),
)
