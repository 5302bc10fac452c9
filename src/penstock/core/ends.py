"""How an exchange can end: a closed set, one of which is recorded exactly once for every exchange."""

from typing import Literal

End = Literal[
    "completed", "blocked", "held", "rejected", "client_gone", "upstream_failed", "deadline", "shutdown", "failed"
]
"""`rejected`: refused before any attempt (bad input, limits).  `failed`: a fault of our own, status 500."""

StopReason = Literal["client_gone", "deadline", "shutdown"]
"""Why an exchange is stopped from outside; each is also the end that it leads to."""
