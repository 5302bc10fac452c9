"""`make evaluate`: one of the evaluations by its name, or without one the replay of recorded conversations."""

import sys

from evaluation.agreement.__main__ import main as agreement
from evaluation.cache.__main__ import main as cache
from evaluation.compaction.__main__ import main as compaction
from evaluation.conformance.__main__ import main as conformance
from evaluation.contents.__main__ import main as contents
from evaluation.drift.__main__ import main as drift
from evaluation.forecast.__main__ import main as forecast
from evaluation.grounded.__main__ import main as grounded
from evaluation.ingest.__main__ import main as ingest
from evaluation.injection.__main__ import main as injection
from evaluation.ledger.__main__ import main as ledger
from evaluation.masking.__main__ import main as masking
from evaluation.personal.__main__ import main as personal
from evaluation.personal.names_report import main as names
from evaluation.quality.__main__ import main as quality
from evaluation.resilience.__main__ import main as resilience
from evaluation.retrieval.__main__ import main as retrieval
from evaluation.review.__main__ import main as review
from evaluation.routing.__main__ import main as routing
from evaluation.scope.__main__ import main as scope


def main() -> int:
    """Hand the arguments after the name on to the evaluation."""
    match sys.argv[1:]:
        case ["agreement", *rest]:
            sys.argv[1:] = rest
            return agreement()
        case ["compaction", *rest]:
            sys.argv[1:] = rest
            return compaction()
        case ["contents", *rest]:
            sys.argv[1:] = rest
            return contents()
        case ["drift", *rest]:
            sys.argv[1:] = rest
            return drift()
        case ["forecast", *rest]:
            sys.argv[1:] = rest
            return forecast()
        case ["grounded", *rest]:
            sys.argv[1:] = rest
            return grounded()
        case ["ingest", *rest]:
            sys.argv[1:] = rest
            return ingest()
        case ["injection", *rest]:
            sys.argv[1:] = rest
            return injection()
        case ["names", *rest]:
            sys.argv[1:] = rest
            return names()
        case ["ledger", *rest]:
            sys.argv[1:] = rest
            return ledger()
        case ["masking", *rest]:
            sys.argv[1:] = rest
            return masking()
        case ["quality", *rest]:
            sys.argv[1:] = rest
            return quality()
        case ["resilience", *rest]:
            sys.argv[1:] = rest
            return resilience()
        case ["personal", *rest]:
            sys.argv[1:] = rest
            return personal()
        case ["retrieval", *rest]:
            sys.argv[1:] = rest
            return retrieval()
        case ["review", *rest]:
            sys.argv[1:] = rest
            return review()
        case ["routing", *rest]:
            sys.argv[1:] = rest
            return routing()
        case ["scope", *rest]:
            sys.argv[1:] = rest
            return scope()
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
