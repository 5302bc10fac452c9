"""What the streaming client calls a stall: a gap that the gateway made, and no other."""

import socket
from collections.abc import Generator

import pytest
from bench.stream_client import Client, Job, Stream

MS = 1_000_000


@pytest.fixture
def client() -> Client:
    return Client(Job(port=1, path="/", headers={}, body="{}", streams=1, ramp_s=1.0, timeout_s=1.0))


@pytest.fixture
def seen() -> Generator[Stream]:
    with socket.socket() as connection:
        yield Stream(connection, begun_ns=0)


def test_a_gap_that_upstream_did_not_have_is_a_stall(client: Client, seen: Stream) -> None:
    client.note(seen, 0, 1 * MS)
    client.note(seen, 20 * MS, 122 * MS)
    assert seen.stalls == 1


def test_a_gap_that_upstream_had_too_is_no_stall(client: Client, seen: Stream) -> None:
    client.note(seen, 0, 1 * MS)
    client.note(seen, 120 * MS, 122 * MS)
    assert seen.stalls == 0


def test_events_in_time_are_no_stall_and_their_delay_is_kept(client: Client, seen: Stream) -> None:
    for number in range(5):
        client.note(seen, number * 20 * MS, number * 20 * MS + 3 * MS)
    assert (seen.stalls, seen.events) == (0, 5)
    assert seen.delays_ns == [3 * MS] * 5


def test_a_stall_while_the_client_itself_waited_is_told_apart(client: Client, seen: Stream) -> None:
    client.is_starved = True
    client.note(seen, 0, 1 * MS)
    client.note(seen, 20 * MS, 122 * MS)
    assert (seen.stalls, client.starved_stalls) == (1, 1)
