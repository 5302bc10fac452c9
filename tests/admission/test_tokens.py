"""Tokens: a good one says who calls; none that is forged, expired, mistaken or malformed gets in."""

import threading

import msgspec
import pytest
from jwt.algorithms import get_default_algorithms
from tests.admission.mint import NOW, SETTINGS, TENANTS, b64, claims, hs256, key_set, live_tokens, signer

from penstock.admission.identity import tokens as module
from penstock.admission.identity.authenticator import Authenticator
from penstock.admission.identity.known import TenantEntry
from penstock.admission.identity.signing_keys import BadKeySet, read_key_set
from penstock.admission.identity.tokens import LiveTokens
from penstock.admission.keys import KeyHasher, KeyRing, LiveKeys
from penstock.config.identity import Claims
from penstock.core.errors import AuthError, IssuerUnavailable
from penstock.core.exchange import Principal
from penstock.core.json import dumps, loads
from penstock.testing.clock import FakeClock

RSA = signer("one")
EC = signer("two", "ES256")
STRANGER = signer("one-of-a-stranger")


class MovedClock(FakeClock):
    """Somebody sets the machine's clock."""

    moved_s = 0.0

    def now(self) -> float:
        return super().now() + self.moved_s


def refused(tokens: LiveTokens, token: str) -> str:
    """The reason, which the caller never sees; what it sees is always the same."""
    with pytest.raises(AuthError) as caught:
        tokens.verify(token)
    assert (caught.value.public, caught.value.status) == ("This API key or token is not valid.", 401)
    assert token not in str(caught.value)
    return caught.value.detail or ""


def forged(token: str, header: dict[str, object] | None = None, body: dict[str, object] | None = None) -> str:
    """The token with another header or body and its own signature."""
    head, claimed, signature = token.split(".")
    return ".".join(
        (head if header is None else b64(dumps(header)), claimed if body is None else b64(dumps(body)), signature)
    )


def test_a_good_token_says_who_calls() -> None:
    tokens = live_tokens(RSA)
    token = RSA.sign(
        claims(
            org={"id": "acme", "project": "web"},
            realm={"roles": ["llm-users", "owner", "llm-users"]},
            groups=["legal", "berlin"],
        )
    )
    expected = Principal(
        tenant="acme",
        key="jwt:corp",
        user="ada",
        roles=("developer",),
        groups=("legal", "berlin"),
        project="web",
        weight=2.0,
    )
    assert tokens.verify(token) == expected
    assert tokens.verify(token) is tokens.verify(token)


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "ES384", "EdDSA"])
def test_each_asymmetric_algorithm_is_checked(alg: str) -> None:
    own = signer(f"key-{alg}", alg)
    token = own.sign(claims())
    assert live_tokens(own).verify(token).tenant == "acme"
    assert refused(live_tokens(own), forged(token, body=claims(sub="eve"))) == "token_signature"
    assert refused(live_tokens(signer(f"other-{alg}", alg)), token) == "token_key_unknown"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": NOW - 31}, "token_expired"),
        ({"exp": None}, "token_claims"),
        ({"exp": "soon"}, "token_claims"),
        ({"exp": True}, "token_claims"),
        ({"exp": 1e300}, "token_claims"),
        ({"nbf": NOW + 31}, "token_not_yet"),
        ({"nbf": "x"}, "token_claims"),
        ({"iat": NOW + 31}, "token_not_yet"),
        ({"aud": "another-service"}, "token_audience"),
        ({"aud": ["a", "b"]}, "token_audience"),
        ({"aud": None}, "token_audience"),
        ({"aud": {"penstock": 1}}, "token_audience"),
        ({"iss": "https://evil.example.com"}, "token_issuer"),
        ({"iss": None}, "token_issuer"),
        ({"iss": ["https://login.example.com"]}, "token_issuer"),
        ({"iss": "https://login.example.com/"}, "token_issuer"),
        ({"org": {"id": "nobody"}}, "token_tenant"),
        ({"org": {"id": "gone"}}, "token_tenant"),
        ({"org": {"id": ["acme"]}}, "token_claims"),
        ({"org": None}, "token_tenant"),
        ({"org": {"id": "acme", "project": "of-another"}}, "token_project"),
        ({"sub": "ada\r\nx-admin: 1"}, "token_claims"),
        ({"sub": "a" * 257}, "token_claims"),
        ({"sub": {"a": 1}}, "token_claims"),
        ({"groups": ["a\n"]}, "token_claims"),
        ({"groups": [["a"]]}, "token_claims"),
        ({"groups": ["g"] * 257}, "token_claims"),
        ({"groups": 3}, "token_claims"),
    ],
)
def test_claims_that_are_not_for_us_or_not_for_now_are_refused(changes: dict[str, object], reason: str) -> None:
    assert refused(live_tokens(RSA), RSA.sign(claims(**changes))) == reason


