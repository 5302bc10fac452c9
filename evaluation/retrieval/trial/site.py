"""A whole installation with two tenants: documents with a secret in each, callers and reviewers with tokens."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import jwt
import msgspec
import psycopg
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from evaluation.retrieval.memo import Memo
from evaluation.retrieval.trial.rights import Rights
from penstock.core.clock import SystemClock
from penstock.core.sources import PUBLIC, Reader, readers_of
from penstock.knowledge.document import BaseId, Chunk, Document
from penstock.knowledge.index.bases import Fingerprint, create_base
from penstock.knowledge.index.store import PostgresStore
from penstock.knowledge.ingest.embedding import in_context
from penstock.storage.embedded import running_url
from penstock.testing.ports import free_port

TENANTS: Final = ("acme", "umbra")
DOCUMENTS: Final = 300
"""Of each tenant."""
GROUPS: Final = tuple(f"g{number}" for number in range(100))
_READY_S: Final = 120.0
_MODELS: Final = """\
identity:
  issuers:
    corp:
      issuer: http://127.0.0.1:{issuer}
      jwks_url: http://127.0.0.1:{issuer}/keys
      audiences: [penstock]
      algorithms: [ES256]
      claims: {{tenant: org, groups: groups, roles: roles}}
      role_map: {{dev: developer, rev: reviewer}}
models:
  help:
    targets: [{{provider: sim, model: "sim:echo"}}]
    cache: {{exact: {{}}, semantic: {{start: shipped}}}}
    knowledge: {{bases: [papers], passages: 2, timeout_s: 30, citations: hidden}}
  held:
    targets: [{{provider: sim, model: "sim:echo"}}]
    cache: {{exact: {{}}}}
    knowledge: {{bases: [papers], passages: 4, timeout_s: 30}}
review:
  rules:
    - {{name: everything, when: {{models: [held]}}}}
