"""Signatures as botocore makes them, and event-stream frames as botocore reads them."""

import os
import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import quote
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.providers.bedrock_frames import botocore

from penstock.core.chat import ChatRequest, Message, TextPart
from penstock.core.errors import UnknownModel, UpstreamProtocolError
from penstock.providers.bedrock import BedrockUpstream
from penstock.providers.bedrock.frames import FrameDecoder
from penstock.providers.bedrock.sigv4 import AwsCredential, read_credential, sign
from penstock.providers.bedrock.upstream import region_of
from penstock.providers.dialect import Endpoint

FIXTURES = Path(__file__).parent.parent / "fixtures" / "bedrock"
STREAMS = tuple(sorted(path.name for path in FIXTURES.glob("*.stream")))
MODELS = (
    "anthropic.claude-3-5-sonnet-20240620-v1:0",
    "us.amazon.nova-lite-v1:0",
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/mi1dadi0g15f",
    "model with spaces/and~tilde+plus*star",
    "modèle",
)


def boto_signature(
    url: str, body: bytes, headers: dict[str, str], key: AwsCredential, *, region: str, now: float
) -> dict[str, str]:
    """The headers that botocore's own signer adds."""
    moment = datetime.fromtimestamp(now, UTC)
    keys = botocore("credentials").Credentials(key.access_key, key.secret_key, key.session_token)
    signed = botocore("awsrequest").AWSRequest("POST", url, data=body, headers=headers)
    with mock.patch("botocore.auth.get_current_datetime", return_value=moment.replace(tzinfo=None)):
        botocore("auth").SigV4Auth(keys, "bedrock", region).add_auth(signed)
    return {name.lower(): value for name, value in signed.headers.items()}


words = st.text("abcdefghijklmnopqrstuvwxyzABCDEF0123456789/+=", min_size=1, max_size=20)


@settings(deadline=None, max_examples=150)
@given(
    model=st.one_of(
        st.sampled_from(MODELS),
        st.text(min_size=1, max_size=12).filter(lambda t: t.isprintable() and t not in {".", ".."}),
    ),
    body=st.binary(max_size=60),
    key=st.builds(AwsCredential, words, words, st.one_of(st.none(), words)),
    region=st.sampled_from(["us-east-1", "eu-central-1", "ap-southeast-2"]),
    now=st.integers(0, 4_000_000_000),
    port=st.sampled_from(["", ":443", ":8443"]),
    operation=st.sampled_from(["converse", "converse-stream"]),
)
def test_a_signature_is_botocores(
    *, model: str, body: bytes, key: AwsCredential, region: str, now: int, port: str, operation: str
) -> None:
    url = f"https://bedrock-runtime.{region}.amazonaws.com{port}/model/{quote(model, safe='-._~')}/{operation}"
    headers = (("content-type", "application/json"),)
    mine = dict(sign(url, body, headers, key, region=region, now=now))
    theirs = boto_signature(url, body, dict(headers), key, region=region, now=now)
    assert mine == {name: theirs[name] for name in mine}
    assert mine["authorization"] == theirs["authorization"]


