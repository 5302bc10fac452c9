"""PUBLIC: providers' APIs on a real socket, scripted.  `penstock sim` is this as a command."""

from penstock.testing.sim.profile import Profile, read_profile
from penstock.testing.sim.simulator import Simulator, Tally

__all__ = ["Profile", "Simulator", "Tally", "read_profile"]
