"""API keys: a good one says who calls, a bad one says nothing, whatever is wrong with it."""

from pathlib import Path

import pytest

from penstock.admission.keys import (
    KeyEntry,
    KeyHasher,
    KeyRing,
    LiveKeys,
    is_well_formed,
    new_key,
    open_dev_key,
    open_hasher,
)
from penstock.config.datadir import DataDir
from penstock.core.errors import AuthError, ConfigError
from penstock.core.exchange import Principal
from penstock.testing.clock import FakeClock

SECRET = b"s" * 32
ACME = Principal(tenant="acme", key="key_1")


def keys_with(*texts: str, expires_at: float | None = None, clock: FakeClock | None = None) -> LiveKeys:
    hasher = KeyHasher(SECRET)
    entries = tuple(KeyEntry(hasher.hash(text), ACME, expires_at) for text in texts)
    return LiveKeys(KeyRing(entries, hasher), clock or FakeClock())


def refusal(keys: LiveKeys, authorization: str | None, api_key: str | None = None) -> tuple[str, int, str]:
    with pytest.raises(AuthError) as caught:
        keys.authenticate(authorization, api_key)
    return caught.value.public, caught.value.status, caught.value.code


def test_a_key_is_accepted_as_bearer_token_and_as_api_key_header() -> None:
    key = new_key("live").text
    keys = keys_with(key)
    assert keys.authenticate(f"Bearer {key}") == ACME
    assert keys.authenticate(f"bearer  {key} ") == ACME
    assert keys.authenticate(None, key) == ACME
    assert keys.authenticate("Basic abc", key) == ACME


def test_unknown_malformed_expired_and_revoked_keys_get_the_same_answer() -> None:
    clock = FakeClock()
    key = new_key("live").text
    keys = keys_with(key, expires_at=clock.now() + 60, clock=clock)
    assert keys.authenticate(f"Bearer {key}") == ACME
    answers = {
        refusal(keys, f"Bearer {new_key('live').text}"),
        refusal(keys, "Bearer sk-something-else"),
        refusal(keys, f"Bearer {key[:-1]}"),
        refusal(keys, f"Bearer {key}x"),
        refusal(keys, f"Bearer {key.upper()}"),
        refusal(keys, "Bearer " + "x" * 100_000),
        refusal(keys, "Bearer \udcff\x00"),
        refusal(keys, None, "käse"),
    }
    clock.advance(60)
    answers.add(refusal(keys, f"Bearer {key}"))
    keys.replace(KeyRing((), KeyHasher(SECRET)))
    answers.add(refusal(keys, f"Bearer {key}"))
    assert answers == {("This API key or token is not valid.", 401, "unauthenticated")}


@pytest.mark.parametrize("authorization", [None, "Bearer ", "Bearer", "Basic abc", ""])
def test_a_missing_key_is_told_how_to_be_sent(authorization: str | None) -> None:
    text, status, _ = refusal(keys_with(), authorization)
    assert status == 401
    assert "Authorization: Bearer" in text


def test_another_installations_secret_knows_none_of_our_keys() -> None:
    key = new_key("live").text
    hasher = KeyHasher(SECRET)
    ring = KeyRing((KeyEntry(hasher.hash(key), ACME),), KeyHasher(b"t" * 32))
    assert ring.find(key, now=0) is None


def test_a_new_key_is_whole_and_its_prefix_tells_nothing_more() -> None:
    made = new_key("live")
    assert is_well_formed(made.text)
    assert made.text.startswith(made.prefix)
    assert made.text.startswith("pk_live_")
    assert len(made.prefix) == len("pk_live_") + 6
    assert len({new_key("live").text for _ in range(100)}) == 100


def test_a_key_with_any_one_character_changed_is_not_whole() -> None:
    key = new_key("live").text
    for place in range(len("pk_live_"), len(key)):
        other = "a" if key[place] != "a" else "b"
        assert not is_well_formed(key[:place] + other + key[place + 1 :])


def test_the_dev_key_is_made_once_and_serves_the_default_tenant(tmp_path: Path) -> None:
    root = DataDir(tmp_path)
    hasher = open_hasher(root)
    entry = open_dev_key(root, hasher)
    key = root.dev_key.read_text().strip()
    assert open_dev_key(root, open_hasher(root)) == entry
    principal = LiveKeys(KeyRing((entry,), hasher), FakeClock()).authenticate(f"Bearer {key}")
    assert (principal.tenant, principal.key) == ("default", "dev")
    assert root.dev_key.stat().st_mode & 0o777 == 0o600
    assert root.secret.stat().st_mode & 0o777 == 0o600


def test_a_damaged_secret_or_dev_key_refuses_to_start(tmp_path: Path) -> None:
    root = DataDir(tmp_path)
    hasher = open_hasher(root)
    root.dev_key.write_text("pk_dev_cut")
    with pytest.raises(ConfigError, match="no whole key"):
        open_dev_key(root, hasher)
    root.secret.write_text("abcd")
    with pytest.raises(ConfigError, match="is damaged"):
        open_hasher(root)
