"""Ports for servers that are not there yet."""

import socket
from pathlib import Path

import pytest

from penstock.testing.ports import free_port


def test_each_port_is_given_once_and_nothing_listens_there() -> None:
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == len(ports)
    for port in ports:
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_none_is_given_to_a_connection_that_leaves() -> None:
    """Who asks a server that is not there yet could be given its port, and would hear itself."""
    leaving = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(leaving.read_text().split()[0]) if leaving.exists() else 49_152
    assert max(free_port() for _ in range(50)) + 10_000 < first


def test_one_that_is_taken_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setattr("penstock.testing.ports._given", set[int]())
    monkeypatch.setattr("penstock.testing.ports._FIRST", port)
    monkeypatch.setattr("penstock.testing.ports._LAST", port + 1)
    with socket.create_server(("127.0.0.1", port)), pytest.raises(OSError, match="no port"):
        free_port()
    assert free_port() == port
