"""The simulator's HTTP: however requests are cut, and what is none."""

import asyncio

import pytest
from tests.testing.simulated import Heard, hear, with_simulator

from penstock.core.json import JsonValue, dumps, loads
from penstock.testing.sim import Simulator


@pytest.mark.parametrize("cut", [1, 7, 40, 4096])
def test_requests_are_read_however_they_are_cut_and_many_on_one_connection(cut: int) -> None:
    body = dumps({"model": "sim:echo", "messages": [{"role": "user", "content": "Straße 🗼"}]})
    chunked = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:5], body[5:])) + b"0\r\n\r\n"
    sent = b"POST /v1/chat/completions HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n" + chunked
    sent += b"GET /v1/models HTTP/1.1\r\n\r\n"
    sent += b"POST /v1/chat/completions HTTP/1.1\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body

    async def scenario(simulator: Simulator) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
        for at in range(0, len(sent), cut):
            writer.write(sent[at : at + cut])
            await writer.drain()
        raw = await reader.read()
        writer.close()
        return raw

    raw = with_simulator(scenario)
    assert raw.count(b"HTTP/1.1 200 OK") == 3
    assert raw.count("Straße 🗼".encode()) == 2


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/chat/completions", b"{", 400),
        ("/v1/chat/completions", b"[]", 400),
        ("/v1/chat/completions", b'{"model":"sim"}', 400),
        ("/v1/chat/completions", b'{"model":"sim:nope","messages":[{"role":"user","content":"a"}]}', 404),
        ("/v1/messages", b'{"model":"sim","messages":[{"role":"user","content":"a"}]}', 400),
        ("/v1/embeddings", b'{"model":"sim"}', 400),
        ("/v1beta/models/sim:generateContent", b"{}", 400),
        ("/v1/nothing", b"{}", 404),
    ],
)
def test_bad_calls_are_refused_as_the_vendor_would(path: str, body: bytes, status: int) -> None:
    async def scenario(simulator: Simulator) -> Heard:
        head = b"POST %b HTTP/1.1\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % (path.encode(), len(body))
        return await hear(simulator, head + body)

    heard = with_simulator(scenario)
    assert heard.status == status
    parsed: JsonValue = loads(heard.body)
    assert isinstance(parsed, dict)
    assert "error" in parsed


def test_what_is_no_http_gets_a_400_and_the_door() -> None:
    async def scenario(simulator: Simulator) -> Heard:
        return await hear(simulator, b"nonsense\r\n\r\n")

    heard = with_simulator(scenario)
    assert (heard.status, heard.end) == (400, "eof")
