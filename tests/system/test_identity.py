"""Who may ask, on a whole installation: lists of models, suspended tenants, tokens and stored credentials in force."""

import json  # noqa: TID251 - the application's and the issuer's side
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import urlopen

import pytest
from tests.admission.mint import key_set, signer
from tests.system.conftest import Installation, running
from tests.system.outside import admin, ask, call
from tests.system.records import PATIENCE_S, until

from penstock.core.clock import SystemClock

ANSWER = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "here"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
}


@dataclass
class Outside:
    """An issuer of tokens and a provider behind one port; `seen` are the credentials that the provider was sent."""

    seen: list[str | None] = field(default_factory=list[str | None])
    port: int = 0

    def serve(self) -> ThreadingHTTPServer:
        outside = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(key_set(signer("one")))

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                outside.seen.append(self.headers["authorization"])
                self._answer(json.dumps(ANSWER).encode())

            def _answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
                """Nothing: it is no test's business."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def config(self) -> str:
        return f"""
identity:
  credentials_key: env:CREDENTIALS_KEY
  issuers:
    corp:
      issuer: http://127.0.0.1:{self.port}
      jwks_url: http://127.0.0.1:{self.port}/keys
      audiences: [penstock]
      claims: {{tenant: org}}
      models: ["sim*"]
providers:
  inner: {{vendor: custom, dialect: openai-chat, base_url: "http://127.0.0.1:{self.port}/v1", api_key: env:INNER_KEY}}
models:
  inner: {{targets: [{{provider: inner, model: m}}]}}