@pytest.mark.parametrize(
    "changes", [{"exp": NOW - 29}, {"nbf": NOW + 29}, {"iat": NOW + 29}, {"aud": ["x", "penstock"]}]
)
def test_a_clock_that_is_a_little_off_does_no_harm(changes: dict[str, object]) -> None:
    assert live_tokens(RSA).verify(RSA.sign(claims(**changes))).tenant == "acme"


def test_a_remembered_token_ends_with_its_time_whichever_way_the_clock_moves() -> None:
    clock = MovedClock()
    tokens = live_tokens(RSA, clock=clock)
    token = RSA.sign(claims(nbf=NOW))
    assert tokens.verify(token)
    clock.advance(329)
    assert tokens.verify(token)
    clock.advance(1)
    assert refused(tokens, token) == "token_expired"
    clock.moved_s = -3600.0
    assert refused(tokens, token) == "token_not_yet"


def test_no_signature_and_a_shared_secret_are_no_proof() -> None:
    tokens = live_tokens(RSA, EC)
    good = RSA.sign(claims())
    for alg in ("none", "None", "NONE", "nOnE", "", "HS256", "HS512", "RS1", "RS512", "ES512"):
        for tail in (good.rpartition(".")[2], ""):
            header: dict[str, object] = {"alg": alg, "kid": "one"}
            assert refused(tokens, f"{b64(dumps(header))}.{b64(dumps(claims()))}.{tail}") == "token_algorithm"
    for secret in (RSA.public_pem(), RSA.public_pem().strip(), dumps(RSA.jwk), b"", b"one"):
        assert refused(tokens, hs256(claims(), secret, kid="one")) == "token_algorithm"
        assert refused(tokens, hs256(claims(), secret)) == "token_algorithm"


def test_a_key_is_used_for_its_own_algorithms_only() -> None:
    tokens = live_tokens(RSA, EC)
    assert refused(tokens, RSA.sign(claims(), kid="two")) == "token_algorithm"
    assert refused(tokens, EC.sign(claims(), kid="one")) == "token_algorithm"
    assert refused(tokens, forged(RSA.sign(claims()), header={"alg": "PS256", "kid": "one"})) == "token_algorithm"


@pytest.mark.parametrize("alg", ["RS512", "PS256"])
def test_an_algorithm_that_the_configuration_does_not_name_is_refused_though_the_key_could(alg: str) -> None:
    able = signer(f"able-{alg}", alg)
    jwk = {name: value for name, value in able.jwk.items() if name != "alg"}
    for allowed, is_good in ((("RS256", alg), True), (("RS256",), False)):
        tokens = live_tokens(algorithms=allowed)
        tokens.replace_keys("corp", read_key_set(dumps({"keys": [jwk]})), confirmed_at=NOW)
        if is_good:
            assert tokens.verify(able.sign(claims())).tenant == "acme"
        else:
            assert refused(tokens, able.sign(claims())) == "token_algorithm"


