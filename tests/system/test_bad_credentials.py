"""Credentials that somebody made up, bent or doubled, over real sockets: none gets in, none is a fault of ours."""

import asyncio
import json  # noqa: TID251 - the application's side
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from typing import Any

import pytest
from tests.admission.mint import Signer, b64, hs256, signer
from tests.system.conftest import Installation, running
from tests.system.outside import Outside, admin, ask, call, new_key, serving, until_asked
from tests.system.rawhttp import Reply, exchange, request
from tests.system.records import facts, record, records, until

from penstock.core.clock import SystemClock

CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
PATHS = (CHAT, "/v1/responses", MESSAGES, "/v1/embeddings")
BODY = json.dumps({"model": "sim", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5, "input": "x"})
VARYING = {"date", "x-request-id", "request-id", "server"}


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    with serving() as made:
        yield made


@pytest.fixture(scope="module")
def up(outside: Outside, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("bad")
    with running(folder / "data", outside.config(), INNER_KEY="sk-inner") as made:
        for tenant in ("acme", "other"):
            assert admin(made, "POST", "/tenants", {"id": tenant})[0] == 201
        assert admin(made, "POST", "/tenants/other/projects", {"id": "web"})[0] == 201
        for issuer in ("corp", "fixed"):
            until_asked(made, outside.token(issuer), 200)
        yield made


def raw(port: int, path: str, *lines: bytes, body: bytes = BODY.encode()) -> Reply:
    """A request with header lines as they are, whatever they hold."""
    head = request(path, body, {})
    first, rest = head.split(b"\r\n", 1)
    return asyncio.run(exchange(port, b"\r\n".join([first, *lines, rest])))


def both_planes(up: Installation, *lines: bytes) -> dict[str, Reply]:
    """The same headers to every dialect, and to the admin API."""
    replies = {path: raw(up.port, path, *lines) for path in PATHS}
    return {**replies, "admin": raw(up.control_port, "/admin/v1/keys", *lines, body=b'{"tenant": "acme", "name": "x"}')}


def shown(reply: Reply) -> tuple[int, tuple[tuple[str, str], ...], str]:
    """What a caller can tell two answers apart by."""
    headers = tuple(sorted((name, value) for name, value in reply.headers.items() if name not in VARYING))
    body = json.loads(reply.body)
    body.pop("request_id", None)
    return reply.status, headers, json.dumps(body)


def with_header(token: str, key: Signer, **header: object) -> str:
    """The same claims with another header, signed anew."""
    claimed = token.split(".")[1]
    return key.sign(json.loads(urlsafe_b64decode(claimed + "=" * (-len(claimed) % 4))), **header)


def forgeries(outside: Outside) -> dict[str, str]:
    now = int(SystemClock().now())
    good, corp, stranger = outside.token(), signer("corp", "ES256"), signer("stranger", "ES256")
    head, claimed, signature = good.split(".")
    other = b64(json.dumps(outside.claims(org="other")).encode())
    none = b64(b'{"alg":"none","typ":"JWT"}')
    twice = b64(b'{"alg":"none","alg":"ES256","kid":"corp"}')
    at_home = {"jku": f"http://127.0.0.1:{outside.port}/stranger/keys", "jwk": stranger.jwk, "x5u": "http://x/y"}
    return {
        "another's signature": with_header(good, stranger, kid="corp"),
        "claims changed": f"{head}.{other}.{signature}",
        "no signature": f"{none}.{claimed}.",
        "no signature, with one": f"{none}.{claimed}.{signature}",
        "algorithm twice": f"{twice}.{claimed}.",
        "public key as a secret": hs256(outside.claims(), corp.public_pem(), kid="corp"),
        "key from the token": with_header(good, stranger, kid="corp", **at_home),
        "key's address from the token": with_header(good, stranger, **at_home),
        "critical extension": with_header(good, corp, crit=["b64"], b64=False),
        "another issuer's key": signer("fixed", "ES256").sign(outside.claims("corp"), kid="fixed"),
        "another issuer's key under our id": signer("fixed", "ES256").sign(outside.claims("corp"), kid="corp"),
        "expired": outside.token(exp=now - 3600),
        "not yet": outside.token(nbf=now + 3600),
        "made tomorrow": outside.token(iat=now + 86_400),
        "for another": outside.token(aud="another"),
        "for nobody": outside.token(aud=None),
        "by a stranger": outside.token(iss="https://evil.example.com"),
        "without an end": outside.token(exp=None),
        "too long": outside.token(pad="x" * 9_000),
        "far too long": "eyJ" + "x" * 50_000,
        "no token at all": "eyJ",
        "nested": "eyJ" + b64(b"[" * 4_000) + ".e30.aaaa",
        "line break in a claim": outside.token(sub="ada\r\nx-evil: 1"),
        "line break in the tenant": outside.token(org="acme\r\nx-evil: 1"),
        "separator in a claim": outside.token(sub="ada\u2028x-evil: 1"),
        "a NUL in a claim": outside.token(sub="ada\0"),
        "tenant of no one": outside.token(org="nobody"),
        "tenant in other letters": outside.token(org="ACME"),
        "tenant with a space": outside.token(org="acme "),
        "tenant with a path": outside.token(org="other/../acme"),
        "tenant as a list": outside.token(org=["acme"]),
        "tenant left out": outside.token(org=None),
        "project of another tenant": outside.token(project="web"),
    }


def test_no_forgery_gets_in_anywhere_and_all_are_told_the_same(up: Installation, outside: Outside) -> None:
    answers: dict[str, set[object]] = {}
    for name, token in forgeries(outside).items():
        for path, reply in both_planes(up, b"authorization: Bearer " + token.encode()).items():
            assert reply.status == 401, (name, path, reply)
            answers.setdefault(path, set()).add(shown(reply))
        assert call("GET", f"{up.url}/v1/models", token)[0] == 401, name
        assert asyncio.run(exchange(up.port, request(CHAT, BODY.encode(), {"x-api-key": token}))).status == 401, name
    assert {path: len(told) for path, told in answers.items()} == dict.fromkeys([*PATHS, "admin"], 1)


def test_a_token_reaches_its_own_tenant_whatever_else_it_and_its_request_say(
    up: Installation, outside: Outside
) -> None:
    spoofed = dict.fromkeys(
        ("x_tenant", "x_tenant_id", "x_penstock_tenant", "x_project", "x_organization", "openai_organization"), "other"
    )
    spoofed |= dict.fromkeys(("x_user", "x_end_user", "x_forwarded_user", "x_remote_user", "remote_user"), "eve")
    key, key_id = new_key(up)
    callers = ((outside.token("fixed", org="other", project="web", tenant="other"), "jwt:fixed"), (key, key_id))
    for credential, _ in callers:
        body = {"model": "inner", "messages": [{"role": "user", "content": "x"}], "user": "eve", "metadata": {"a": "b"}}
        assert call("POST", f"{up.url}{CHAT}", credential, body, **spoofed)[0] == 200
        sent = outside.seen[-1]
        assert "eve" not in sent.values()
        assert "other" not in sent.values()
        assert sent["authorization"] == "Bearer sk-inner"
    for credential, name in callers:
        user = None if credential is key else "ada"
        row = record(up, lambda row, name=name: (row["key"], row["model"]) == (name, "inner"))
        assert (row["tenant"], row["user"]) == ("acme", user)


def test_nothing_of_a_token_stands_in_a_header_or_begins_a_line_of_the_log(up: Installation, outside: Outside) -> None:
    odd = 'a"; x-evil: 1, {} \\r\\n x-evil: 1'
    token = outside.token("fixed", sub=odd)
    answer = raw(up.port, CHAT, b"authorization: Bearer " + token.encode(), body=BODY.replace("sim", "inner").encode())
    assert answer.status == 200
    assert "x-evil" not in json.dumps(answer.headers)
    assert "x-evil" not in json.dumps(outside.seen[-1])
    assert record(up, lambda row: row["user"] == odd)["tenant"] == "acme"
    assert not any(
        line.lstrip().startswith("x-evil") for line in (up.data_dir.parent / "up.log").read_text().split("\n")
    )


INJECTED = {
    "folded": (b"anthropic-beta: a\r\n x-evil: 1", None),
    "a bare carriage return": (b"anthropic-beta: a\rx-evil: 1", None),
    "a NUL": (b"anthropic-beta: a\0b", None),
    "in the body": (b"x-a: b", {"anthropic-beta": "a\r\nx-evil: 1"}),
    "in the body, no Latin-1": (b"x-a: b", {"anthropic-beta": "日本"}),
    "in the body, a version": (b"x-a: b", {"anthropic-version": "2023-06-01\nx-evil: 1"}),
}


@pytest.mark.parametrize("case", INJECTED.values(), ids=INJECTED.keys())
def test_a_header_that_goes_on_to_a_provider_cannot_bring_another(
    up: Installation, outside: Outside, case: tuple[bytes, dict[str, Any] | None]
) -> None:
    line, fields = case
    calls = len(outside.seen)
    body = json.dumps({**json.loads(BODY), "model": "claude", **(fields or {})})
    body = body.replace(', "input": "x"', "")
    reply = raw(up.port, MESSAGES, b"x-api-key: " + up.key.encode(), line, body=body.encode())
    assert reply.status == 400, reply
    assert len(outside.seen) == calls


BENT = {
    "high bytes": b"authorization: Bearer \xff\xfe\x80",
    "high bytes in a token": b"authorization: Bearer eyJ\xff.\xfe.\x80",
    "broken UTF-8": b"x-api-key: pk_live_\xc3\x28",
    "UTF-8": "x-api-key: pk_live_schlüssel".encode(),
    "only spaces": b"authorization: Bearer    ",
    "another scheme": b"authorization: Basic cGtfbGl2ZTp4",
    "no scheme": b"authorization: pk_live_x",
    "tabs": b"authorization: Bearer\tpk_live_x",
    "commas": b"authorization: Bearer a, Bearer b",
    "a long one": b"x-api-key: " + b"k" * 30_000,
    "dots": b"authorization: Bearer eyJ" + b"." * 5_000,
}


@pytest.mark.parametrize("line", BENT.values(), ids=BENT.keys())
def test_a_bent_credential_is_a_401_on_both_planes(up: Installation, line: bytes) -> None:
    for path, reply in both_planes(up, line).items():
        assert reply.status == 401, (path, reply)


def test_of_two_credentials_none_is_chosen(up: Installation, outside: Outside) -> None:
    good = {
        name: f"{name}: {scheme}{up.key}".encode() for name, scheme in (("authorization", "Bearer "), ("x-api-key", ""))
    }
    for name, line in good.items():
        assert raw(up.port, CHAT, line).status == 200
        for other in (b"Bearer nobody", outside.token().encode(), up.key.encode()):
            for lines in ((line, name.title().encode() + b": " + other), (name.encode() + b": " + other, line)):
                reply = raw(up.port, CHAT, *lines)
                assert (reply.status, json.loads(reply.body)["error"]["code"]) == (400, "malformed_request")
    owner = b"authorization: Bearer " + (up.data_dir / "admin-token").read_bytes().strip()
    assert raw(up.control_port, "/admin/v1/keys", owner, owner).status == 400
    assert raw(up.control_port, "/admin/v1/keys", b"authorization: Bearer x", owner).status == 400


def test_an_unknown_and_a_revoked_key_look_the_same_in_every_way(up: Installation) -> None:
    key, key_id = new_key(up, roles=["viewer"])
    assert admin(up, "DELETE", f"/keys/{key_id}")[0] == 204
    until_asked(up, key, 401)
    line = b"authorization: Bearer " + key.encode()
    until(lambda: {each.status for each in both_planes(up, line).values()} == {401}, "a plane has not heard of it")
    unknown = "pk_live_" + key[8:][::-1]
    for name, line in (("bearer", b"authorization: Bearer %b"), ("header", b"x-api-key: %b")):
        revoked, never = both_planes(up, line % key.encode()), both_planes(up, line % unknown.encode())
        assert {path: shown(reply) for path, reply in revoked.items()} == {
            path: shown(reply) for path, reply in never.items()
        }, name
        assert {reply.status for reply in revoked.values()} == {401}


def test_an_owner_of_one_tenant_reaches_nothing_of_another_by_any_spelling_of_its_path(up: Installation) -> None:
    _, theirs = new_key(up, "other")
    owner, _ = new_key(up, roles=["owner"])
    before = admin(up, "GET", "/keys?tenant=other")[1]
    assert admin(up, "POST", "/keys", {"tenant": "acme", "name": "x", "project": "web"}, owner)[0] == 404
    for method, path, body in (
        ("GET", "/tenants/acme/../other", None),
        ("GET", "/tenants/acme%2F..%2Fother", None),
        ("GET", "/tenants/acme%00other", None),
        ("GET", "/tenants/other%20", None),
        ("GET", "/tenants/acme/projects/../../other/projects", None),
        ("PATCH", "/tenants/acme/projects/web", {"name": "x"}),
        ("DELETE", "/tenants/acme/projects/web", None),
        ("DELETE", f"/keys/{theirs}", None),
        ("DELETE", f"/keys/{theirs.upper()}", None),
        ("DELETE", f"/keys/x%2F..%2F{theirs}", None),
        ("GET", "/keys?tenant=acme&tenant=other", None),
        ("GET", "/ledger?tenant=acme&tenant=other", None),
    ):
        status, said = admin(up, method, path, body, owner)
        assert status in {400, 404}, (method, path, status, said)
    assert admin(up, "GET", "/keys?tenant=other")[1] == before


def test_a_refused_credential_leaves_no_exchange_and_a_count_by_its_reason(up: Installation, outside: Outside) -> None:
    before = len(up.ledger())
    assert ask(up, outside.token(sub="ada\r\n"), "sim")[0] == 401
    reply = raw(up.port, CHAT, b"authorization: Bearer " + outside.token(aud="x").encode())
    assert reply.status == 401
    metrics = asyncio.run(exchange(up.port, request("/metrics", b"", {}, method="GET"))).body.decode()
    assert 'penstock_credentials_refused_total{reason="token_claims"}' in metrics
    assert 'penstock_credentials_refused_total{reason="token_audience"}' in metrics
    assert len(up.ledger()) == before


def test_after_all_this_it_serves(up: Installation, outside: Outside) -> None:
    assert ask(up, outside.token(), "sim")[0] == 200
    assert not any(facts(row, "credential_ended") for row in records(up))
    log = (up.data_dir.parent / "up.log").read_text()
    assert "unexpected_error" not in log
    assert "request failed" not in log
