"""`make evaluate`: one of the evaluations by its name, or without one the replay of recorded conversations."""

import sys

from evaluation.cache.__main__ import main as cache
from evaluation.compaction.__main__ import main as compaction
from evaluation.conformance.__main__ import main as conformance
from evaluation.resilience.__main__ import main as resilience
from evaluation.routing.__main__ import main as routing


def main() -> int:
    """Hand the arguments after the name on to the evaluation."""
    match sys.argv[1:]:
        case ["compaction", *rest]:
            sys.argv[1:] = rest
            return compaction()
        case ["resilience", *rest]:
            sys.argv[1:] = rest
            return resilience()
        case ["routing", *rest]:
            sys.argv[1:] = rest
            return routing()
        case ["cache", *rest]:
            sys.argv[1:] = rest
            return cache()
        case ["conformance", *rest]:
            sys.argv[1:] = rest
            return conformance()
        case _:
            return conformance()


if __name__ == "__main__":
    raise SystemExit(main())