def test_a_forged_token_is_refused_wherever_it_was_changed() -> None:
    tokens = live_tokens(RSA)
    good = RSA.sign(claims())
    assert refused(tokens, forged(good, body=claims(org={"id": "other"}))) == "token_signature"
    assert refused(tokens, forged(good, header={"alg": "RS256", "kid": "one", "x": 1})) == "token_signature"
    assert refused(tokens, STRANGER.sign(claims(), kid="one")) == "token_signature"
    own_key = STRANGER.sign(
        claims(), kid="one", jwk=STRANGER.jwk, jku="https://evil.example.com/keys", x5u="https://e.x"
    )
    assert refused(tokens, own_key) == "token_signature"
    head, body, signature = good.split(".")
    for place in range(0, len(signature) - 1, 7):
        other = "A" if signature[place] != "A" else "B"
        assert refused(tokens, f"{head}.{body}.{signature[:place]}{other}{signature[place + 1 :]}")


def test_a_token_that_names_no_key_is_checked_only_where_there_is_no_choice() -> None:
    assert live_tokens(RSA, EC).verify(RSA.sign(claims(), kid=None)).tenant == "acme"
    two = live_tokens(RSA, STRANGER)
    assert refused(two, RSA.sign(claims(), kid=None)) == "token_algorithm"


