"""Bytes into requests: whatever the packets, in turn, and never read in two ways."""

import asyncio

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.server.serving import BODY_LIMIT, Answer, Served, answers, body_of, echo, request, serving

from penstock.core.errors import PenstockError
from penstock.server.http.connection import MAX_WAITING
from penstock.server.http.head import HeaderNames
from penstock.server.http.reader import MAX_HEADERS, RequestReader
from penstock.server.http.request import Request
from penstock.server.http.response import HeadWriter
from penstock.testing.clock import FakeClock


class Heard:
    """What a reader makes of bytes, without a socket."""

    def __init__(self) -> None:
        self.is_held_back = False
        self.requests: list[Request] = []
        self.broken: list[PenstockError] = []
        heads = HeadWriter(FakeClock())
        self.reader = RequestReader(self, heads, HeaderNames(), header_limit_bytes=64 * 1024)

    def on_request(self, request: Request) -> None:
        self.requests.append(request)

    def on_broken(self, error: PenstockError) -> None:
        self.broken.append(error)

    def send(self, data: bytes) -> bool:
        return True

    def stop_reading(self) -> None: ...
    def read_on(self) -> None: ...
    async def wait_writable(self) -> None: ...

    def understood(self) -> list[tuple[str, str, str | None, bytes | str | None]]:
        return [(each.method, each.path, each.headers.get("x-name"), _body(each)) for each in self.requests]


def _body(request: Request) -> bytes | str | None:
    try:
        return request.take_body(BODY_LIMIT)
    except PenstockError as error:
        return error.public


def _chunked(body: bytes, sizes: list[int]) -> bytes:
    data = b""
    for size in sizes:
        piece, body = body[:size], body[size:]
        if piece:
            data += b"%x;ext=1\r\n%b\r\n" % (len(piece), piece)
    if body:
        data += b"%x\r\n%b\r\n" % (len(body), body)
    return data + b"0\r\nx-trailer: of no use\r\n\r\n"


@st.composite
def _requests(draw: st.DrawFn) -> bytes:
    body = draw(st.binary(max_size=60))
    name = draw(st.text("abc \t,:;=", max_size=10))
    path = draw(st.sampled_from(["/", "/v1/models?x=y", "http://there/v1", "/a%20b"]))
    if draw(st.booleans()):
        framed = _chunked(body, draw(st.lists(st.integers(1, 20), max_size=4)))
        return request(path, framed, transfer_encoding="chunked", x_name=name)
    upgrade = {"connection": "upgrade", "upgrade": "h2c"} if draw(st.booleans()) else {}
    return request(path, body, x_name=name, **upgrade)


@settings(deadline=None, max_examples=150)
@given(
    asked=st.lists(_requests(), min_size=1, max_size=4),
    cuts=st.lists(st.integers(1, 400), max_size=30),
    is_broken=st.booleans(),
)
def test_how_the_bytes_are_cut_changes_nothing(asked: list[bytes], cuts: list[int], *, is_broken: bool) -> None:
    data = b"".join(asked) + (b"GET / HTTP/1.1\r\nhost : x\r\n\r\n" if is_broken else b"")
    whole, cut = Heard(), Heard()
    whole.reader.feed(data)
    at = 0
    for size in [*cuts, len(data)]:
        if data[at : at + size]:
            cut.reader.feed(data[at : at + size])
        at += size
    assert cut.understood() == whole.understood()
    assert len(whole.requests) == len(asked)
    assert all(each.is_whole for each in whole.requests)
    assert [type(each) for each in cut.broken] == [type(each) for each in whole.broken]
    assert bool(whole.broken) == is_broken


@settings(deadline=None, max_examples=25)
@given(st.lists(st.binary(max_size=50), min_size=1, max_size=5), st.lists(st.integers(1, 120), max_size=12))
def test_over_a_socket_every_request_is_answered_in_turn(bodies: list[bytes], cuts: list[int]) -> None:
    async def main() -> list[Answer]:
        data = b"".join(request(f"/{number}", body) for number, body in enumerate(bodies))
        data += request("/end", method="GET", connection="close")
        pieces: list[bytes] = []
        for size in cuts:
            pieces.append(data[:size])
            data = data[size:]
        async with serving() as served:
            return answers(await served.talk(*[piece for piece in [*pieces, data] if piece]))

    said = uvloop.run(main())
    wanted = [f"POST /{number} ".encode() + body for number, body in enumerate(bodies)]
    assert [each.body for each in said] == [*wanted, b"GET /end "]
    assert ["connection" in each.headers for each in said] == [False] * len(bodies) + [True]


def talk(*pieces: bytes) -> tuple[list[Answer], Served]:
    async def main() -> tuple[list[Answer], Served]:
        async with serving() as served:
            return answers(await served.talk(*pieces)), served

    return uvloop.run(main())


