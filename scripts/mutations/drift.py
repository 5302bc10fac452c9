"""Deliberate faults in what tells drift from what always varies, and in what is told once."""

from mutations.mutation import Mutation

WATCHING = "tests/watch/drift/test_watching.py"
ANOMALY = "tests/watch/drift/test_anomaly.py"
CHECKING = "tests/watch/drift/test_checking.py"
API = "tests/console/test_drift_api.py"
LOOKED = "tests/watch/drift/test_looked.py"
TALLY = "tests/watch/drift/test_tally.py"
TOPICS = "watch/drift/topics.py"

MUTATIONS = (
    Mutation(
        "drift: exchanges are taken for independent",
        "watch/drift/compare.py",
        "deviation = math.sqrt(between + own / window.count + doubt)",
        "deviation = math.sqrt(own / window.count)",
        WATCHING,
    ),
    Mutation(
        "drift: weekdays have no level of their own",
        "watch/drift/compare.py",
        "effects, drawn_in = _weekdays(cells) if span.every == DAY_H else (_NO_EFFECTS, 0.0)",
        "effects, drawn_in = _NO_EFFECTS, 0.0",
        WATCHING,
    ),
    Mutation(
        "drift: bursts of what is rare are compared as they are",
        "watch/drift/tally.py",
        'return (Measure(feature, 0, "share", "mean"),)',
        'return (Measure(feature, 0, "mean", "mean"),)',
        WATCHING,
    ),
    Mutation(
        "drift: each feature has the whole budget",
        "watch/drift/watching.py",
        "weight_of([feature]) / self.features / len",
        "weight_of([feature]) / len",
        WATCHING,
    ),
    Mutation(
        "drift: each measure has its feature's budget",
        "watch/drift/watching.py",
        " / self.features / len(measures_of(feature))",
        " / self.features",
        WATCHING,
    ),
    Mutation(
        "drift: better is cried as often as worse",
        "watch/drift/watching.py",
        "change * WORSE[feature] > 0",
        "change * WORSE[feature] < 0",
        WATCHING,
    ),
    Mutation(
        "drift: what does worse is said to be told as late as what does better",
        "watch/drift/watching.py",
        "for side in (-1.0, 1.0)",
        "for side in (0.0, 0.0)",
        WATCHING,
    ),
    Mutation(
        "drift: a change that does not matter is said to be told",
        "watch/drift/compare.py",
        "(self.slack + score_at(chance, self.freedom) * self.deviation for chance",
        "(score_at(chance, self.freedom) * self.deviation for chance",
        WATCHING,
    ),
    Mutation(
        "drift: a fall of what never happens is said to be told",
        "watch/drift/compare.py",
        "plain(low, self.scale) if low > least else None,",
        "plain(low, self.scale),",
        WATCHING,
    ),
    Mutation(
        "drift: two busy hours are the day",
        "watch/drift/compare.py",
        "series = series.evened(tuning.alike)",
        "series = series.evened(0.0)",
        WATCHING,
    ),
    Mutation(
        "drift: a holiday is a day as any other",
        "watch/drift/compare.py",
        "doubt += (tuning.traffic * odd) ** 2 * own",
        "pass",
        WATCHING,
    ),
    Mutation(
        "drift: a change is told until it is the reference",
        "watch/drift/watching.py",
        "breaks = sorted(each.since for each in earlier)",
        "breaks: list[int] = []",
        WATCHING,
    ),
    Mutation(
        "drift: what comes slowly is its own reference",
        "watch/drift/compare.py",
        "chosen = of_part[gap:] if len(of_part) >= 2 * gap else of_part",
        "chosen = of_part[:1]",
        WATCHING,
    ),
    Mutation(
        "drift: an hour is added to what was there",
        "watch/drift/store.py",
        'cursor.execute("DELETE FROM drift_hours WHERE hour = %s", [hour])',
        "pass",
        CHECKING,
    ),
    Mutation(
        "drift: what comes late is lost",
        "watch/drift/checking.py",
        "for each in range(max(oldest, hour - _AGAIN_H), hour):",
        "for each in ():",
        CHECKING,
    ),
    Mutation(
        "drift: two look at a time",
        "watch/drift/checking.py",
        "or not store.is_alone(connection)",
        "",
        CHECKING,
    ),
    Mutation(
        "drift: a finding without its alert",
        "watch/drift/checking.py",
        "        with connection.transaction():\n            store.keep",
        "        if True:\n            store.keep",
        CHECKING,
    ),
    Mutation(
        "drift: earlier findings are forgotten",
        "watch/drift/checking.py",
        "earlier = store.read_findings(connection, begin)",
        "earlier = store.read_findings(connection, hour)",
        CHECKING,
    ),
    Mutation(
        "drift: who sees one tenant sees all of them",
        "admission/identity/roles.py",
        '        "targets.write",\n        "drift.read",\n        "tenants.write",',
        '        "targets.write",\n        "tenants.write",',
        API,
    ),
    Mutation(
        "anomaly: the night is judged as the day",
        "watch/drift/anomaly.py",
        "return [middles.get(int(time // HOUR_S) % period, whole) for time in times]",
        "return [whole for time in times]",
        ANOMALY,
    ),
    Mutation(
        "anomaly: a spike becomes the level",
        "watch/drift/anomaly.py",
        "return max(-_REACH, min(_REACH, scaled))",
        "return scaled",
        ANOMALY,
    ),
    Mutation(
        "anomaly: the budget is each figure's own",
        "watch/drift/anomaly.py",
        "chance = looks.false_alarms / (looks.figures * WEEK_H * HOUR_S / step) / 2",
        "chance = looks.false_alarms / (WEEK_H * HOUR_S / step) / 2",
        ANOMALY,
    ),
    Mutation(
        "drift: an answer that comes again counts twice",
        "watch/quality/looking.py",
        "[looked for each, looked in scored if each.exchange in fresh]",
        "[looked for each, looked in scored]",
        LOOKED,
    ),
    Mutation(
        "drift: what was seen replaces what was there",
        "watch/drift/looked.py",
        "coalesce(one, 0) + coalesce(other, 0)",
        "coalesce(other, 0)",
        LOOKED,
    ),
    Mutation(
        "drift: what was seen of answers is not judged",
        "watch/drift/store.py",
        "tallies[each].sums() | looked.get(each, {})",
        "tallies[each].sums()",
        LOOKED,
    ),
    Mutation(
        "drift: a question is held against itself",
        TOPICS,
        " or seen.told.exchange in known.exchanges:",
        ":",
        LOOKED,
    ),
    Mutation(
        "drift: what has only just come up is known",
        TOPICS,
        "(_SETTLED if rows else timedelta(0))",
        "timedelta(0)",
        LOOKED,
    ),
    Mutation(
        "drift: what has expired keeps its place",
        TOPICS,
        "WHERE c.id = k.exchange AND c.expires_at > %(now)s)",
        "WHERE c.id = k.exchange)",
        LOOKED,
    ),
    Mutation(
        "drift: answers to which no tools were offered call none",
        "watch/drift/reading.py",
        'if each.fact == "tools_offered":',
        "if True:",
        TALLY,
    ),
)
