"""Issuers of tokens and a provider, behind one port of the test's own, and Penstock configured to trust them."""

import json  # noqa: TID251 - the issuers' and the provider's side
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.admission.mint import key_set, signer
from tests.system.conftest import Installation
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

_BODY = b'{"model": "sim", "messages": [{"role": "user", "content": "Hello"}]}'


@dataclass
class Outside:
    """`corp` names the tenant in a claim, `fixed` speaks for one tenant alone.  `is_down`: no issuer answers.

    `seen` are the headers of each call that the provider got, by name in lower case.
    """

    port: int = 0
    is_down: bool = False
    seen: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    def config(self, *, refresh_s: float = 300.0, max_age_s: float = 86_400.0) -> str:
        url = f"http://127.0.0.1:{self.port}"
        rest = f"audiences: [penstock], refresh_s: {refresh_s}, max_age_s: {max_age_s}"
        return f"""
identity:
  issuers:
    corp: {{issuer: "{url}/corp", jwks_url: "{url}/corp/keys", {rest}, claims: {{tenant: org, project: project}}}}
    fixed: {{issuer: "{url}/fixed", jwks_url: "{url}/fixed/keys", {rest}, tenant: acme}}
providers:
  inner: {{vendor: custom, dialect: openai-chat, base_url: "{url}/v1", api_key: env:INNER_KEY}}
  claude: {{vendor: custom, dialect: anthropic, base_url: "{url}/v1", api_key: env:INNER_KEY}}
models:
  inner: {{targets: [{{provider: inner, model: m}}]}}
  claude: {{targets: [{{provider: claude, model: m}}]}}
"""

    def claims(self, issuer: str = "corp", **changes: object) -> dict[str, object]:
        """Sound ones, with changes; one changed to None is left out."""
        now = int(SystemClock().now())
        sound: dict[str, object] = {
            "iss": f"http://127.0.0.1:{self.port}/{issuer}",
            "aud": "penstock",
            "sub": "ada",
            "iat": now,
            "exp": now + 300,
            "org": "acme",
        }
        return {name: value for name, value in {**sound, **changes}.items() if value is not None}

    def token(self, issuer: str = "corp", **changes: object) -> str:
        return signer(issuer, "ES256").sign(self.claims(issuer, **changes))


@contextmanager
def serving() -> Generator[Outside]:
    outside = Outside()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if outside.is_down:
                self._answer(503, b"")
            else:
                self._answer(200, key_set(signer(self.path.split("/")[1], "ES256")))

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            outside.seen.append({name.lower(): value for name, value in self.headers.items()})
            self._answer(200, json.dumps(ANSWER).encode())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Nothing: it is no test's business."""

    for name in ("corp", "fixed"):
        signer(name, "ES256")  # made before the planes ask for it at once: each thread would make a key of its own
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    outside.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield outside
    server.shutdown()
    server.server_close()


def call(method: str, url: str, token: str, body: object = None, **headers: str) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    named = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urlopen(Request(url, data, named, method=method), timeout=PATIENCE_S) as reply:  # noqa: S310 - our own planes
            raw = reply.read()
            return reply.status, json.loads(raw) if raw else None
    except HTTPError as error:
        return error.code, json.loads(error.read())


def admin(up: Installation, method: str, path: str, body: object = None, token: str | None = None) -> tuple[int, Any]:
    """The admin API, as its owner where no `token` is given."""
    own = (up.data_dir / "admin-token").read_text("ascii").strip()
    return call(method, f"http://127.0.0.1:{up.control_port}/admin/v1{path}", token or own, body)


def ask(up: Installation, credential: str, model: str, **headers: str) -> tuple[int, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
    return call("POST", f"{up.url}/v1/chat/completions", credential, body, **headers)


def until_asked(up: Installation, credential: str, status: int, model: str = "sim") -> None:
    until(lambda: ask(up, credential, model)[0] == status, f"it is not answered with {status}")


def new_key(up: Installation, tenant: str = "acme", **wanted: object) -> tuple[str, str]:
    """A key that is taken already, and its id."""
    status, made = admin(up, "POST", "/keys", {"tenant": tenant, "name": "app", **wanted})
    assert status == 201, made
    until(lambda: call("GET", f"{up.url}/v1/models", made["key"])[0] == 200, "the key is not taken")
    return made["key"], made["id"]


def health(up: Installation) -> list[str]:
    """What the data plane says is wrong."""
    with urlopen(f"{up.url}/health", timeout=PATIENCE_S) as reply:  # noqa: S310 - our own plane
        return json.loads(reply.read()).get("reasons", [])


def begin(up: Installation, credential: str) -> HTTPConnection:
    """A request to `sim` whose head has been sent and whose body has not."""
    connection = HTTPConnection("127.0.0.1", up.port, timeout=PATIENCE_S)
    connection.putrequest("POST", "/v1/chat/completions")
    connection.putheader("authorization", f"Bearer {credential}")
    connection.putheader("content-type", "application/json")
    connection.putheader("content-length", str(len(_BODY)))
    connection.endheaders()
    return connection


def end(begun: HTTPConnection) -> tuple[int, str]:
    """The status that it has once its body has been sent, and the exchange's id."""
    begun.send(_BODY)
    reply = begun.getresponse()
    begun.close()
    return reply.status, reply.headers["x-request-id"]
