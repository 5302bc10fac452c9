"""An OpenID Connect issuer on a real socket: discovery, keys, sign-in without a question, and codes used once."""

import threading
from base64 import urlsafe_b64encode
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from penstock.core.clock import SystemClock
from penstock.core.json import dumps, loads

CLIENT = "penstock-console"
SECRET = "a-secret-of-the-console"


class OpenIdIssuer:
    """`roles` and `spoilt_nonce` are what its next tokens say; `asked` is the last authorization request."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.roles = ["viewer"]
        self.spoilt_nonce = False
        self.asked: dict[str, str] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self._key = ec.generate_private_key(ec.SECP256R1())

    def answer(self, method: str, target: str, body: bytes, authorization: str) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query or body.decode()).items()}
        match method, parts.path:
            case "GET", "/.well-known/openid-configuration":
                return _json(
                    {
                        "issuer": self.url,
                        "jwks_uri": f"{self.url}/jwks",
                        "authorization_endpoint": f"{self.url}/authorize",
                        "token_endpoint": f"{self.url}/token",
                        "authorization_response_iss_parameter_supported": True,
                    }
                )
            case "GET", "/jwks":
                public = loads(ECAlgorithm.to_jwk(self._key.public_key()))
                return _json({"keys": [{**public, "kid": "k1", "alg": "ES256", "use": "sig"}]})  # pyright: ignore[reportGeneralTypeIssues]
            case "GET", "/authorize":
                self.asked = query
                code = token_urlsafe(16)
                self.codes[code] = query
                back = urlencode({"code": code, "state": query["state"], "iss": self.url})
                return 302, {"location": f"{query['redirect_uri']}?{back}"}, b""
            case "POST", "/token":
                return self._token(query, authorization)
            case _:
                return 404, {}, b""

    def _token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, str], bytes]:
        asked = self.codes.pop(form["code"], None)
        if asked is None or not authorization.startswith("Basic "):
            return 400, {}, b"{}"
        challenge = urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if challenge != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return 400, {}, b"{}"
        now = int(SystemClock().now())
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": "ann@example.com",
            "roles": self.roles,
            "iat": now,
            "exp": now + 600,
            "nonce": "another" if self.spoilt_nonce else asked["nonce"],
        }
        token = jwt.encode(claims, self._key, "ES256", {"kid": "k1"})
        return _json({"id_token": token, "access_token": "opaque", "token_type": "Bearer"})


def _json(value: Any) -> tuple[int, dict[str, str], bytes]:
    return 200, {"content-type": "application/json"}, dumps(value)


@contextmanager
def issuing() -> Generator[OpenIdIssuer]:
    issuers: list[OpenIdIssuer] = []

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, headers, data = issuers[0].answer(
                self.command, self.path, body, self.headers.get("authorization", "")
            )
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _any  # noqa: N815 - the name that http.server looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuers.append(OpenIdIssuer(server.server_address[1]))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield issuers[0]
    finally:
        server.shutdown()
        server.server_close()
