"""Which of several equal targets gets the next call.  `flow.attempt` asks it where a route does not fix the order."""

import random
from collections.abc import Sequence

from penstock.admission.targets.gate import TargetGate


def choose(gates: Sequence[TargetGate], rng: random.Random) -> TargetGate | None:
    """The better of two drawn at random, by load; None where every one of them counts as down.

    Two choices are nearly as good as looking at all of them and, unlike that, do not send everyone to the same target
    (Mitzenmacher 2001).
    """
    up = [gate for gate in gates if gate.admits]
    if len(up) <= 1:
        return up[0] if up else None
    first, second = rng.sample(up, 2)
    return first if first.load_s <= second.load_s else second
