"""Where the processes of a fleet tell each other of targets.  `app.fleet` opens it."""

from collections.abc import Iterator
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from penstock.config.secret import Text

FleetStore = Literal["auto", "none", "postgres", "redis"]

_REDIS_SCHEMES = ("redis", "rediss", "unix")


class FleetSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`auto` is the Redis of `limit_store` where there is one, else PostgreSQL; with `none` each process knows what it
    finds itself.  `url` and `cluster` are Redis's.

    Installations that share a Redis each have a `prefix` of their own.
    """

    kind: FleetStore = "auto"
    url: Text | None = None
    cluster: bool = False
    prefix: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] = "penstock"


def broken_fleet(fleet: FleetSettings) -> Iterator[tuple[str, str]]:
    """Path and message of every rule that is broken.  Called by `rules`."""
    if fleet.kind != "redis":
        if fleet.url is not None:
            yield "fleet.url", "only Redis has an address here: PostgreSQL's is `database_url`"
        if fleet.cluster:
            yield "fleet.cluster", "only Redis has clusters"
        return
    if fleet.url is None:
        yield "fleet.url", "Redis needs its address, such as redis://host:6379/0"
        return
    try:
        parts = urlsplit(fleet.url.reveal())
    except ValueError:
        yield "fleet.url", "it is not a URL"
        return
    if parts.scheme not in _REDIS_SCHEMES:
        yield "fleet.url", "it must begin with redis://, rediss:// or unix://"
    elif parts.password is not None and fleet.url.is_literal:
        yield "fleet.url", "a password is never written out: put the whole URL into `env:NAME` or `file:/path`"