HEAD = b"POST /a HTTP/1.1\r\nhost: x\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n"
TWO_WAYS = {
    "length and chunks": HEAD + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": HEAD + b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": HEAD + b"content-length: 3\r\ncontent-length: 5\r\n\r\nabc",
    "the same length twice": HEAD + b"content-length: 3\r\ncontent-length: 3\r\n\r\nabc",
    "a list of lengths": HEAD + b"content-length: 3, 3\r\n\r\nabc",
    "a length with a sign": HEAD + b"content-length: +3\r\n\r\nabc",
    "a negative length": HEAD + b"content-length: -3\r\n\r\nabc",
    "a length beyond 64 bits": HEAD + b"content-length: 99999999999999999999\r\n\r\nabc",
    "an empty length": HEAD + b"content-length: \r\n\r\n",
    "an unknown coding": HEAD + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "two codings": HEAD + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": HEAD + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": b"POST /a HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk size in C": HEAD + b"transfer-encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
    "a negative chunk size": HEAD + b"transfer-encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n",
    "a chunk size beyond 64 bits": HEAD + b"transfer-encoding: chunked\r\n\r\n10000000000000003\r\nabc\r\n0\r\n\r\n",
    "a bare line feed in a chunk": HEAD + b"transfer-encoding: chunked\r\n\r\n3;\nx\r\nabc\r\n0\r\n\r\n",
    "a chunk longer than it says": HEAD + b"transfer-encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
    "a space before the colon": b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length : 3\r\n\r\nabc",
    "a folded header": HEAD + b"x: a\r\n b\r\n\r\n",
    "a NUL": HEAD + b"x: a\0b\r\n\r\n",
    "a bare carriage return": HEAD + b"x: a\rcontent-length: 3\r\n\r\nabc",
    "a bare line feed": b"GET /a HTTP/1.1\nhost: x\n\n",
    "no host": b"GET /a HTTP/1.1\r\n\r\n",
    "two hosts": HEAD + b"Host: y\r\n\r\n",
    "two credentials": HEAD + b"authorization: a\r\nAuthorization: b\r\n\r\n",
    "the same credential twice": HEAD + b"x-api-key: a\r\nX-API-Key: a\r\n\r\n",
    "a space in the target": b"GET /a b HTTP/1.1\r\nhost: x\r\n\r\n",
    "HTTP/0.9": b"GET /a\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/2.0 in old clothes": b"GET /a HTTP/2.0\r\nhost: x\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no method": b"HELLO /a HTTP/1.1\r\nhost: x\r\n\r\n",
}


@pytest.mark.parametrize("data", TWO_WAYS.values(), ids=TWO_WAYS.keys())
def test_what_two_readers_could_read_in_two_ways_is_refused_and_ends_the_connection(data: bytes) -> None:
    said, served = talk(data + SMUGGLED)
    assert [each.status for each in said] in ([400], [505]), said
    assert said[0].headers["connection"] == "close"
    assert said[0].headers["content-type"] == "application/json"
    assert not any("smuggled" in each for each in served.app.asked)


@pytest.mark.parametrize("data", TWO_WAYS.values(), ids=TWO_WAYS.keys())
def test_what_came_before_something_malformed_is_answered_first(data: bytes) -> None:
    said, served = talk(request("/first", b"abc") + data + SMUGGLED)
    assert said[0].body == b"POST /first abc"
    assert [each.status for each in said[1:]] in ([400], [505])
    assert not any("smuggled" in each for each in served.app.asked)


def test_pipelined_requests_wait_for_the_one_before() -> None:
    async def main() -> None:
        first_may_go, order = asyncio.Event(), list[str]()

        async def handler(request: Request) -> None:
            order.append(f"begin {request.path}")
            if request.path == "/1":
                await first_may_go.wait()
            await echo(request)
            order.append(f"end {request.path}")

        async with serving(handler) as served:
            reader, writer = await served.connect()
            writer.write(request("/1", b"a") + request("/2", b"b") + request("/3", b"c", connection="close"))
            while not order:
                await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop, no time
            writer.write(b"behind the last one")
            first_may_go.set()
            said = answers(await reader.read())
            writer.close()
        assert [each.body for each in said] == [b"POST /1 a", b"POST /2 b", b"POST /3 c"]
        assert order == [f"{what} /{number}" for number in (1, 2, 3) for what in ("begin", "end")]

    uvloop.run(main())


def test_a_flood_of_pipelined_requests_is_not_stored() -> None:
    said, served = talk(request("/x", method="GET") * 5000)
    assert len(said) == len(served.app.asked) == MAX_WAITING + 1
    assert said[-1].headers["connection"] == "close", "the client knows which ones to send again"
    assert not any("connection" in each.headers for each in said[:-1])


def test_nothing_is_read_behind_a_request_that_is_the_last() -> None:
    class Curt(Heard):
        def on_request(self, request: Request) -> None:
            super().on_request(request)
            request.is_last = len(self.requests) == 3

    heard = Curt()
    heard.reader.feed(request("/x", method="GET") * 5000)
    assert len(heard.requests) == 3
    assert heard.reader.is_deaf
    assert heard.broken == []


