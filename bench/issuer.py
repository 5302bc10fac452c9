"""An issuer of tokens for the bench: a key, where its public half can be fetched, and tokens for a few users."""

import base64
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_hex

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from bench.processes import HOST

AUDIENCE = "penstock"
KEY_ID = "bench-1"
ALGORITHM = "ES256"
_HOLDS_S = 6 * 3600


@dataclass(frozen=True, slots=True)
class Issuer:
    """`name` is its `iss`, `key_set` what it publishes (RFC 7517)."""

    name: str
    key: ec.EllipticCurvePrivateKey
    key_set: bytes

    def token(self, user: str) -> str:
        """A new one each time, whether or not the user has another."""
        now = int(time.time())  # noqa: TID251 - a measuring program has no injected clock
        claims = {
            "iss": self.name,
            "aud": AUDIENCE,
            "sub": user,
            "iat": now,
            "exp": now + _HOLDS_S,
            "jti": token_hex(8),
        }
        return jwt.encode(claims, self.key, ALGORITHM, {"kid": KEY_ID})

    def tokens(self, count: int) -> tuple[str, ...]:
        return tuple(self.token(f"customer-{number}") for number in range(count))


def new_issuer(name: str) -> Issuer:
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_numbers()
    public = {"kty": "EC", "crv": "P-256", "kid": KEY_ID, "use": "sig", "x": _number(point.x), "y": _number(point.y)}
    return Issuer(name, key, msgspec.json.encode({"keys": [public]}))


@contextmanager
def serving() -> Generator[Issuer]:
    """An issuer that serves its key set over HTTP as long as this is open."""
    found: list[Issuer] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = found[0].key_set
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Nothing: it is no part of what is measured."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    found.append(new_issuer(f"http://{HOST}:{server.server_port}"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield found[0]
    finally:
        server.shutdown()
        server.server_close()


def _number(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes(32, "big")).rstrip(b"=").decode()
