"""PUBLIC: what tests of Penstock stand on, and those of stages and providers written for it.

A clock that only the test moves, a provider that answers by rule and fails on order, a client and a ledger that
remember, and a kit that checks a provider of your own against the contract.
"""

from penstock.testing.behaviour import Behaviour
from penstock.testing.clock import FakeClock
from penstock.testing.conformance import check_events, check_provider
from penstock.testing.ledger import MemoryLedger
from penstock.testing.scripted import ScriptedProvider, ScriptedSource
from penstock.testing.sink import RecordingSink

__all__ = [
    "Behaviour",
    "FakeClock",
    "MemoryLedger",
    "RecordingSink",
    "ScriptedProvider",
    "ScriptedSource",
    "check_events",
    "check_provider",
]