def test_a_client_that_asks_first_is_told_to_go_on() -> None:
    async def main() -> bytes:
        async with serving() as served:
            reader, writer = await served.connect()
            writer.write(request("/a", expect="100-continue", content_length="3", connection="close"))
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"abc")
            received = await reader.read()
            writer.close()
            return received

    assert answers(uvloop.run(main()))[0].body == b"POST /a abc"


def test_a_client_that_asks_first_and_is_refused_never_sends() -> None:
    async def refuse(request: Request) -> None:
        request.respond(413, [], b"")

    async def main() -> bytes:
        async with serving(refuse) as served:
            return await served.talk(request("/a", expect="100-continue", content_length="3"))

    said = answers(uvloop.run(main()))
    assert [each.status for each in said] == [413]
    assert said[0].headers["connection"] == "close"


def test_a_whole_url_is_asked_for_by_its_path() -> None:
    said, _ = talk(request("http://there:80/v1/x?y=z", method="GET", connection="close"))
    assert said[0].body == b"GET /v1/x "


def test_old_http_ends_unless_it_asks_not_to() -> None:
    keep = request("/1", method="GET", version="1.0", connection="keep-alive")
    said, _ = talk(keep + request("/2", method="GET", version="1.0") + SMUGGLED)
    assert [each.body for each in said] == [b"GET /1 ", b"GET /2 "]
    assert [each.headers["connection"] for each in said] == ["keep-alive", "close"]


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_an_offer_of_another_protocol_is_passed_over_body_and_all(framing: str) -> None:
    offer = {"connection": "Upgrade, HTTP2-Settings", "upgrade": "h2c", "http2_settings": "AAMAAABk"}
    if framing == "length":
        asked = request("/1", b"abc", **offer)
    else:
        asked = request("/1", b"3\r\nabc\r\n0\r\n\r\n", transfer_encoding="chunked", **offer)
    rest = request("/2", b"d", **offer) + request("/3", method="GET", connection="close")
    for at in (len(asked), asked.index(b"\r\n\r\n") + 4, asked.index(b"abc") + 1):
        said, _ = talk(asked[:at], asked[at:] + rest)
        assert [each.body for each in said] == [b"POST /1 abc", b"POST /2 d", b"GET /3 "]


def test_a_tunnel_is_refused_like_any_path_and_ends_the_connection() -> None:
    said, served = talk(b"CONNECT there:443 HTTP/1.1\r\nhost: there\r\n\r\n" + SMUGGLED)
    assert len(said) == len(served.app.asked) == 1
    assert said[0].headers["connection"] == "close"


def test_heads_out_of_bounds_are_refused_with_their_own_status() -> None:
    for data, status in (
        (request("/" + "x" * 9000, method="GET"), 414),
        (request("/" + "x" * 200_000, method="GET"), 414),
        (request("/", method="GET", x_large="y" * 70_000), 431),
        (request("/", method="GET", x_large="y" * 1_000_000), 431),
        (b"GET / HTTP/1.1\r\nhost: x\r\n" + b"x: y\r\n" * MAX_HEADERS + b"\r\n", 431),
    ):
        said, served = talk(data)
        assert [each.status for each in said] == [status]
        assert served.app.asked == []
    said, _ = talk(request("/", b"z" * 200_000, x_large="y" * 60_000, connection="close"))
    assert said[0].status == 200, "a large body is no large head"


def test_what_never_ends_is_not_collected() -> None:
    """A header, and a trailer, without an end: refused once the bound is passed, however slowly they come."""
    for beginning in (
        b"GET / HTTP/1.1\r\nhost: x\r\nx: ",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-trailer: ",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1;ext=",
    ):
        heard = Heard()
        heard.reader.feed(beginning)
        for _ in range(70):
            heard.reader.feed(b"y" * 1000)
        assert heard.reader.is_deaf
        assert heard.broken or isinstance(heard.understood()[0][3], str)


def test_a_body_over_the_limit_is_refused_before_it_is_all_sent() -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    taken: list[int] = []

    async def handler(request: Request) -> None:
        try:
            await body_of(request)
        finally:
            taken.append(request.received_bytes)

    async def main() -> list[Answer]:
        async with serving(handler) as served:
            data = request("/a", transfer_encoding="chunked")
            return answers(await served.talk(data, *[chunk] * 64, b"0\r\n\r\n"))

    said = uvloop.run(main())
    assert [each.status for each in said] == [413]
    assert said[0].headers["connection"] == "close"
    assert taken[0] <= BODY_LIMIT + 512 * 1024


def test_the_first_of_several_headers_of_a_name_counts() -> None:
    heard = Heard()
    heard.reader.feed(b"GET / HTTP/1.1\r\nhost: x\r\nX-Name: one\r\nx-NAME: two\r\n\r\n")
    assert heard.requests[0].headers.get("x-name") == "one"
    assert "x-name" in heard.requests[0].headers
    assert heard.requests[0].headers.get("x-other") is None


def test_names_are_remembered_within_bounds() -> None:
    names = HeaderNames()
    assert [names[f"X-{number}".encode()] for number in range(2000)] == [f"x-{number}" for number in range(2000)]
    assert len(names) <= 512
