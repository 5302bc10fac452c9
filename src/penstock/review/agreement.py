"""How far reviewers agree beyond what chance would give.

Cohen's kappa for two: (p_o - p_e) / (1 - p_e), where p_o is the share of things that both called the same and p_e the
share that they would by chance, each with its own habits (J. Cohen, A coefficient of agreement for nominal scales,
Educational and Psychological Measurement 20, 1960, 37-46).

Krippendorff's alpha for any number, with gaps: 1 - D_o / D_e over the pairs of values within units and over all, here
for nominal values (K. Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011, section C).
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

MOST = 1.0


def cohens_kappa(pairs: Sequence[tuple[Hashable, Hashable]]) -> float | None:
    """Of what two called the same things.  None where nothing can be said: no things, or no two different words."""
    count = len(pairs)
    if not count:
        return None
    observed = sum(one == other for one, other in pairs) / count
    ones, others = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    expected = sum(ones[word] * others[word] for word in ones) / count**2
    return None if expected >= MOST else (observed - expected) / (1 - expected)


def krippendorffs_alpha(units: Iterable[Sequence[Hashable]]) -> float | None:
    """Of what each unit was called, by however many.

    A unit that only one judged says nothing.  None where nothing can be said: too few, or no two different words.
    """
    totals: Counter[Hashable] = Counter()
    disagreeing = 0.0
    for unit in units:
        if len(unit) < 2:
            continue
        values = Counter(unit)
        totals.update(values)
        alike = sum(count * (count - 1) for count in values.values())
        disagreeing += (len(unit) * (len(unit) - 1) - alike) / (len(unit) - 1)
    count = totals.total()
    expected = count * count - sum(each * each for each in totals.values())
    # D_o = disagreeing / n, and D_e = expected / (n (n - 1)).
    return None if expected == 0 else 1.0 - (count - 1) * disagreeing / expected
