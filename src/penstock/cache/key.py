"""Which request is the same request, and whose: keyed digests, 256 bits each.

Two requests have one key exactly when the same caller's rights, the same model as it is configured, and everything that
shapes an answer agree.  What a caller wrote cannot be guessed from a digest without the installation's secret.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

import msgspec

from penstock.config.cache import Share
from penstock.core.chat import ChatRequest, Request
from penstock.core.exchange import Exchange, Principal
from penstock.core.json import JsonObject

_PERSON: Final = b"penstock cache"
_MOST_PARTITIONS = 10_000

NEUTRAL_EXTRAS: Final = frozenset(
    {
        "anthropic-version",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "stream_options",
    }
)
"""Top-level fields without a name of ours that change cost, speed or bookkeeping, and never the answer."""

_encoder = msgspec.json.Encoder(order="deterministic")


class Keys:
    """Makes the digests of one installation.  `secret` is the installation's own."""

    __slots__ = ("_keyed", "_partitions")

    def __init__(self, secret: bytes) -> None:
        key = blake2b(secret, digest_size=32, person=_PERSON).digest()
        # Copied for each digest: half the price of keying anew.
        self._keyed = blake2b(digest_size=32, key=key, person=_PERSON)
        self._partitions: dict[tuple[object, ...], bytes] = {}

    def partition(self, exchange: Exchange, *, share: Share, fingerprint: str, by_rights: bool = False) -> bytes:
        """Within which answers are shared at all: who asks, with which rights, and what answers.

        `fingerprint` stands for the model's configuration as far as it shapes answers; `by_rights` has roles count too.
        """
        who = exchange.principal
        route = exchange.route.name if exchange.route is not None else None
        roles = who.roles if by_rights else None
        # As they come, not sorted: the same rights in another order are looked up once more, and are then the same.
        named = (share, *_scope(who, share), who.groups, roles, exchange.request.model, route, fingerprint)
        found = self._partitions.get(named)
        if found is None:
            if len(self._partitions) >= _MOST_PARTITIONS:
                self._partitions.clear()
            groups, model = sorted(set(who.groups)), exchange.request.model
            written: tuple[object, ...] = (share, _scope(who, share), groups, model, route, fingerprint)
            if roles is not None:
                written = (*written, sorted(set(roles)))
            found = self._partitions[named] = self._digest(b"partition", _encoder.encode(written))
        return found

    def key(self, partition: bytes, request: Request) -> bytes | None:
        """The key of a request; None where it holds what cannot be written down in one way."""
        try:
            return self._digest(b"exact", partition, canonical(request))
        except (OverflowError, UnicodeEncodeError):
            return None

    def sealing(self, partition: bytes) -> bytes:
        """The key under which what a partition keeps at rest is sealed: 32 bytes."""
        return self._digest(b"sealed", partition)

    def _digest(self, *parts: bytes) -> bytes:
        hasher = self._keyed.copy()
        for part in parts[:-1]:
            hasher.update(len(part).to_bytes(4))
            hasher.update(part)
        hasher.update(parts[-1])
        return hasher.digest()


def canonical(request: Request) -> bytes:
    """All of a request that shapes its answer, in one spelling.

    A field is part of it unless it is taken out here by name, so that a new one is never forgotten.
    """
    extras = request.extras
    if extras and not NEUTRAL_EXTRAS.isdisjoint(extras):
        kept: JsonObject = {name: value for name, value in extras.items() if name not in NEUTRAL_EXTRAS}
        extras = kept
    if isinstance(request, ChatRequest):
        written = b"chat" + _encoder.encode(
            msgspec.structs.replace(
                request,
                dialect="openai-chat",
                model="",  # it is part of the partition
                metadata={},
                user=None,
                stream=False,
                include_usage=False,
                caching=None,
                extras=extras,
            )
        )
    else:
        plain = msgspec.structs.replace(request, dialect="openai-chat", model="", user=None, extras=extras)
        written = b"embeddings" + _encoder.encode(plain)
    # A field that we have no name for means what its own dialect says.  (In a text the quotes would be escaped.)
    return written + request.dialect.encode() if b'"extras":{"' in written else written


def _scope(who: Principal, share: Share) -> tuple[str | None, ...]:
    match share:
        case "everyone":
            return ()
        case "tenant":
            return (who.tenant,)
        case "project":
            return (who.tenant, who.project)
        case "user":
            # Who has no name within the tenant is told apart by the credential.
            return (who.tenant, who.project, who.user, None if who.user is not None else who.key)


def fingerprint(parts: Mapping[str, object]) -> str:
    """A short name for a configuration: equal for equal `parts`."""
    return blake2b(_encoder.encode(parts), digest_size=16).hexdigest()
