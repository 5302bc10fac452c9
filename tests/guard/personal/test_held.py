"""What tokens of a held answer stand for: sealed with the hold, for what the asker may see, and for nobody else."""

from base64 import b64decode

from penstock.core.chat import ChatRequest
from penstock.core.exchange import Exchange, Principal
from penstock.core.ids import ExchangeId
from penstock.guard.personal.tokens import Tokens
from penstock.guard.personal.vault.held import HeldValues
from penstock.guard.personal.vault.sealing import Sealer
from penstock.guard.stage import Guarded, Guards

HELD = HeldValues(Sealer(b"k" * 32))
TEXT = "Write to <EMAIL_ADDRESS_1>, pay <IBAN_CODE_1>, not <EMAIL_ADDRESS_9>."


def anybody(exchange: Exchange, kind: str) -> bool:
    del exchange, kind
    return True


def exchange(may: bool = True) -> Exchange:  # noqa: FBT001, FBT002 - whether IBANs come back
    tokens = Tokens()
    tokens.token("EMAIL_ADDRESS", "ann@example.com")
    tokens.token("IBAN_CODE", "DE89 3704")
    guards = Guards(may_restore=lambda _, kind: may or kind != "IBAN_CODE")
    return Exchange(
        id=ExchangeId("ex_1"),
        principal=Principal(tenant="acme", key="k"),
        request=ChatRequest(dialect="openai-chat", model="m", messages=()),
        dialect="openai-chat",
        started_at=0.0,
        began_s=0.0,
        deadline_s=1.0,
        gone_policy="abort",
        leases=[Guarded(guards, tokens)],
    )


def test_the_asker_sees_values_again() -> None:
    sealed = HELD.seal(exchange(), "hold_1")
    assert sealed is not None
    assert b"example" not in b64decode(sealed)
    shown = "Write to ann@example.com, pay DE89 3704, not <EMAIL_ADDRESS_9>."
    assert HELD.restored("acme", "hold_1", sealed, TEXT) == shown


def test_only_those_that_it_may_see() -> None:
    sealed = HELD.seal(exchange(may=False), "hold_1")
    assert "pay <IBAN_CODE_1>," in HELD.restored("acme", "hold_1", sealed, TEXT)


def test_it_opens_for_its_own_hold_tenant_and_key_alone() -> None:
    sealed = HELD.seal(exchange(), "hold_1")
    for held, tenant, hold in (
        (HELD, "acme", "hold_2"),
        (HELD, "umbra", "hold_1"),
        (HeldValues(Sealer(b"x" * 32)), "acme", "hold_1"),
    ):
        assert held.restored(tenant, hold, sealed, TEXT) == TEXT
    assert HELD.restored("acme", "hold_1", "nonsense", TEXT) == TEXT
    assert HELD.restored("acme", "hold_1", None, TEXT) == TEXT


def test_where_nothing_was_masked_nothing_is_sealed() -> None:
    bare = exchange()
    bare.leases = [Guarded(Guards(may_restore=anybody))]
    assert HELD.seal(bare, "hold_1") is None