"""


@dataclass(frozen=True, slots=True)
class Person:
    """A caller, or a reviewer, with a token; `is_all` are the names that documents may name."""

    tenant: str
    name: str
    token: str
    is_all: frozenset[Reader]


@dataclass(slots=True)
class Site:
    """What is running.  `secrets` says which document (`tenant/key`) a secret is of."""

    folder: Path
    port: int
    control_port: int
    rights: Rights
    bases: dict[str, BaseId]
    secrets: dict[str, str]
    names: dict[str, str]
    callers: list[Person] = field(default_factory=list[Person])
    reviewers: list[Person] = field(default_factory=list[Person])

    @property
    def url(self) -> str:
        """Of the database."""
        found = running_url(self.folder / "data")
        if found is None:
            raise RuntimeError("the database is away")
        return found


class _Issuer:
    """Signs tokens, and shows its key."""

    def __init__(self) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())
        jwk: dict[str, object] = msgspec.json.decode(ECAlgorithm.to_jwk(self._private.public_key()))
        page = msgspec.json.encode({"keys": [{**jwk, "kid": "one", "use": "sig", "alg": "ES256"}]})

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def person(self, tenant: str, name: str, groups: tuple[str, ...], *roles: str) -> Person:
        now = int(SystemClock().now())
        claims = {
            "iss": f"http://127.0.0.1:{self.server.server_port}",
            "aud": "penstock",
            "sub": name,
            "iat": now,
            "exp": now + 6 * 3600,
            "org": tenant,
            "groups": list(groups),
            "roles": list(roles),
        }
        token = jwt.encode(claims, self._private, algorithm="ES256", headers={"kid": "one"})
        named = tuple({"dev": "developer", "rev": "reviewer"}[role] for role in roles)
        return Person(tenant, name, token, frozenset(readers_of(user=name, roles=named, groups=groups)))


@contextmanager
def running(memo: Memo) -> Generator[Site]:
    """Start it, fill it, stop it; nothing of it stays."""
    folder = Path(tempfile.mkdtemp(prefix="penstock-trial-"))
    issuer = _Issuer()
    (folder / "penstock.yaml").write_text(_MODELS.format(issuer=issuer.server.server_port))
    ports = free_port(), free_port()
    command = [sys.executable, "-m", "penstock.cli", "up", "--data-dir", str(folder / "data")]
    command += ["--port", str(ports[0]), "--control-port", str(ports[1]), "--config", str(folder / "penstock.yaml")]
    log = (folder / "up.log").open("wb")
    process = subprocess.Popen(command, stdout=log, stderr=log, env=dict(os.environ), start_new_session=True)  # noqa: S603 - our own program
    try:
        for port in ports:
            _until_ready(port, process, folder)
        token = (folder / "data" / "admin-token").read_text("ascii").strip()
        for tenant in TENANTS:
            call(ports[1], "POST", "/admin/v1/tenants", token, {"id": tenant, "name": tenant})
        yield _filled(folder, ports, issuer, memo)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(120)
        issuer.server.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def _filled(folder: Path, ports: tuple[int, int], issuer: _Issuer, memo: Memo) -> Site:
    draw = random.Random(5)  # noqa: S311 - a repeatable draw
    site = Site(folder, *ports, Rights({}), {}, {}, {})
    readers: dict[str, tuple[Reader, ...]] = {}
    with psycopg.connect(site.url, autocommit=True) as connection:
        store = PostgresStore(connection, SystemClock())
        for tenant in TENANTS:
            width = len(memo.vectors(["width"])[0])
            base = create_base(connection, tenant, "papers", Fingerprint(memo.identity, width))
            site.bases[tenant] = base
            for number in range(DOCUMENTS):
                key = f"{tenant}/{number}"
                site.names[key] = _name(draw)
                secret = f"zq{draw.getrandbits(48):012x}"
                site.secrets[secret] = key
                readers[key] = some_readers(draw, is_first=number < 6)
                made = _document(key, site.names[key], secret, readers[key])
                store.put(base, made, memo.vectors([in_context(made.title, made.chunks[0])]))
        connection.execute("ANALYZE")
    site.rights = Rights(readers)
    few, half = ("g1",), tuple(GROUPS[::2])
    for tenant in TENANTS:
        people = [("ada", few), ("bob", few), ("cy", ("g2",)), ("dot", half), ("eve", half), ("fay", ())]
        site.callers += [issuer.person(tenant, name, groups) for name, groups in people]
        site.callers += [issuer.person(tenant, name, ("g1", "g3"), "dev") for name in ("gus", "hal")]
        site.reviewers += [
            issuer.person(tenant, name, groups, "rev") for name, groups in (("rex", half), ("sue", ("g1",)))
        ]
    return site


def some_readers(draw: random.Random, *, is_first: bool = False) -> tuple[Reader, ...]:
    """Mostly one group of a hundred; the first documents are moved about among those who ask."""
    if is_first:
        return (Reader(f"group:{draw.choice(('g1', 'g2', 'g3', 'g4'))}"),)
    kind = draw.random()
    if kind < 0.75:
        return (Reader(f"group:{draw.choice(GROUPS)}"),)
    if kind < 0.85:
        return (Reader(f"user:{draw.choice(('ada', 'bob', 'eve', 'gus'))}"),)
    if kind < 0.92:
        return (Reader("role:developer"),)
    return (PUBLIC,) if kind > 0.98 else tuple(Reader(f"group:{each}") for each in draw.sample(GROUPS, 30))


def _document(key: str, name: str, secret: str, readers: tuple[Reader, ...]) -> Document:
    """Its secret stands in its title, its address and its text, so that a leak of any is seen."""
    text = f"The access phrase of project {name} is {secret}. It was chosen by the owner of {name}, who keeps it."
    return Document(
        key=key,
        title=f"Project {name} {secret}",
        text=text,
        chunks=(Chunk(ordinal=0, text=text, start=0, end=len(text)),),
        digest=key.encode(),
        media_type="text/plain",
        readers=readers,
        uri=f"https://papers.example.com/{secret}",
    )


def _name(draw: random.Random) -> str:
    """A word that nobody has used: two of few syllables would come twice."""
    return "".join(draw.choice(("ba", "ke", "mo", "ri", "tu", "lo", "sa", "ni", "pe", "du")) for _ in range(4)).title()


def call(port: int, method: str, path: str, token: str, body: object = None) -> tuple[int, Any]:
    """One call with JSON both ways, on a connection of its own."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        connection.request(method, path, None if body is None else msgspec.json.encode(body), headers)
        reply = connection.getresponse()
        page = reply.read()
    finally:
        connection.close()
    return reply.status, page


def _until_ready(port: int, process: "subprocess.Popen[bytes]", folder: Path) -> None:
    until = time.monotonic() + _READY_S
    while time.monotonic() < until and process.poll() is None:
        try:
            if call(port, "GET", "/health/ready", "")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.05)  # noqa: TID251 - waits for another process
    raise RuntimeError((folder / "up.log").read_text()[-4000:])
