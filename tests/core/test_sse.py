"""The frames that come out never depend on how the bytes were cut, and no input makes the reader slow or fat."""

import time
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.errors import UpstreamProtocolError
from penstock.core.sse import SseDecoder, SseFrame, frame


def read(pieces: Sequence[bytes]) -> list[tuple[str | None, bytes]]:
    decoder = SseDecoder()
    frames: list[SseFrame] = []
    for piece in pieces:
        frames += decoder.feed(piece)
    frames += decoder.finish()
    return [(f.event, f.data) for f in frames]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"data: a\n\ndata: b\n\n", [(None, b"a"), (None, b"b")]),
        (b"data:a\n\n", [(None, b"a")]),
        (b"data:  a\n\n", [(None, b" a")]),
        (b"event: x\ndata: a\n\ndata: b\n\n", [("x", b"a"), (None, b"b")]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [(None, b"a"), (None, b"b")]),
        (b"data: a\r\rdata: b\r\r", [(None, b"a"), (None, b"b")]),
        (b"data: a\n\r\ndata: b\r\n\n", [(None, b"a"), (None, b"b")]),
        (b"data: a\ndata: b\ndata\n\n", [(None, b"a\nb\n")]),
        (b"\xef\xbb\xbfdata: a\n\n", [(None, b"a")]),
        (b": hello\n\n: data: no\ndata: a\n: again\n\n", [(None, b"a")]),
        (b"id: 7\nretry: 10\nother: z\ndata: a\n\n", [(None, b"a")]),
        (b"event: ping\n\ndata: a\n\n", [(None, b"a")]),
        (b"\n\n\n\ndata: a\n\n\n\n", [(None, b"a")]),
        (b"data: a\n\ndata: cut short", [(None, b"a"), (None, b"cut short")]),
        (b"data: a\n", [(None, b"a")]),
        (b"data:\n\n", [(None, b"")]),
        (b"", []),
        (b"\xef\xbb", []),
    ],
)
def test_frames_are_read_as_the_standard_says(text: bytes, expected: list[tuple[str | None, bytes]]) -> None:
    assert read([text]) == expected
    assert read([text[i : i + 1] for i in range(len(text))]) == expected


_LINES = st.sampled_from(
    [
        b"data: {}",
        b"data:x",
        b"data",
        b"event: e",
        b"event: \xc3\xa9",
        b": c",
        b"",
        b"",
        b"id: 1",
        b"dat",
        b"\xef\xbb\xbf",
    ]
)
_ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


@given(
    lines=st.lists(st.tuples(_LINES, _ENDS), max_size=30),
    cuts=st.lists(st.integers(0, 200), max_size=12),
)
@settings(max_examples=150, deadline=None)
def test_the_cut_of_the_bytes_changes_nothing(lines: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    text = b"".join(line + end for line, end in lines)
    edges = [0, *sorted(min(c, len(text)) for c in cuts), len(text)]
    whole = read([text])
    assert read([text[a:b] for a, b in pairwise(edges)]) == whole
    assert read([text[i : i + 1] for i in range(len(text))]) == whole


def test_frames_come_out_as_soon_as_their_last_byte_is_in() -> None:
    decoder = SseDecoder()
    assert not decoder.feed(b"data: a\r\n")
    assert [f.data for f in decoder.feed(b"\r")] == [b"a"]
    assert [f.data for f in decoder.feed(b"\ndata: b\n\ndata: c")] == [b"b"]
    assert [f.data for f in decoder.feed(b"\n\n")] == [b"c"]


def feed_often(decoder: SseDecoder, piece: bytes) -> None:
    for _ in range(200):
        decoder.feed(piece)


@pytest.mark.parametrize("line", [b"data: ", b": ", b"event: ", b"x"])
def test_an_endless_line_is_refused(line: bytes) -> None:
    decoder = SseDecoder(max_frame_bytes=1000)
    decoder.feed(line)
    with pytest.raises(UpstreamProtocolError):
        feed_often(decoder, b"0123456789")


def test_an_endless_event_is_refused() -> None:
    with pytest.raises(UpstreamProtocolError):
        feed_often(SseDecoder(max_frame_bytes=1000), b"data: 0123456789\n")
    with pytest.raises(UpstreamProtocolError):
        SseDecoder(max_frame_bytes=1000).feed(b"data: " + b"x" * 1001 + b"\n\n")


def test_many_small_events_never_add_up_to_a_large_one() -> None:
    decoder = SseDecoder(max_frame_bytes=100)
    assert sum(len(decoder.feed(b"event: e\ndata: 0123456789\n: comment\n\n")) for _ in range(100)) == 100


@pytest.mark.parametrize("unit", [b"data: 01\n", b"0", b":\n", b"data: 0123456789\n\n"])
def test_time_grows_with_the_input_alone(unit: bytes) -> None:
    def seconds(count: int) -> float:
        decoder = SseDecoder()
        decoder.feed(b"data: ")
        began = time.process_time()
        for _ in range(count):
            decoder.feed(unit)
        decoder.finish()
        return time.process_time() - began

    seconds(1000)
    assert seconds(80_000) < 40 * max(seconds(8_000), 0.002)


@given(data=st.binary(max_size=200).filter(lambda d: b"\n" not in d and b"\r" not in d), event=st.none() | st.just("e"))
@settings(max_examples=100, deadline=None)
def test_what_is_framed_is_read_back(data: bytes, event: str | None) -> None:
    assert read([frame(data, event)]) == [(event, data)]
