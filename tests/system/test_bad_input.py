"""What no SDK would send: each gets a clear error in the client's dialect, and the server goes on as before."""

import asyncio
import gzip
import json  # noqa: TID251 - the application's side
from typing import Any

import pytest
from tests.system.conftest import Installation
from tests.system.rawhttp import Reply, exchange, request

CHAT, RESPONSES, MESSAGES, EMBEDDINGS = "/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/embeddings"
GOOD: dict[str, dict[str, Any]] = {
    CHAT: {"model": "sim", "messages": [{"role": "user", "content": "hello"}]},
    RESPONSES: {"model": "sim", "input": "hello"},
    MESSAGES: {"model": "sim", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]},
    EMBEDDINGS: {"model": "sim", "input": "hello"},
}
PATHS = list(GOOD)


def send(up: Installation, path: str, body: bytes, **headers: str) -> Reply:
    named = {"authorization": f"Bearer {up.key}", **{k.replace("_", "-"): v for k, v in headers.items()}}
    return asyncio.run(exchange(up.port, request(path, body, named)))


def with_fields(path: str, **fields: object) -> bytes:
    return json.dumps({**GOOD[path], **fields}).encode()


def error_of(path: str, reply: Reply) -> dict[str, Any]:
    """The error in the dialect of the path: its shape is part of what is tested."""
    said = json.loads(reply.body)
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-request-id"]
    error = said["error"]
    assert error["message"]
    if path == MESSAGES:
        assert said["type"] == "error"
        assert error["type"].endswith("_error")
    else:
        assert set(error) == {"message", "type", "param", "code"}
    return error