@pytest.mark.parametrize(
    "token",
    [
        "eyJ",
        "eyJ.eyJ.eyJ",
        "eyJhbGciOiJSUzI1NiJ9",
        "eyJhbGciOiJSUzI1NiJ9.e30",
        "eyJhbGciOiJSUzI1NiJ9.e30.",
        "eyJhbGciOiJSUzI1NiJ9.e30.a.b.c",
        "eyJhbGciOiJSUzI1NiJ9.bm9wZQ.aaaa",
        "eyJhbGciOiJSUzI1NiJ9.W10.aaaa",
        "eyJhbGciOjF9.e30.aaaa",
        "eyJ\u00e4.e30.aaaa",
        "eyJhbGciOiJSUzI1NiJ9\r\nx: y.e30.aaaa",
        "eyJhbGciOiJSUzI1NiJ9=.e30.aaaa",
        "eyJ" + b64(b"[" * 5000) + ".e30.aaaa",
    ],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    assert refused(live_tokens(RSA), token) in {"token_malformed", "token_issuer"}


def test_an_oversized_token_is_refused_before_anything_is_read() -> None:
    token = RSA.sign(claims(pad="x" * 8192))
    assert refused(live_tokens(RSA), token) == "token_too_long"
    assert refused(live_tokens(RSA), "x" * 8193) == "token_too_long"
    assert refused(live_tokens(RSA), "x" * 8192) == "token_malformed"


def test_a_claim_or_header_that_is_said_twice_counts_as_the_last_and_only_under_a_good_signature() -> None:
    """RFC 7519, 4: either refuse or take the last.  What matters: the same reading is signed, checked and used."""
    tokens = live_tokens(RSA)

    def twice(head: bytes, tail: bytes) -> str:
        text = f"{b64(head)}.{b64(dumps(claims())[:-1] + tail)}"
        signature = get_default_algorithms()["RS256"].sign(text.encode("ascii"), RSA.private)
        return f"{text}.{b64(signature)}"

    head = b'{"alg":"RS256","kid":"one"}'
    assert tokens.verify(twice(head, b',"sub":"eve"}')).user == "eve"
    assert refused(tokens, twice(head, b',"org":{"id":"nobody"}}')) == "token_tenant"
    assert refused(tokens, twice(head, b',"exp":1}')) == "token_expired"
    assert refused(tokens, twice(b'{"alg":"RS256","kid":"one","alg":"none"}', b"}")) == "token_algorithm"
    unsigned = forged(twice(head, b"}"), header={"alg": "RS256", "kid": "two"})
    assert refused(tokens, unsigned) == "token_key_unknown"


def test_an_issuer_is_trusted_for_its_own_tokens_only() -> None:
    other = msgspec.structs.replace(SETTINGS, issuer="https://other.example.com", tenant="acme")
    other = msgspec.structs.replace(other, claims=msgspec.structs.replace(SETTINGS.claims, tenant=None))
    tokens = LiveTokens({"corp": SETTINGS, "other": other}, FakeClock(), lambda _: False)
    tokens.replace_tenants({**TENANTS, "rich": TenantEntry("rich", is_active=True)})
    tokens.replace_keys("corp", read_key_set(key_set(RSA)), confirmed_at=NOW)
    tokens.replace_keys("other", read_key_set(key_set(EC)), confirmed_at=NOW)
    theirs = claims(iss="https://other.example.com", org={"id": "rich"})
    assert tokens.verify(EC.sign(theirs)).tenant == "acme", "the one that it speaks for, whatever it says"
    assert refused(tokens, EC.sign(claims(org={"id": "rich"}))) == "token_key_unknown"
    assert refused(tokens, EC.sign(claims(), kid="one")) == "token_algorithm"
    assert refused(tokens, EC.sign(claims(), kid=None)) == "token_algorithm"
    assert refused(tokens, RSA.sign(theirs)) == "token_key_unknown"


def test_critical_extensions_are_refused_since_we_know_none() -> None:
    assert refused(live_tokens(RSA), RSA.sign(claims(), crit=["b64"], b64=False)) == "token_algorithm"


def test_an_unknown_key_is_a_matter_of_time_while_new_keys_are_fetched_and_a_refusal_after() -> None:
    asked: list[str] = []

    def want(name: str) -> bool:
        asked.append(name)
        return True

    fetching = live_tokens(RSA, want=want)
    new = signer("rotated")
    with pytest.raises(IssuerUnavailable) as caught:
        fetching.verify(new.sign(claims()))
    assert (caught.value.status, caught.value.retry_after_s, asked) == (503, 1.0, ["corp"])
    assert refused(live_tokens(RSA), new.sign(claims())) == "token_key_unknown"
    fetching.replace_keys("corp", read_key_set(key_set(RSA, new)), confirmed_at=NOW)
    assert fetching.verify(new.sign(claims())).tenant == "acme"


def test_a_key_that_the_issuer_took_back_ends_what_it_signed_at_once() -> None:
    tokens = live_tokens(RSA)
    token = RSA.sign(claims())
    assert tokens.verify(token)
    tokens.replace_keys("corp", read_key_set(key_set(EC)), confirmed_at=NOW)
    assert refused(tokens, token) == "token_key_unknown"


def test_without_keys_or_with_keys_too_old_nobody_can_say_and_everyone_is_told_so() -> None:
    token = RSA.sign(claims(exp=NOW + 200_000))
    with pytest.raises(IssuerUnavailable):
        live_tokens().verify(token)
    clock = FakeClock()
    tokens = live_tokens(RSA, clock=clock)
    assert tokens.verify(token)
    clock.advance(86_399)
    assert tokens.verify(token)
    clock.advance(1)
    with pytest.raises(IssuerUnavailable):
        tokens.verify(token)
    tokens.confirm_keys("corp", at=clock.now())
    assert tokens.verify(token)


def test_a_tenant_that_is_stopped_is_refused_from_the_next_request_on() -> None:
    tokens = live_tokens(RSA)
    token = RSA.sign(claims())
    assert tokens.verify(token)
    assert tokens.is_tenant_active("acme")
    tokens.replace_tenants({"acme": TenantEntry("acme", is_active=False)})
    assert refused(tokens, token) == "token_tenant"
    assert not tokens.is_tenant_active("acme")


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_REMEMBERED", 3)
    tokens = live_tokens(EC)
    for number in range(10):
        assert tokens.verify(EC.sign(claims(sub=f"user-{number}"))).user == f"user-{number}"
        assert len(tokens._state.remembered) <= 3  # pyright: ignore[reportPrivateUsage] - memory is not seen outside


def test_verdicts_survive_changes_from_another_thread() -> None:
    tokens = live_tokens(EC)
    token = EC.sign(claims())
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            tokens.replace_tenants({**TENANTS, "more": TenantEntry("more", is_active=True)})
            tokens.replace_tenants(TENANTS)
            tokens.replace_keys("corp", read_key_set(key_set(EC)), confirmed_at=NOW)

    thread = threading.Thread(target=churn)
    thread.start()
    for _ in range(2_000):
        assert tokens.verify(token).tenant == "acme"
    stop.set()
    thread.join()


def test_a_claim_whose_name_has_dots_is_found() -> None:
    tokens = live_tokens(EC, claims=Claims(tenant="https://example.com/tenant", groups="a.b.c"))
    token = EC.sign(claims(**{"https://example.com/tenant": "acme", "a": {"b.c": "x y"}}))
    assert tokens.verify(token).groups == ("x", "y")


def test_the_models_claim_is_an_allow_list_and_its_absence_is_an_empty_one() -> None:
    tokens = live_tokens(EC, claims=Claims(tenant="org.id", models="models"))
    assert tokens.verify(EC.sign(claims(models=["gpt-*"]))).models == ("gpt-*",)
    assert tokens.verify(EC.sign(claims())).models == ()


def test_keys_that_must_not_be_trusted_are_left_out() -> None:
    secret = {"kty": "oct", "kid": "one", "k": b64(RSA.public_pem()), "alg": "HS256"}
    small = signer("small", "RS256", 1024).jwk
    encrypting = {**RSA.jwk, "kid": "enc", "use": "enc"}
    leaked = loads(get_default_algorithms()["RS256"].to_jwk(RSA.private))
    assert isinstance(leaked, dict)
    assert "d" in leaked
    broken = {"kty": "EC", "kid": "broken", "crv": "P-256", "x": "AA", "y": "AA"}
    other = {"kty": "EC", "kid": "k1", "crv": "secp256k1", "x": "AA", "y": "AA"}
    confused = {**EC.jwk, "kid": "confused", "alg": "ES512"}
    for bad in (secret, small, encrypting, leaked, broken, other, confused, 5, "x"):
        with pytest.raises(BadKeySet):
            read_key_set(dumps({"keys": [bad]}))
    assert len(read_key_set(dumps({"keys": [secret, small, RSA.jwk, 5]}))) == 1
    for bad_set in (b"", b"{}", b"[]", b'{"keys": 1}', b"<html>", b"[" * 100_000, key_set(*[RSA] * 101)):
        with pytest.raises(BadKeySet):
            read_key_set(bad_set)


def test_every_bad_credential_gets_the_same_answer_and_is_counted_by_its_reason() -> None:
    hasher = KeyHasher(b"s" * 32)
    keys = LiveKeys(KeyRing((), hasher), FakeClock())
    both = Authenticator(keys, live_tokens(RSA))
    only_keys = Authenticator(keys)
    answers: set[tuple[str, int]] = set()
    for authenticator, credential in (
        (both, "pk_live_x"),
        (both, RSA.sign(claims(exp=NOW - 100))),
        (both, STRANGER.sign(claims(), kid="one")),
        (only_keys, RSA.sign(claims())),
    ):
        with pytest.raises(AuthError) as caught:
            authenticator.authenticate(f"Bearer {credential}")
        answers.add((caught.value.public, caught.value.status))
    assert len(answers) == 1
    assert both.refusals == {"key": 1, "token_expired": 1, "token_signature": 1}
    assert only_keys.refusals == {"token_not_expected": 1}
    assert both.authenticate(None, RSA.sign(claims())).key == "jwt:corp"
