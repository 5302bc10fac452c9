"""Webhooks that are told of releases, by the alerts' deliverer: signed, tried again, each told once."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

import psycopg

from penstock.review import deliveries
from penstock.review.deliveries import Attempted, Told
from penstock.storage.pool import connect
from penstock.watch.alerts.alert import Alert
from penstock.watch.alerts.channel import Channel
from penstock.watch.alerts.deliver import Claim, Standing

RELEASED = "review.released"
MESSAGE = "review.message"


class ReleaseDeliveries:
    """`watch.alerts.deliver.Deliveries` over releases.  One connection, for one thread."""

    def __init__(self, database_url: str) -> None:
        self._connection = connect(database_url, name="review webhooks")
        self._connection.autocommit = True
        # A claim is held for as long as a receiver takes to answer; what ends it is its own timeout, or our death.
        self._connection.execute("SET idle_in_transaction_session_timeout = 0")

    def route(self, channels: Sequence[Channel], now: float) -> None:
        deliveries.route(self._connection, [(each.name, _wants(each)) for each in channels], now=now)

    def due(self, now: float) -> frozenset[str]:
        return deliveries.due(self._connection, now=now)

    @contextmanager
    def claim(self, channel: str, now: float) -> Generator[Claim | None]:
        with deliveries.claim(self._connection, channel, now=now) as pending:
            if pending is None:
                yield None
                return
            claim = Claim(alert=notice(pending.told), attempts=pending.attempts, first_at=pending.first_at)
            yield claim
            done = claim.outcome
            if done is not None:
                pending.attempted = Attempted(done.state, done.at, done.next_at, done.status, done.error)

    def standings(self) -> tuple[Standing, ...]:
        return tuple(
            Standing(each.webhook, each.waiting, each.oldest_at, 0, each.last_error)
            for each in deliveries.standings(self._connection)
        )

    def close(self) -> None:
        self._connection.close()


def open_deliveries(find_url: Callable[[], str | None]) -> ReleaseDeliveries | None:
    """None while there is no database, or not yet our schema in it."""
    url = find_url()
    if url is None:
        return None
    try:
        with connect(url, name="review webhooks") as connection:
            found = connection.execute("SELECT to_regclass('hold_deliveries') IS NOT NULL").fetchone()
    except psycopg.OperationalError:
        return None
    return ReleaseDeliveries(url) if found is not None and found[0] else None


def notice(told: Told) -> Alert:
    """What a receiver gets: which hold, and whose; never a word of question or answer."""
    return Alert(
        id=f"{told.hold}.{told.place}",
        kind=MESSAGE if told.is_message else RELEASED,
        severity="info",
        tenant=told.tenant,
        subject=told.hold,
        text="A person has written to a conversation." if told.is_message else "An answer that was held is released.",
        at=told.at,
        facts={
            "hold": told.hold,
            "exchange": told.exchange,
            "model": told.model,
            "state": told.state,
            "user": told.user,
            "conversation": told.conversation,
        },
    )


def _wants(channel: Channel) -> Callable[[Told], bool]:
    return lambda told: channel.wants(notice(told))
