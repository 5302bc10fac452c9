"""Deliberate faults in prices, comparisons, invoices and what answers are worth."""

from mutations.mutation import Mutation

API = "tests/console/test_money_api.py"
SPANS = "tests/watch/test_price_spans.py"
INVOICES = "tests/watch/test_invoices.py"
CONFIG = "tests/config/test_prices.py"
ALERTS = "tests/app/test_unpriced.py"

MUTATIONS = (
    Mutation(
        "money: a price holds on its last day too",
        "watch/price_spans.py",
        "(self.until is None or day < self.until)",
        "(self.until is None or day <= self.until)",
        SPANS,
    ),
    Mutation(
        "money: prices are those of the settlement",
        "watch/prices.py",
        "schedule.at(self._clock.now() if at is None else at)",
        "schedule.at(self._clock.now())",
        SPANS,
    ),
    Mutation(
        "money: the first price of one's own holds for good",
        "watch/price_spans.py",
        "if len(first) == 1 and first[0].since is None and first[0].until is None:",
        "if len(first) == 1:",
        SPANS,
    ),
    Mutation(
        "money: a request is free in a sum of many",
        "watch/price_rules.py",
        '{**_counts(summed), "requests": exchanges}',
        "_counts(summed)",
        SPANS,
    ),
    Mutation(
        "money: prices may overlap",
        "config/money/prices.py",
        "if begins is None or ends is None or ends > begins:",
        "if begins is None:",
        CONFIG,
    ),
    Mutation("money: prices may leave a gap", "config/money/prices.py", "elif ends < begins:", "elif False:", CONFIG),
    Mutation(
        "money: people are told each time",
        "app/money/unpriced.py",
        "self._told.add(name)",
        "self._told.discard(name)",
        ALERTS,
    ),
    Mutation(
        "money: what a call beside the answer cost is not known of the answer's target",
        "console/money/store.py",
        "FROM ledger WHERE {unknown} AND NOT {extra} AND usage_accuracy <> 'unknown'",
        "FROM ledger WHERE {unknown} AND usage_accuracy <> 'unknown'",
        API,
    ),
    Mutation(
        "money: exchanges of several calls that said nothing of their use are not counted",
        "console/money/store.py",
        "+ (SELECT count(*) FROM ledger",
        "+ (SELECT 0 * count(*) FROM ledger",
        API,
    ),
    Mutation(
        "money: a hedge is the winner's",
        "console/money/store.py",
        "cost_nanousd - coalesce(beside.nanousd, 0) AS cost_nanousd",
        "cost_nanousd AS cost_nanousd",
        API,
    ),
    Mutation(
        "money: what people called bad is resolved",
        "console/money/worth.py",
        "verdict = 'bad'",
        "verdict = 'worse'",
        API,
    ),
    Mutation(
        "money: what somebody called bad is no answer less, whatever it was",
        "watch/feedback/store.py",
        "ledger.outcome = 'completed' AND NOT",
        "true OR NOT",
        API,
    ),
    Mutation(
        "money: each who called an answer bad takes one off",
        "console/money/worth.py",
        "count(DISTINCT exchange)",
        "count(exchange)",
        API,
    ),
    Mutation(
        "money: a canned answer is resolved",
        "console/money/worth.py",
        "- own - canned - bad",
        "- own - bad",
        API,
    ),
    Mutation(
        "money: a model without a value has one",
        "console/money/value.py",
        "- row.cost_nanousd if is_told else None",
        "- row.cost_nanousd",
        API,
    ),
    Mutation(
        "money: another tenant's worth",
        "console/money/value.py",
        "whose = call.narrowed(tenant)",
        "tenant=tenant)",
        API,
    ),
    Mutation(
        "money: a comma is guessed about",
        "watch/invoices/amounts.py",
        'if mark is None and ("," in digits or "." in digits):',
        "if False:",
        INVOICES,
    ),
    Mutation(
        "money: a credit is charged",
        "watch/invoices/reading.py",
        "return value.copy_negate() if amount.is_negative else value",
        "return value",
        INVOICES,
    ),
    Mutation(
        "money: euros are dollars",
        "watch/invoices/reading.py",
        "if currency != _USD:",
        "if False:",
        INVOICES,
    ),
    Mutation(
        "money: days' totals are charged again",
        "watch/invoices/reading.py",
        "if is_total(table.cell(row, table.format.model)):",
        "if False:",
        INVOICES,
    ),
    Mutation(
        "money: next month's charges are this one's",
        "watch/invoices/reading.py",
        "if not how.month <= day < how.after:",
        "if not how.month <= day:",
        INVOICES,
    ),
    Mutation(
        "money: models make up for each other",
        "watch/invoices/matching.py",
        'total.verdict == "matched" and all(each.verdict == "matched" for each in models or days)',
        'total.verdict == "matched"',
        INVOICES,
    ),
    Mutation(
        "money: any invoice agrees",
        "watch/invoices/matching.py",
        "return abs(difference) <= self.nanousd or Decimal(100 * abs(difference)) <= share",
        "return True",
        INVOICES,
    ),
)
