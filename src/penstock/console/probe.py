"""Asks one of our own planes over HTTP: the control plane asks the data plane, and `up` asks both."""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_ANY_ADDRESS = MappingProxyType({"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"})  # noqa: S104 - where to knock, not to listen
_TIMEOUT_S = 2.0
_MAX_BODY_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PlaneReply:
    status: int
    body: bytes


def reachable(host: str) -> str:
    """Where a plane that listens on `host` is found from this machine."""
    return _ANY_ADDRESS.get(host, host)


def get(host: str, port: int, path: str, headers: Mapping[str, str] | None = None) -> PlaneReply | None:
    """A small GET; None where nothing answers.  Blocks for two seconds at most."""
    connection = http.client.HTTPConnection(reachable(host), port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        response = connection.getresponse()
        return PlaneReply(response.status, response.read(_MAX_BODY_BYTES))
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