BROKEN = {
    "nothing": b"",
    "no JSON": b"hello",
    "truncated": b'{"model": "sim", "messages": [{"role": "us',
    "no object": b'["model"]',
    "NaN": b'{"model": "sim", "temperature": NaN}',
    "Infinity": b'{"model": "sim", "temperature": Infinity}',
    "a number beyond all": b'{"model": "sim", "temperature": 1e999}',
    "invalid UTF-8": b'{"model": "s\xff\xfem"}',
    "a lone surrogate": b'{"model": "sim", "messages": [{"role": "user", "content": "\\ud800"}]}',
    "duplicate keys": b'{"model": "sim", "model": "other", "input": "x", "messages": []}',
    "deep nesting": b'{"model": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a NUL in a name": b'{"model": "si\\u0000m"}',
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_not_a_request_is_a_400(penstock: Installation, path: str, body: bytes) -> None:
    reply = send(penstock, path, body)
    assert reply.status == 400, reply.body
    error_of(path, reply)


WRONG: list[tuple[str, dict[str, object], str]] = [
    (CHAT, {"messages": "hello"}, "messages"),
    (CHAT, {"messages": []}, "messages"),
    (CHAT, {"messages": [{"role": "wizard", "content": "x"}]}, "role"),
    (CHAT, {"messages": [{"role": "user", "content": 3}]}, "content"),
    (CHAT, {"model": 7}, "model"),
    (CHAT, {"n": 100_000}, "n"),
    (CHAT, {"n": 0}, "n"),
    (CHAT, {"max_tokens": -1}, "max_tokens"),
    (CHAT, {"max_tokens": 10**30}, "64 bits"),
    (CHAT, {"temperature": -0.1}, "temperature"),
    (CHAT, {"temperature": "warm"}, "temperature"),
    (CHAT, {"top_logprobs": 500}, "top_logprobs"),
    (CHAT, {"stream": "yes"}, "stream"),
    (RESPONSES, {"input": 5}, "input"),
    (RESPONSES, {"max_output_tokens": -5}, "max_output_tokens"),
    (MESSAGES, {"max_tokens": -1}, "max_tokens"),
    (MESSAGES, {"max_tokens": None}, "max_tokens"),
    (MESSAGES, {"temperature": 3}, "temperature"),
    (MESSAGES, {"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "text"),
    (EMBEDDINGS, {"input": []}, "input"),
    (EMBEDDINGS, {"dimensions": -3}, "dimensions"),
]


@pytest.mark.parametrize(("path", "fields", "named"), WRONG)
def test_a_wrong_value_is_a_400_that_names_its_field(
    penstock: Installation, path: str, fields: dict[str, object], named: str
) -> None:
    reply = send(penstock, path, with_fields(path, **fields))
    assert reply.status == 400, reply.body
    error = error_of(path, reply)
    assert named in (error["message"] + str(error.get("param")))


@pytest.mark.parametrize("path", PATHS)
def test_an_unknown_model_is_a_404(penstock: Installation, path: str) -> None:
    reply = send(penstock, path, with_fields(path, model="sin"))
    assert reply.status == 404
    assert "sim" in error_of(path, reply)["message"], "it says what was meant"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("key", [None, "", "wrong", "pk_dev_" + "x" * 49, "é" * 10, "x" * 10_000])
def test_no_key_and_a_wrong_key_are_a_401(penstock: Installation, path: str, key: str | None) -> None:
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    reply = asyncio.run(exchange(penstock.port, request(path, with_fields(path), headers)))
    assert reply.status == 401
    error_of(path, reply)


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/json; charset=utf-16"])
def test_another_content_type_is_a_415(penstock: Installation, content_type: str) -> None:
    reply = send(penstock, CHAT, with_fields(CHAT), content_type=content_type)
    assert reply.status == 415
    error_of(CHAT, reply)


def test_gzip_is_read_and_what_only_says_so_is_refused(penstock: Installation) -> None:
    body = with_fields(CHAT)
    assert send(penstock, CHAT, gzip.compress(body), content_encoding="gzip").status == 200
    assert send(penstock, CHAT, body, content_encoding="gzip").status == 400
    assert send(penstock, CHAT, gzip.compress(body)[:-9], content_encoding="gzip").status == 400
    assert send(penstock, CHAT, body, content_encoding="br").status == 415


def test_a_body_that_unfolds_to_more_than_the_limit_is_a_413(penstock: Installation) -> None:
    bomb = gzip.compress(b" " * (200 << 20))
    assert send(penstock, CHAT, bomb, content_encoding="gzip").status == 413


def test_a_declared_size_over_the_limit_is_refused_before_it_is_sent(penstock: Installation) -> None:
    reply = send(penstock, CHAT, b"{", content_length=str(100 << 20))
    assert reply.status == 413
    error_of(CHAT, reply)


def test_a_hundred_megabytes_in_chunks_are_refused_on_the_way(penstock: Installation) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    data = request(
        CHAT, chunk * 1600 + b"0\r\n\r\n", {"authorization": f"Bearer {penstock.key}", "transfer-encoding": "chunked"}
    )
    reply = asyncio.run(exchange(penstock.port, data))
    assert reply.status in {0, 413}, "refused, or cut off while still sending"


def test_a_flood_of_headers_is_refused(penstock: Installation) -> None:
    many = {f"x-{number}": "y" for number in range(3000)}
    assert asyncio.run(exchange(penstock.port, request(CHAT, b"{}", many))).status in {0, 400, 431}
    large = {"x-large": "y" * (1 << 20)}
    assert asyncio.run(exchange(penstock.port, request(CHAT, b"{}", large))).status in {0, 400, 431}


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", CHAT, 405), ("POST", "/health", 405), ("GET", "/nope", 404)]
)
def test_other_methods_and_paths(penstock: Installation, method: str, path: str, status: int) -> None:
    data = request(path, b"", {"authorization": f"Bearer {penstock.key}"}, method=method)
    assert asyncio.run(exchange(penstock.port, data)).status == status


def test_a_half_closed_socket_still_gets_its_answer_or_an_end(penstock: Installation) -> None:
    """A client that shuts its sending side down has either sent everything or nothing worth an answer."""

    async def main() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", penstock.port)
        writer.write(request(CHAT, with_fields(CHAT), {"authorization": f"Bearer {penstock.key}"})[:-20])
        writer.write_eof()
        async with asyncio.timeout(10):
            assert b"HTTP/1.1 200" not in await reader.read()
        writer.close()

    asyncio.run(main())


def test_after_all_this_it_serves(penstock: Installation) -> None:
    assert send(penstock, CHAT, with_fields(CHAT)).status == 200
