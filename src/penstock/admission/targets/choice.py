"""Which of several equal targets gets the next call, where a route does not fix their order.  For `gates`."""

import random
from collections.abc import Sequence


def choose(up: Sequence[int], loads: Sequence[float], rng: random.Random) -> int | None:
    """The less loaded of two drawn at random from `up`, which are places in `loads`; None where it is empty.

    Two choices are nearly as good as looking at all of them and, unlike that, do not send everyone to the same target
    (Mitzenmacher 2001).
    """
    if len(up) <= 1:
        return up[0] if up else None
    first, second = rng.sample(up, 2)
    return first if loads[first] <= loads[second] else second
