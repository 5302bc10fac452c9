"""Nobody finds out by a stopwatch what is wrong with a key: each bad one costs the same work as any other.

A stopwatch on a shared machine errs, so each kind's best of many interleaved rounds is compared, and one of several
tries must agree: a difference in the work itself is in every try.
"""

import time
from collections.abc import Callable, Mapping

import pytest

from penstock.admission.identity.authenticator import Authenticator
from penstock.admission.keys import KeyEntry, KeyHasher, KeyRing, LiveKeys, new_key
from penstock.core.errors import AuthError
from penstock.core.exchange import Principal
from penstock.testing.clock import FakeClock

_ROUNDS = 60
_CALLS = 200
_TRIES = 8
_CLOSE = 0.10


def spread(kinds: Mapping[str, Callable[[], None]]) -> float:
    """By how much the dearest kind is dearer than the cheapest, as a share."""
    best = dict.fromkeys(kinds, float("inf"))
    for _ in range(_ROUNDS):
        for name, call in kinds.items():
            began_s = time.perf_counter()
            for _ in range(_CALLS):
                call()
            best[name] = min(best[name], time.perf_counter() - began_s)
    return max(best.values()) / min(best.values()) - 1


def refusing(authenticator: Authenticator, header: str) -> Callable[[], None]:
    def call() -> None:
        try:
            authenticator.authenticate(header)
        except AuthError:
            return
        raise AssertionError("it was let in")

    return call


def kinds_of(authenticator: Authenticator, expired: str) -> dict[str, Callable[[], None]]:
    whole = new_key("live").text
    return {
        "unknown": refusing(authenticator, f"Bearer {whole}"),
        "revoked": refusing(authenticator, f"Bearer {new_key('live').text}"),
        "expired": refusing(authenticator, f"Bearer {expired}"),
        "malformed": refusing(authenticator, f"Bearer {'x' * len(whole)}"),
        "mistyped": refusing(authenticator, f"Bearer {whole[:-1]}?"),
    }


def test_unknown_revoked_expired_and_malformed_keys_take_the_same_time() -> None:
    hasher, clock = KeyHasher(b"s" * 32), FakeClock()
    expired = new_key("live").text
    entries = [KeyEntry(hasher.hash(new_key("live").text), Principal("acme", f"key_{n}")) for n in range(500)]
    entries.append(KeyEntry(hasher.hash(expired), Principal("acme", "key_e"), clock.now() - 1))
    kinds = kinds_of(Authenticator(LiveKeys(KeyRing(tuple(entries), hasher), clock)), expired)
    tries = [spread(kinds)]
    while tries[-1] > _CLOSE and len(tries) < _TRIES:
        tries.append(spread(kinds))
    assert min(tries) <= _CLOSE, tries


def test_the_stopwatch_sees_a_check_that_stops_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above can fail: with a look at the form before the hash it does."""
    hasher, clock = KeyHasher(b"s" * 32), FakeClock()
    expired = new_key("live").text
    ring = KeyRing((KeyEntry(hasher.hash(expired), Principal("acme", "key_e"), clock.now() - 1),), hasher)
    find = KeyRing.find

    def hasty(self: KeyRing, key: str, *, now: float) -> Principal | None:
        return find(self, key, now=now) if key.startswith("pk_") else None

    monkeypatch.setattr(KeyRing, "find", hasty)
    kinds = kinds_of(Authenticator(LiveKeys(ring, clock)), expired)
    assert min(spread(kinds) for _ in range(3)) > _CLOSE
