"""What `mutation_check` breaks, by room."""

from mutations.admission import MUTATIONS as ADMISSION
from mutations.alerting import MUTATIONS as ALERTING
from mutations.answers import MUTATIONS as ANSWERS
from mutations.caches import MUTATIONS as CACHES
from mutations.comparisons import MUTATIONS as COMPARISONS
from mutations.console import MUTATIONS as CONSOLE
from mutations.contents import MUTATIONS as CONTENTS
from mutations.drift import MUTATIONS as DRIFT
from mutations.flow import MUTATIONS as FLOW
from mutations.grounded import MUTATIONS as GROUNDED
from mutations.guards import MUTATIONS as GUARDS
from mutations.ingest import MUTATIONS as INGEST
from mutations.injections import MUTATIONS as INJECTIONS
from mutations.knowledge import MUTATIONS as KNOWLEDGE
from mutations.memory import MUTATIONS as MEMORY
from mutations.money import MUTATIONS as MONEY
from mutations.mutation import Mutation
from mutations.patterns import MUTATIONS as PATTERNS
from mutations.quality import MUTATIONS as QUALITY
from mutations.reports import MUTATIONS as REPORTS
from mutations.rest import MUTATIONS as REST
from mutations.review import MUTATIONS as REVIEW
from mutations.sources import MUTATIONS as SOURCES
from mutations.traces import MUTATIONS as TRACES
from mutations.vault import MUTATIONS as VAULT
from mutations.watch import MUTATIONS as WATCH
from mutations.windows import MUTATIONS as WINDOWS

__all__ = ["MUTATIONS", "Mutation"]

MUTATIONS = (
    *FLOW,
    *DRIFT,
    *GUARDS,
    *GROUNDED,
    *INJECTIONS,
    *KNOWLEDGE,
    *ADMISSION,
    *ALERTING,
    *ANSWERS,
    *CACHES,
    *COMPARISONS,
    *CONSOLE,
    *CONTENTS,
    *PATTERNS,
    *REPORTS,
    *QUALITY,
    *REST,
    *INGEST,
    *MEMORY,
    *MONEY,
    *REVIEW,
    *SOURCES,
    *TRACES,
    *VAULT,
    *WATCH,
    *WINDOWS,
)
