"""Tenants, keys, credentials and the audit in a real PostgreSQL, and what a plane that follows makes of them."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest
from msgspec.structs import asdict, replace

from penstock.admission.identity import tenants
from penstock.admission.identity.audit import AuditRow, Change, digest, list_audit
from penstock.admission.identity.credential_store import list_credentials, remove_credential, reseal, set_credential
from penstock.admission.identity.credentials import CannotOpen, LiveCredentials, Sealer, last_chars
from penstock.admission.identity.faults import Conflict, UnknownCredential, UnknownKey, UnknownProject, UnknownTenant
from penstock.admission.identity.known import Known
from penstock.admission.identity.reading import read_known
from penstock.admission.identity.tenants import ProjectRow, TenantRow
from penstock.admission.keys import KeyEntry, KeyHash, KeyHasher, KeyRing, LiveKeys
from penstock.admission.snapshot import load_snapshot, save_snapshot
from penstock.admission.store import (
    Heed,
    KeyChoice,
    KeyFollower,
    KeyRow,
    change_key,
    create_key,
    list_keys,
    revoke_key,
    rotate_key,
)
from penstock.core.errors import AuthError
from penstock.core.exchange import Principal
from penstock.testing.clock import FakeClock

HASHER = KeyHasher(b"s" * 32)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CHANGE = Change(actor="key_admin", actor_tenant=None, request_id="req_1", at=NOW)
SECRET = "sk-a-long-secret-of-a-provider"
T = TypeVar("T")
Step = Callable[[psycopg.AsyncConnection], Awaitable[object]]


def tenant(tenant_id: str = "acme", weight: float = 1.0) -> TenantRow:
    return TenantRow(id=tenant_id, name=tenant_id, time_zone="UTC", weight=weight, plan=None, created_at=NOW)


def key(key_id: str, tenant_id: str = "acme", project: str | None = None) -> KeyRow:
    return KeyRow(
        id=key_id,
        tenant=tenant_id,
        name="ci",
        prefix=f"pk_live_{key_id}",
        created_at=NOW,
        expires_at=None,
        revoked_at=None,
        project=project,
    )


def project(project_id: str, tenant_id: str = "acme") -> ProjectRow:
    return ProjectRow(tenant=tenant_id, id=project_id, name=project_id, created_at=NOW)


def do(url: str, step: Callable[[psycopg.AsyncConnection], Awaitable[T]]) -> T:
    async def main() -> T:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            return await step(connection)

    return asyncio.run(main())


def known(url: str) -> Known:
    with psycopg.connect(url, autocommit=True) as connection:
        return read_known(connection)


def key_ids(url: str) -> list[str]:
    return [entry.principal.key for entry in known(url).keys]


async def two_tenants(c: psycopg.AsyncConnection) -> None:
    await tenants.create_tenant(c, tenant("acme", 2.5), CHANGE)
    await tenants.create_tenant(c, tenant("other"), CHANGE)
    await tenants.create_project(c, project("web"), CHANGE, scope=None)
    await create_key(c, key("k1"), HASHER.hash("one"), CHANGE)
    await create_key(c, key("k2", project="web"), HASHER.hash("two"), CHANGE)
    await create_key(c, key("k3", "other"), HASHER.hash("three"), CHANGE)


def test_a_key_carries_all_that_is_set_into_the_principal(database_url: str) -> None:
    async def steps(c: psycopg.AsyncConnection) -> None:
        await two_tenants(c)
        full = replace(key("k9", project="web"), models=("gpt-*",), priority="batch", feature="search", roles=())
        await create_key(c, full, HASHER.hash("nine"), CHANGE)

    do(database_url, steps)
    ring = KeyRing(known(database_url).keys, HASHER)
    assert ring.find("nine", now=0.0) == Principal(
        tenant="acme", key="k9", project="web", models=("gpt-*",), priority="batch", feature="search", weight=2.5
    )
    assert ring.find("one", now=0.0) == Principal(tenant="acme", key="k1", weight=2.5)


def test_suspended_and_deleted_tenants_and_projects_take_their_keys_with_them(database_url: str) -> None:
    do(database_url, two_tenants)
    assert key_ids(database_url) == ["k1", "k2", "k3"]
    do(database_url, lambda c: tenants.suspend_tenant(c, "acme", CHANGE))
    assert key_ids(database_url) == ["k3"]
    assert [each.is_active for each in known(database_url).tenants] == [False, True]
    do(database_url, lambda c: tenants.resume_tenant(c, "acme", CHANGE))
    assert key_ids(database_url) == ["k1", "k2", "k3"]
    do(database_url, lambda c: tenants.delete_project(c, ("acme", "web"), CHANGE, scope="acme"))
    assert key_ids(database_url) == ["k1", "k3"]
    do(database_url, lambda c: tenants.delete_tenant(c, "other", CHANGE))
    assert key_ids(database_url) == ["k1"]


def test_what_is_deleted_or_of_another_tenant_is_not_there(database_url: str) -> None:
    async def steps(c: psycopg.AsyncConnection) -> None:
        await two_tenants(c)
        await tenants.create_project(c, project("old"), CHANGE, scope=None)
        await tenants.delete_project(c, ("acme", "old"), CHANGE, scope=None)
        await tenants.create_tenant(c, tenant("gone"), CHANGE)
        await tenants.delete_tenant(c, "gone", CHANGE)
        for refused, awaitable in (
            (Conflict, tenants.create_tenant(c, tenant("gone"), CHANGE)),
            (Conflict, tenants.create_project(c, project("old"), CHANGE, scope=None)),
            (UnknownTenant, create_key(c, key("k4", "gone"), b"4", CHANGE, makes_tenant=True)),
            (UnknownTenant, create_key(c, key("k4", "new"), b"4", CHANGE)),
            (UnknownProject, create_key(c, key("k4", project="old"), b"4", CHANGE)),
            (UnknownProject, create_key(c, key("k4", "other", project="web"), b"4", CHANGE)),
            (UnknownTenant, tenants.read_tenant(c, "other", scope="acme")),
            (UnknownTenant, tenants.list_projects(c, "acme", scope="other")),
            (UnknownTenant, tenants.create_project(c, project("p"), CHANGE, scope="other")),
            (UnknownProject, tenants.rename_project(c, ("acme", "web"), "x", CHANGE, scope="other")),
            (UnknownProject, tenants.delete_project(c, ("acme", "web"), CHANGE, scope="other")),
            (UnknownKey, revoke_key(c, "k1", CHANGE, scope="other")),
            (UnknownKey, change_key(c, "k1", lambda row: row, CHANGE, scope="other")),
            (UnknownKey, rotate_key(c, "k1", lambda row: (row, b""), CHANGE, overlap_s=1, scope="other")),
            (UnknownTenant, tenants.delete_tenant(c, "gone", CHANGE)),
        ):
            with pytest.raises(refused):
                await awaitable
        assert [row.id for row in await tenants.list_tenants(c, scope=None, after="", limit=9)] == ["acme", "other"]
        assert [row.id for row in await tenants.list_tenants(c, scope="other", after="", limit=9)] == ["other"]
        assert [row.id for row in await list_keys(c, KeyChoice(scope="other"), after="", limit=9)] == ["k3"]
        assert [row.id for row in await list_keys(c, KeyChoice(prefix="pk_live_k2"), after="", limit=9)] == ["k2"]
        assert await list_keys(c, KeyChoice(prefix="%"), after="", limit=9) == ()

    do(database_url, steps)


def test_a_rotated_key_works_beside_the_new_one_and_then_ends(database_url: str) -> None:
    def successor(old: KeyRow) -> tuple[KeyRow, KeyHash]:
        return replace(old, id="k1b", prefix="pk_live_k1b"), HASHER.hash("fresh")

    async def steps(c: psycopg.AsyncConnection) -> None:
        await two_tenants(c)
        await rotate_key(c, "k1", successor, CHANGE, overlap_s=60, scope="acme")
        with pytest.raises(Conflict):
            await rotate_key(c, "k1", successor, CHANGE, overlap_s=60, scope="acme")
        for later in (None, NOW + timedelta(days=9)):
            with pytest.raises(Conflict):
                await change_key(c, "k1", lambda row, to=later: replace(row, expires_at=to), CHANGE, scope=None)

    do(database_url, steps)
    ring = KeyRing(known(database_url).keys, HASHER)
    assert ring.find("one", now=NOW.timestamp() + 59) is not None
    assert ring.find("one", now=NOW.timestamp() + 60) is None
    assert ring.find("fresh", now=NOW.timestamp() + 60) == Principal(tenant="acme", key="k1b", weight=2.5)


def test_a_key_that_has_ended_cannot_be_changed_back(database_url: str) -> None:
    async def steps(c: psycopg.AsyncConnection) -> None:
        await two_tenants(c)
        await revoke_key(c, "k1", CHANGE)
        with pytest.raises(Conflict):
            await change_key(c, "k1", lambda row: row, CHANGE, scope=None)
        await change_key(c, "k2", lambda row: replace(row, expires_at=NOW + timedelta(1)), CHANGE, scope=None)
        late = replace(CHANGE, at=NOW + timedelta(2))
        with pytest.raises(Conflict):
            await change_key(c, "k2", lambda row: replace(row, expires_at=None), late, scope=None)

    do(database_url, steps)


def audit(url: str, scope: str | None = None) -> tuple[AuditRow, ...]:
    return do(url, lambda c: list_audit(c, scope=scope, subject=None, before=None, limit=100))


def test_every_change_is_audited_with_who_what_and_digests(database_url: str) -> None:
    do(database_url, two_tenants)
    do(database_url, lambda c: tenants.change_tenant(c, "acme", {"name": "Acme", "weight": 3.0}, CHANGE))
    do(database_url, lambda c: revoke_key(c, "k1", CHANGE))
    rows = audit(database_url)
    assert [(row.action, row.subject) for row in reversed(rows)] == [
        ("tenant.created", "acme"),
        ("tenant.created", "other"),
        ("project.created", "acme/web"),
        ("key.created", "k1"),
        ("key.created", "k2"),
        ("key.created", "k3"),
        ("tenant.changed", "acme"),
        ("key.revoked", "k1"),
    ]
    changed = rows[1]
    assert (changed.actor, changed.request_id, changed.at, changed.fields) == (
        "key_admin",
        "req_1",
        NOW,
        ("name", "weight"),
    )
    assert changed.before_digest == digest(asdict(tenant("acme", 2.5)))
    assert changed.after_digest == digest({**asdict(tenant("acme", 3.0)), "name": "Acme"})
    assert {row.tenant for row in audit(database_url, "other")} == {"other"}


def test_a_change_that_cannot_be_audited_is_not_made(database_url: str) -> None:
    do(database_url, two_tenants)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE audit ADD CONSTRAINT no_more CHECK (false) NOT VALID")
    sealer = Sealer(b"k" * 32)
    attempts: tuple[Step, ...] = (
        lambda c: revoke_key(c, "k1", CHANGE),
        lambda c: tenants.delete_tenant(c, "acme", CHANGE),
        lambda c: tenants.suspend_tenant(c, "acme", CHANGE),
        lambda c: create_key(c, key("k9"), b"9", CHANGE),
        lambda c: create_key(c, key("k9", "new"), b"9", CHANGE, makes_tenant=True),
        lambda c: rotate_key(c, "k1", lambda row: (replace(row, id="k9"), b"9"), CHANGE, overlap_s=0, scope=None),
        lambda c: tenants.delete_project(c, ("acme", "web"), CHANGE, scope=None),
        lambda c: set_credential(c, sealer, "openai", SECRET, CHANGE),
    )
    before = known(database_url)
    for attempt in attempts:
        with pytest.raises(psycopg.errors.CheckViolation):
            do(database_url, attempt)
    assert known(database_url) == before


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"])
def test_the_audit_takes_no_second_thoughts(database_url: str, statement: str) -> None:
    do(database_url, two_tenants)
    with (
        psycopg.connect(database_url, autocommit=True) as connection,
        pytest.raises(psycopg.Error, match="append-only"),
    ):
        connection.execute(statement.encode())
    assert len(audit(database_url)) == 6


def test_a_credential_rests_encrypted_and_is_followed(database_url: str, tmp_path: Path) -> None:
    sealer, clock = Sealer(b"k" * 32), FakeClock()
    credentials = LiveCredentials(sealer)
    changed = threading.Semaphore(0)

    def tell(now_known: Known) -> None:
        credentials.replace(now_known.credentials)
        changed.release()

    follower = KeyFollower(
        keys=LiveKeys(KeyRing((), HASHER), clock),
        hasher=HASHER,
        fixed=(),
        snapshot=tmp_path / "keys.json",
        connect=lambda: psycopg.connect(database_url, autocommit=True),
        refresh_s=60.0,
        heed=Heed(tell),
    )
    assert changed.acquire(timeout=1)
    follower.start()
    try:
        do(database_url, lambda c: set_credential(c, sealer, "openai", SECRET, CHANGE))
        assert changed.acquire(timeout=20)
        assert (credentials.get("openai"), credentials.get("anthropic")) == (SECRET, None)
        do(database_url, lambda c: set_credential(c, sealer, "openai", SECRET + "2", CHANGE))
        assert changed.acquire(timeout=20)
        assert credentials.get("openai") == SECRET + "2"
        do(database_url, lambda c: remove_credential(c, "openai", CHANGE))
        assert changed.acquire(timeout=20)
        assert credentials.get("openai") is None
    finally:
        follower.stop()
    with psycopg.connect(database_url) as connection:
        dumped = str(connection.execute("SELECT audit::text FROM audit").fetchall())
    assert SECRET not in dumped + (tmp_path / "keys.json").read_text()
    with pytest.raises(UnknownCredential):
        do(database_url, lambda c: remove_credential(c, "openai", CHANGE))


def test_credentials_are_sealed_anew_when_the_key_changes(database_url: str) -> None:
    old, lost = Sealer(b"o" * 32), Sealer(b"l" * 32)
    do(database_url, lambda c: set_credential(c, old, "openai", SECRET, CHANGE))
    do(database_url, lambda c: set_credential(c, lost, "gemini", SECRET, CHANGE))
    new = Sealer(b"n" * 32, (b"o" * 32,))
    with psycopg.connect(database_url, autocommit=True) as connection:
        assert reseal(connection, new, now=0.0) == 1
        assert reseal(connection, new, now=0.0) == 0
    sealed = {each.provider: each for each in known(database_url).credentials}
    assert Sealer(b"n" * 32).open(sealed["openai"]) == SECRET
    rows = do(database_url, list_credentials)
    assert [(row.provider, row.last_chars) for row in rows] == [("gemini", "ider"), ("openai", "ider")]
    assert audit(database_url)[0].action == "credential.resealed"
    live = LiveCredentials(new)
    live.replace(known(database_url).credentials)
    assert (live.get("openai"), live.get("gemini")) == (SECRET, None)
    assert "stored credential of `gemini` cannot be used" in live.problems()[0]


def test_a_sealed_credential_opens_for_its_own_provider_unchanged_and_under_its_key_only() -> None:
    sealer = Sealer(b"k" * 32)
    sealed = sealer.seal("openai", SECRET)
    assert SECRET not in repr(sealed)
    assert sealer.open(sealed) == SECRET
    assert sealer.seal("openai", SECRET).sealed != sealed.sealed
    flipped = bytes([sealed.sealed[0] ^ 1]) + sealed.sealed[1:]
    from dataclasses import replace as changed  # noqa: PLC0415 - msgspec's has the same name

    for bad in (changed(sealed, provider="evil"), changed(sealed, sealed=flipped), changed(sealed, nonce=b"0" * 12)):
        with pytest.raises(CannotOpen):
            sealer.open(bad)
    with pytest.raises(CannotOpen):
        Sealer(b"x" * 32).open(sealed)


def test_a_credential_that_cannot_be_opened_leaves_the_last_one_in_use() -> None:
    sealer = Sealer(b"k" * 32)
    live = LiveCredentials(sealer)
    live.replace((sealer.seal("openai", SECRET),))
    live.replace((Sealer(b"x" * 32).seal("openai", "new"),))
    assert live.get("openai") == SECRET
    assert live.problems()
    keyless = LiveCredentials(None)
    keyless.replace((sealer.seal("openai", SECRET),))
    assert keyless.get("openai") is None
    assert "`identity.credentials_key` is not configured" in keyless.problems()[0]


def test_little_is_shown_of_a_short_credential() -> None:
    assert last_chars("short") == ""
    assert last_chars(SECRET) == "ider"


def test_a_snapshot_gives_back_what_was_saved(database_url: str, tmp_path: Path) -> None:
    do(database_url, two_tenants)
    do(database_url, lambda c: set_credential(c, Sealer(b"k" * 32), "openai", SECRET, CHANGE))
    save_snapshot(tmp_path / "keys.json", known(database_url))
    assert load_snapshot(tmp_path / "keys.json") == known(database_url)
    assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]


def test_the_development_key_ends_with_its_tenant(database_url: str, tmp_path: Path) -> None:
    do(database_url, lambda c: tenants.create_tenant(c, tenant("default"), CHANGE))
    do(database_url, lambda c: tenants.suspend_tenant(c, "default", CHANGE))
    keys = LiveKeys(KeyRing((), HASHER), FakeClock())
    save_snapshot(tmp_path / "keys.json", known(database_url))
    dev = KeyEntry(HASHER.hash("dev"), Principal("default", "dev"))
    KeyFollower(
        keys=keys,
        hasher=HASHER,
        fixed=(dev,),
        snapshot=tmp_path / "keys.json",
        connect=lambda: None,
        refresh_s=60.0,
    )
    with pytest.raises(AuthError):
        keys.authenticate("Bearer dev")