"""

    def token(self, **changes: object) -> str:
        now = int(SystemClock().now())
        sound: dict[str, object] = {
            "iss": f"http://127.0.0.1:{self.port}",
            "aud": "penstock",
            "sub": "ada",
            "iat": now,
            "exp": now + 300,
            "org": "acme",
        }
        return signer("one").sign({**sound, **changes})


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    signer("one")  # made before the planes ask for it at once: each of two threads would make a key of its own
    made = Outside()
    server = made.serve()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def up(outside: Outside, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("identity")
    with running(folder / "data", outside.config(), CREDENTIALS_KEY="ab" * 32, INNER_KEY="sk-configured") as made:
        assert admin(made, "POST", "/tenants", {"id": "acme"})[0] == 201
        yield made


def models(up: Installation, key: str) -> list[str]:
    status, page = call("GET", f"{up.url}/v1/models", key)
    assert status == 200, page
    return [model["id"] for model in page["data"]]


def until_asked(up: Installation, credential: str, model: str = "sim", *, status: int = 200) -> None:
    """Wait until a call is answered so; what it was answered instead, and why, is in the error."""
    seen: list[object] = []

    def is_answered() -> bool:
        seen[:] = ask(up, credential, model)
        return seen[0] == status

    try:
        until(is_answered, "")
    except AssertionError:
        with urlopen(f"{up.url}/metrics", timeout=PATIENCE_S) as reply:  # noqa: S310 - our own plane
            refused = [line for line in reply.read().decode().splitlines() if "credentials_refused_total{" in line]
        raise AssertionError((seen, refused, (up.data_dir.parent / "up.log").read_text())) from None


def new_key(up: Installation, **wanted: object) -> str:
    status, made = admin(up, "POST", "/keys", {"tenant": "acme", "name": "app", **wanted})
    assert status == 201, made
    key: str = made["key"]
    until(lambda: call("GET", f"{up.url}/v1/models", key)[0] == 200, "the key is not taken")
    return key


def test_a_key_reaches_the_models_of_its_list_and_no_other(up: Installation, outside: Outside) -> None:
    key = new_key(up, models=["sim*"])
    called = len(outside.seen)
    assert ask(up, key, "sim")[0] == 200
    status, refusal = ask(up, key, "inner")
    assert (status, refusal["error"]["code"]) == (403, "forbidden")
    assert len(outside.seen) == called
    assert models(up, key) == ["sim"]
    assert call("GET", f"{up.url}/v1/models/inner", key)[0] == 404


def test_a_refusal_by_a_list_is_in_the_ledger_and_costs_nothing(up: Installation) -> None:
    key = new_key(up, models=[])
    assert ask(up, key, "sim")[0] == 403

    def refused() -> bool:
        return any(row["outcome_code"] == "forbidden" and row["cost_nanousd"] == 0 for row in up.ledger())

    until(refused, "no record of the refusal")


def test_a_suspended_tenant_is_out_at_once_and_back_when_resumed(up: Installation, outside: Outside) -> None:
    key = new_key(up)
    assert ask(up, key, "sim")[0] == 200
    assert admin(up, "POST", "/tenants/acme/suspend")[0] == 200
    until_asked(up, key, status=401)
    assert ask(up, outside.token(), "sim")[0] == 401
    assert admin(up, "POST", "/tenants/acme/resume")[0] == 200
    until_asked(up, key)


def test_a_token_of_a_trusted_issuer_is_let_in_within_its_list(up: Installation, outside: Outside) -> None:
    until_asked(up, outside.token())
    assert ask(up, outside.token(), "inner")[0] == 403


def test_no_bad_token_gets_in_and_all_are_told_the_same(up: Installation, outside: Outside) -> None:
    until_asked(up, outside.token())
    now = int(SystemClock().now())
    good = outside.token()
    bad = {
        "expired": outside.token(exp=now - 3600),
        "audience": outside.token(aud="another"),
        "issuer": outside.token(iss="http://127.0.0.1:1"),
        "tenant": outside.token(org="nobody"),
        "signature": good[:-6] + ("AAAAAA" if good[-6:] != "AAAAAA" else "BBBBBB"),
        "key": "pk_live_" + "0" * 49,
    }
    answers = {name: ask(up, token, "sim") for name, token in bad.items()}
    assert {name: status for name, (status, _) in answers.items()} == dict.fromkeys(bad, 401)
    for _, said in answers.values():
        said["error"].pop("request_id", None)
    assert len({json.dumps(said, sort_keys=True) for _, said in answers.values()}) == 1


def test_a_stored_credential_takes_the_place_of_the_configured_one_without_a_restart(
    up: Installation, outside: Outside
) -> None:
    key = new_key(up)
    assert ask(up, key, "inner")[0] == 200
    assert outside.seen[-1] == "Bearer sk-configured"

    def sends(credential: str) -> bool:
        return ask(up, key, "inner")[0] == 200 and outside.seen[-1] == f"Bearer {credential}"

    for credential in ("sk-stored-0123456789", "sk-rotated-0123456789"):
        status, shown = admin(up, "PUT", "/credentials/inner", {"credential": credential})
        assert status == 200
        assert credential not in json.dumps(shown)
        until(lambda credential=credential: sends(credential), "the stored credential is not used")
    assert admin(up, "DELETE", "/credentials/inner")[0] in {200, 204}
    until(lambda: sends("sk-configured"), "the configured credential is not used again")
    log = (up.data_dir.parent / "up.log").read_text()
    assert "sk-stored" not in log
    assert "sk-rotated" not in log


def test_refused_credentials_are_counted_by_their_reason(up: Installation) -> None:
    assert ask(up, "pk_live_" + "0" * 49, "sim")[0] == 401
    with urlopen(f"{up.url}/metrics", timeout=PATIENCE_S) as reply:  # noqa: S310 - our own plane
        text = reply.read().decode()
    assert 'penstock_credentials_refused_total{reason="key"}' in text


def test_changes_are_audited_with_who_and_what(up: Installation) -> None:
    new_key(up)
    status, page = admin(up, "GET", "/audit")
    assert status == 200
    assert any(entry["action"] == "key.created" for entry in page["items"]), page["items"][:3]
