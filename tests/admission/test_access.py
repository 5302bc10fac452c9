"""Allow-lists, roles, and the stage that holds a caller to its list."""

import asyncio
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.admission.identity.access import covers, is_allowed, visible
from penstock.admission.identity.roles import ALL, INSTALLATION_WIDE, PERMISSIONS, ROLES, actor_of, granted
from penstock.admission.identity.stage import IdentityStage, note_ended
from penstock.config.identity import Role
from penstock.core.chat import ChatRequest
from penstock.core.errors import Forbidden
from penstock.core.exchange import Exchange, Principal
from penstock.core.facts import ClockMoved, CredentialEnded, IssuerKeysStale
from penstock.core.ids import ExchangeId
from penstock.testing.clock import FakeClock

NAMES = st.lists(st.text("ab/", max_size=4).flatmap(lambda n: st.sampled_from([n, n + "*"])), max_size=4)


def exchange(principal: Principal, model: str = "gpt-4o") -> Exchange:
    return Exchange(
        id=ExchangeId("ex_1"),
        principal=principal,
        request=ChatRequest(dialect="openai-chat", model=model, messages=()),
        dialect="openai-chat",
        started_at=0.0,
        began_s=990.0,
        deadline_s=1_060.0,
        gone_policy="abort",
    )


@pytest.mark.parametrize(
    ("patterns", "model", "expected"),
    [
        (None, "anything", True),
        ((), "anything", False),
        (("gpt-4o",), "gpt-4o", True),
        (("gpt-4o",), "gpt-4o-mini", False),
        (("gpt-*",), "gpt-4o-mini", True),
        (("gpt-*",), "openai/gpt-4o", False),
        (("gpt-*",), "GPT-4o", False),
        (("*",), "anything", True),
        (("",), "", True),
        (("g*t",), "gpt", False),
    ],
)
def test_a_list_lets_pass_what_it_names(patterns: tuple[str, ...] | None, model: str, *, expected: bool) -> None:
    assert is_allowed(patterns, model) is expected


@settings(deadline=None, max_examples=300)
@given(wide=NAMES, narrow=NAMES, model=st.text("ab/", max_size=5))
def test_what_a_covered_list_lets_pass_the_covering_one_does_too(
    wide: list[str], narrow: list[str], model: str
) -> None:
    if covers(wide, narrow) and is_allowed(narrow, model):
        assert is_allowed(wide, model)
    assert covers(None, narrow)
    assert not covers(wide, None)


def test_a_list_of_models_shows_only_those_that_may_be_asked() -> None:
    caller = Principal("acme", "key_1", models=("gpt-*", "house"))
    assert visible(caller, ["gpt-4o", "claude", "house"]) == ("gpt-4o", "house")


def test_the_stage_refuses_a_model_off_the_list_before_any_work() -> None:
    stage = IdentityStage(FakeClock(), lambda _: None)
    for models, model in (((), "gpt-4o"), (("gpt-4o",), "openai/gpt-4o"), (("a",), "b" * 5000)):
        refused = exchange(Principal("acme", "key_1", models=models), model)
        with pytest.raises(Forbidden) as caught:
            asyncio.run(stage.enter(refused))
        assert (caught.value.status, caught.value.field) == (403, "model")
        assert len(caught.value.public) < 200
        assert (refused.leases, refused.facts) == ([], [])
    asyncio.run(stage.enter(exchange(Principal("acme", "key_1", models=("gpt-*",)))))
    asyncio.run(stage.enter(exchange(Principal("acme", "key_1"))))


def test_an_exchange_let_in_by_stale_keys_says_so() -> None:
    stage = IdentityStage(FakeClock(), {"corp": 700.0}.get)
    stale, fine = exchange(Principal("acme", "jwt:corp")), exchange(Principal("acme", "jwt:other"))
    for each in (stale, fine):
        asyncio.run(stage.enter(each))
    assert stale.facts == [IssuerKeysStale(at_s=10.0, issuer="corp", age_s=700.0)]
    assert fine.facts == []


class SetClock(FakeClock):
    """One that somebody sets."""

    set_s = 0.0

    def now(self) -> float:
        return super().now() + self.set_s


def test_the_first_exchange_after_the_clock_was_set_says_by_how_much() -> None:
    clock = SetClock()
    stage = IdentityStage(clock, lambda _: None)

    def moved() -> list[object]:
        entered = exchange(Principal("acme", "key_1"))
        asyncio.run(stage.enter(entered))
        return [fact.by_s for fact in entered.facts if isinstance(fact, ClockMoved)]

    assert moved() == []
    clock.advance(86_400)
    assert moved() == []
    clock.set_s = 3_600.0
    assert moved() == [pytest.approx(3_600.0)]
    assert moved() == []
    clock.set_s = -3_600.0
    assert moved() == [pytest.approx(-7_200.0)]
    for _ in range(100):
        clock.set_s += 0.5
        assert moved() == [], "small corrections are no news, however many"


def test_a_credential_that_ends_meanwhile_is_noted_once() -> None:
    ended, other = exchange(Principal("acme", "key_1")), exchange(Principal("acme", "key_2"))
    for _ in range(2):
        note_ended([ended, other], lambda principal: principal.key == "key_2", FakeClock())
    assert ended.facts == [CredentialEnded(at_s=10.0, key="key_1")]
    assert other.facts == []


def test_every_role_is_in_the_table_and_none_reaches_beyond_its_tenant() -> None:
    assert set(PERMISSIONS) == set(ROLES) == set(get_args(Role))
    assert PERMISSIONS["owner"] == ALL
    for role in ROLES:
        within = actor_of(Principal("acme", "key_1", roles=(role,)))
        assert within.tenant == "acme"
        assert not within.permissions & INSTALLATION_WIDE
        across = actor_of(Principal("ops", "jwt:corp", user="ada", roles=(role,), spans_tenants=True))
        assert (across.tenant, across.id) == (None, "jwt:corp/ada")
        assert across.permissions == PERMISSIONS[role]


def test_no_role_and_an_unknown_one_allow_nothing() -> None:
    assert granted((), spans_tenants=True) == frozenset()
    assert granted(("root", "OWNER", ""), spans_tenants=True) == frozenset()


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("admin", {"keys.write", "projects.write", "audit.read"}, {"credentials.write", "tenants.write"}),
        ("developer", {"keys.write", "ledger.read"}, {"audit.read", "projects.write"}),
        ("reviewer", {"ledger.read"}, {"keys.read", "keys.write"}),
        ("auditor", {"audit.read", "ledger.read"}, {"keys.write", "projects.write"}),
        ("viewer", {"models.read"}, {"ledger.read", "keys.read"}),
    ],
)
def test_a_role_within_a_tenant_may_what_it_is_for(role: Role, may: set[str], may_not: set[str]) -> None:
    permissions = actor_of(Principal("acme", "key_1", roles=(role,))).permissions
    assert may <= permissions
    assert not may_not & permissions


def test_nobody_grants_more_than_they_have() -> None:
    developer = actor_of(Principal("acme", "key_1", roles=("developer",)))
    assert developer.may_grant(("developer", "viewer"))
    assert developer.may_grant(())
    assert not developer.may_grant(("admin",))
    assert not developer.may_grant(("viewer", "auditor"))
