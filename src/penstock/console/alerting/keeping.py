"""The thread of the control plane that holds rules against figures.  It has a connection of its own: it may take a
moment.
"""

import socket
from collections.abc import Callable, Mapping
from typing import Final

import psycopg

from penstock.config import Config
from penstock.core.clock import Clock
from penstock.core.errors import Overloaded
from penstock.storage.follow import Follower, Following
from penstock.storage.pool import connect
from penstock.watch.backlog import BacklogGauge
from penstock.watch.rules.anomalies import ANOMALIES
from penstock.watch.rules.evaluator import Evaluator, Machine
from penstock.watch.rules.judge import Judged
from penstock.watch.rules.opening import rules_of
from penstock.watch.rules.rule import Group, Rule

_NEVER_S: Final = 86_400.0


class RuleKeeping:
    """`start` once, `stop` once; any number of control planes may do so at the same time.

    The constructor raises `ConfigError` for a rule that could not be looked at.
    """

    def __init__(
        self,
        config: Config,
        find_url: Callable[[], str | None],
        clock: Clock,
        *,
        journal: BacklogGauge,
        everywhere: Callable[[], Mapping[str, float]],
    ) -> None:
        def own() -> Mapping[str, float]:
            backlog = journal.look()
            return {"journal_age_s": backlog.oldest_unshipped_s, "journal_records": float(backlog.records)}

        self._find_url = find_url
        self._clock = clock
        machine = Machine(name=f"{socket.gethostname()}:{config.control.port}", own=own, everywhere=everywhere)
        self._evaluator = Evaluator(rules_of(config), machine, clock, anomalies=ANOMALIES)
        self._checking = Evaluator((), machine, clock, anomalies=ANOMALIES)
        following = Following("rules", (), _NEVER_S, _read_nothing, self._evaluator.tend)
        self._follower = Follower(following, self._connect)

    @property
    def rules(self) -> tuple[Rule, ...]:
        return self._evaluator.rules

    def start(self) -> None:
        self._follower.start()

    def stop(self) -> None:
        """What was not judged is by the next one."""
        self._follower.stop()

    def use(self, config: Config) -> None:
        """Other rules, from the next minute on.  The configuration was checked."""
        self._evaluator.use(rules_of(config))

    def problems(self) -> tuple[str, ...]:
        """What is wrong, for `/health`."""
        return self._evaluator.problems()

    def check(self, rule: Rule) -> dict[Group, Judged]:
        """What would come of the rule now; in a thread.  Raises `psycopg.Error`, `OSError` and `Overloaded`."""
        connection = self._connect()
        if connection is None:
            raise Overloaded("The database cannot be used yet.")
        with connection:
            return self._checking.look(connection, rule)

    @property
    def minute(self) -> float:
        """The end of the minute that `check` is about, in Unix seconds."""
        return self._checking.minute()

    def _connect(self) -> psycopg.Connection | None:
        url = self._find_url()
        if url is None:
            return None
        opened = connect(url, name="rules")
        opened.autocommit = True
        return opened


def _read_nothing(_: psycopg.Connection) -> None:
    """Nothing is kept in memory here."""
