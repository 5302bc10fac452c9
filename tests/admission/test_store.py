"""Keys in PostgreSQL: made and revoked there, followed by the data plane, which outlives the database."""

import asyncio
import threading
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from msgspec.structs import replace

from penstock.admission.identity.audit import Change
from penstock.admission.identity.faults import UnknownKey
from penstock.admission.identity.known import Known
from penstock.admission.keys import KeyEntry, KeyHasher, KeyRing, LiveKeys, new_key
from penstock.admission.snapshot import load_snapshot
from penstock.admission.store import KeyFollower, KeyRow, create_key, list_keys, revoke_key
from penstock.core.exchange import Principal
from penstock.testing.clock import FakeClock

HASHER = KeyHasher(b"s" * 32)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CHANGE = Change(actor="test", actor_tenant=None, request_id="req_1", at=NOW)
DEV = KeyEntry(HASHER.hash("dev"), Principal("default", "dev"))


class WatchedKeys(LiveKeys):
    """Lets a test wait for the ring that it wants to see."""

    def __init__(self) -> None:
        super().__init__(KeyRing((), HASHER), FakeClock())
        self._changed = threading.Condition()
        self._size = 0

    def replace(self, ring: KeyRing) -> None:
        super().replace(ring)
        with self._changed:
            self._size = len(ring)
            self._changed.notify_all()

    def wait_for(self, size: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._size == size, timeout=20), f"{self._size} keys, not {size}"


def row(key_id: str, prefix: str) -> KeyRow:
    return KeyRow(id=key_id, tenant="acme", name="ci", prefix=prefix, created_at=NOW, expires_at=None, revoked_at=None)


async def with_connection(url: str, *steps: tuple[str, str]) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        for action, value in steps:
            if action == "create":
                await create_key(connection, row(value, f"pk_{value}"), HASHER.hash(value), CHANGE, makes_tenant=True)
            else:
                await revoke_key(connection, value, CHANGE)


def follower(keys: LiveKeys, url: str | None, snapshot: Path) -> KeyFollower:
    return KeyFollower(
        keys=keys,
        hasher=HASHER,
        fixed=(DEV,),
        snapshot=snapshot,
        connect=lambda: None if url is None else psycopg.connect(url, autocommit=True),
        refresh_s=60.0,
    )


def test_a_key_made_or_revoked_while_serving_is_followed(database_url: str, tmp_path: Path) -> None:
    keys = WatchedKeys()
    following = follower(keys, database_url, tmp_path / "keys.json")
    assert keys.authenticate("Bearer dev").key == "dev"
    following.start()
    asyncio.run(with_connection(database_url, ("create", "one"), ("create", "two")))
    keys.wait_for(3)
    assert keys.authenticate("Bearer one") == Principal("acme", "one")
    asyncio.run(with_connection(database_url, ("revoke", "one")))
    keys.wait_for(2)
    following.stop()


def test_the_last_keys_are_known_while_the_database_is_away(database_url: str, tmp_path: Path) -> None:
    keys = WatchedKeys()
    following = follower(keys, database_url, tmp_path / "keys.json")
    asyncio.run(with_connection(database_url, ("create", "one")))
    following.start()
    keys.wait_for(2)
    following.stop()
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600

    later = WatchedKeys()
    follower(later, None, tmp_path / "keys.json")
    assert later.authenticate("Bearer one") == Principal("acme", "one")


def test_a_damaged_snapshot_is_no_keys_at_all(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    assert load_snapshot(path) == Known()
    path.write_text('[{"hash": "')
    assert load_snapshot(path) == Known()


def test_keys_are_listed_page_by_page_and_revoked_once(database_url: str) -> None:
    async def main() -> None:
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
            for name in ("key_a", "key_b", "key_c"):
                await create_key(
                    connection, row(name, new_key("live").prefix), HASHER.hash(name), CHANGE, makes_tenant=True
                )
            first = await list_keys(connection, after="", limit=2)
            rest = await list_keys(connection, after=first[-1].id, limit=2)
            assert [each.id for each in first + rest] == ["key_a", "key_b", "key_c"]
            await revoke_key(connection, "key_a", CHANGE)
            await revoke_key(connection, "key_a", replace(CHANGE, at=datetime(2027, 1, 1, tzinfo=UTC)))
            with pytest.raises(UnknownKey):
                await revoke_key(connection, "key_x", CHANGE)
            assert (await list_keys(connection, after="", limit=1))[0].revoked_at == NOW

    asyncio.run(main())