@pytest.mark.parametrize("model", MODELS)
def test_a_whole_call_is_the_one_that_botocore_would_send(model: str) -> None:
    session = botocore("session").Session()
    session.set_credentials("AKID", "SECRET", "TOKEN")
    client = session.create_client("bedrock-runtime", region_name="us-east-1")
    sent: list[Any] = []

    def keep(request: Any, **_: object) -> Any:
        sent.append(request)
        return botocore("awsrequest").AWSResponse(request.url, 500, {}, None)

    client.meta.events.register("before-send", keep)
    with pytest.raises(Exception):  # noqa: B017, PT011 - the answer is a made-up 500: only what was sent counts
        client.converse(modelId=model, messages=[{"role": "user", "content": [{"text": "hi"}]}])
    theirs = sent[0]
    endpoint = Endpoint("bedrock", "https://bedrock-runtime.us-east-1.amazonaws.com", "AKID:SECRET:TOKEN")
    stamp = datetime.strptime(theirs.headers["X-Amz-Date"].decode(), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    asked = ChatRequest(dialect="openai-chat", model="m", messages=(Message("user", (TextPart("hi"),)),))
    mine = BedrockUpstream().encode(asked, model, endpoint, now=stamp.timestamp())
    assert mine.url == theirs.url
    assert mine.method == theirs.method
    assert dict(mine.headers)["x-amz-security-token"] == theirs.headers["X-Amz-Security-Token"].decode()


def test_a_credential_is_read_and_never_printed() -> None:
    assert read_credential("a:b") == AwsCredential("a", "b")
    assert read_credential("a:b/+=:t:u") == AwsCredential("a", "b/+=", "t:u")
    assert read_credential("ABSKbearer") is None
    assert "secret" not in repr(AwsCredential("a", "secret"))


def test_a_bedrock_api_key_is_sent_as_a_bearer_token() -> None:
    asked = ChatRequest(dialect="openai-chat", model="m", messages=(Message("user", (TextPart("hi"),)),), stream=True)
    call = BedrockUpstream().encode(asked, "m:0", Endpoint("b", "https://x", "ABSK=="), now=0)
    assert call.url == "https://x/model/m%3A0/converse-stream"
    assert dict(call.headers) == {"content-type": "application/json", "authorization": "Bearer ABSK=="}


def test_the_region_is_the_options_or_the_hosts() -> None:
    host = "https://bedrock-runtime.eu-central-1.amazonaws.com"
    assert region_of(Endpoint("b", host)) == "eu-central-1"
    assert region_of(Endpoint("b", host, options={"region": "us-west-2"})) == "us-west-2"
    assert region_of(Endpoint("b", "https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com")) == "us-gov-west-1"
    assert region_of(Endpoint("b", "http://127.0.0.1:9000")) == "us-east-1"


def header(name: str, kind: int, value: bytes) -> bytes:
    return struct.pack(f">B{len(name)}sB", len(name), name.encode(), kind) + value


def text_header(name: str, value: str) -> bytes:
    return header(name, 7, struct.pack(">H", len(value.encode())) + value.encode())


def message(headers: bytes, payload: bytes) -> bytes:
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    body = prelude + struct.pack(">I", crc32(prelude)) + headers + payload
    return body + struct.pack(">I", crc32(body))


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(STREAMS), st.lists(st.integers(0, 300), max_size=50))
def test_frames_are_those_that_botocore_reads_whatever_the_cut(name: str, sizes: list[int]) -> None:
    data = (FIXTURES / name).read_bytes()
    theirs = botocore("eventstream").EventStreamBuffer()
    theirs.add_data(data)
    reader = FrameDecoder()
    mine: list[Any] = []
    at = 0
    for size in [*sizes, len(data)]:
        mine += reader.feed(data[at : at + size])
        at += size
    assert [(m.kind, m.name, m.payload) for m in mine] == [
        (m.headers[":message-type"], m.headers[":event-type"], m.payload) for m in theirs
    ]
    assert reader.is_empty


def test_headers_of_every_type_are_stepped_over() -> None:
    odd = b"".join(
        header(f"h{kind}", kind, value)
        for kind, value in (
            (0, b""),
            (1, b""),
            (2, b"1"),
            (3, b"12"),
            (4, b"1234"),
            (5, b"12345678"),
            (6, struct.pack(">H", 3) + b"abc"),
            (8, b"12345678"),
            (9, os.urandom(16)),
        )
    )
    data = message(odd + text_header(":message-type", "exception") + text_header(":exception-type", "oops"), b"{}")
    (found,) = FrameDecoder().feed(data)
    assert (found.kind, found.name, found.payload) == ("exception", "oops", b"{}")


@settings(deadline=None, max_examples=80)
@given(st.sampled_from(STREAMS), st.integers(0, 10**6), st.integers(1, 255))
def test_a_byte_that_was_changed_on_the_way_is_seen(name: str, place: int, change: int) -> None:
    data = bytearray((FIXTURES / name).read_bytes())
    data[place % len(data)] ^= change
    reader = FrameDecoder()
    try:
        reader.feed(bytes(data))
    except UpstreamProtocolError:
        return
    assert not reader.is_empty  # a length that grew: it waits for bytes that never come


@pytest.mark.parametrize(
    "data",
    [
        message(b"\x05ab", b""),
        message(b"\x01a\x0a", b""),
        message(header("a", 7, struct.pack(">H", 9) + b"short"), b""),
        message(header("a", 7, struct.pack(">H", 1) + b"\xff"), b""),
        struct.pack(">II", 8, 0) + struct.pack(">I", crc32(struct.pack(">II", 8, 0))),
        struct.pack(">II", 100, 90) + struct.pack(">I", crc32(struct.pack(">II", 100, 90))),
        struct.pack(">II", 2**31, 0) + struct.pack(">I", crc32(struct.pack(">II", 2**31, 0))),
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
)
def test_bytes_that_are_no_event_stream_are_an_error(data: bytes) -> None:
    with pytest.raises(UpstreamProtocolError):
        FrameDecoder().feed(data)


@pytest.mark.parametrize("model", [".", ".."])
def test_a_model_that_would_be_a_step_in_the_path_is_none(model: str) -> None:
    request = ChatRequest(dialect="openai-chat", model="m", messages=(Message(role="user", parts=(TextPart("hi"),)),))
    endpoint = Endpoint("bedrock", "https://bedrock-runtime.us-east-1.amazonaws.com", "AKID:SECRET")
    with pytest.raises(UnknownModel):
        BedrockUpstream().encode(request, model, endpoint, now=0.0)
