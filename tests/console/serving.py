"""The control plane over HTTP, for the tests of the admin API."""

import http.client
import socket
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import uvicorn

from penstock.config import Config, read
from penstock.console.api import new_api
from penstock.console.plane import ControlPlane, open_plane
from penstock.core.json import dumps, loads
from penstock.testing.ports import free_port

PATIENCE_S = 20.0


@dataclass(frozen=True)
class Reply:
    status: int
    json: Any


@dataclass(frozen=True)
class Api:
    port: int
    token: str
    root: Path
    plane: ControlPlane

    def call(self, method: str, path: str, body: object = None, *, token: str | None = None) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        headers = {"authorization": f"Bearer {self.token if token is None else token}"}
        if body is not None:
            headers["content-type"] = "application/json"
        connection.request(method, path, body=None if body is None else dumps(body), headers=headers)
        response = connection.getresponse()
        data = response.read()
        connection.close()
        return Reply(response.status, loads(data) if data else None)

    def get(self, path: str) -> Reply:
        return self.call("GET", path)


def environment(root: Path, database_url: str, more: Mapping[str, str]) -> dict[str, str]:
    return {
        "PENSTOCK__DATABASE_URL": "env:DB",
        "DB": database_url,
        "PENSTOCK__DATA_DIR": str(root),
        "PENSTOCK__SERVER__PORT": str(free_port()),
        **more,
    }


def settings(root: Path, database_url: str, more: Mapping[str, str]) -> Config:
    return read(None, environment(root, database_url, more))


@contextmanager
def serving(
    root: Path, database_url: str, more: Mapping[str, str] = MappingProxyType({}), *, file: Path | None = None
) -> Generator[Api]:
    environ = environment(root, database_url, more)
    plane = open_plane(read(file, environ), environ)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(new_api(plane), log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield Api(listener.getsockname()[1], plane.admin_token, root, plane)
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)
        listener.close()
    assert not thread.is_alive()
