"""The short way to read a plain request: it says what the long one says, or leaves the request to it."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.chat import ChatRequest
from penstock.core.errors import MalformedRequest
from penstock.wire.openai_chat.parse import parse_request, read_any
from penstock.wire.openai_chat.plain import read_plain

USER = {"role": "user", "content": "hi"}

_TEXT = st.text(alphabet='ab"\\/é漢\U0001f600\n\u0001{}[]:,', max_size=8)
_NUMBER = st.one_of(
    st.sampled_from([0, 1, 2, 3, -1, 0.0, 0.5, 1.0, 2.5, -0.0, 2**31, 2**64, -(2**70)]), st.floats(allow_nan=False)
)
_VALUE = st.one_of(st.none(), st.booleans(), _NUMBER, _TEXT, st.lists(_TEXT, max_size=1))
_ROLE = st.sampled_from(["system", "developer", "user", "assistant", "tool", "function", "nobody"])
_PLAIN_MESSAGE = st.fixed_dictionaries({"role": _ROLE, "content": _TEXT})
_MESSAGE = _PLAIN_MESSAGE | st.dictionaries(st.sampled_from(["role", "content", "name", "x"]), _VALUE, max_size=3)
_DOCUMENT = st.fixed_dictionaries(
    {"model": _TEXT | _VALUE, "messages": st.lists(_MESSAGE, max_size=3)},
    optional={
        "stream": _VALUE,
        "temperature": _NUMBER | _VALUE,
        "top_p": _NUMBER | _VALUE,
        "max_tokens": _NUMBER | _VALUE,
        "max_completion_tokens": _NUMBER | _VALUE,
        "user": _TEXT | _VALUE,
        "n": _NUMBER,
        "store": st.booleans(),
    },
)


def said(read: Any, body: bytes) -> ChatRequest | str:
    try:
        return read(body)
    except MalformedRequest as error:
        return f"{error.field}: {error.public}"


def plain(body: bytes) -> ChatRequest:
    request = read_plain(body)
    assert request is not None
    return request


@settings(deadline=None, max_examples=400)
@given(document=_DOCUMENT)
def test_a_request_means_the_same_whichever_way_it_is_read(document: dict[str, Any]) -> None:
    body = _written(document)
    found, expected = said(parse_request, body), said(read_any, body)
    assert found == expected
    # Equal is not enough: 1 and 1.0 are, and a provider is sent what the client wrote.
    assert repr(found) == repr(expected)


@settings(deadline=None, max_examples=200)
@given(content=_TEXT, repeated=_TEXT, place=st.sampled_from(["model", "messages", "user", "role", "content"]))
def test_a_repeated_key_is_never_read_the_short_way(content: str, repeated: str, place: str) -> None:
    text, again = msgspec.json.encode(content), msgspec.json.encode(repeated)
    more = b',"%b":%b' % (place.encode(), again if place != "messages" else b"[]")
    inner, outer = (more, b"") if place in {"role", "content"} else (b"", more)
    body = b'{"model":"m","user":"u","messages":[{"role":"user","content":%b%b}]%b}' % (text, inner, outer)
    assert read_plain(body) is None
    with pytest.raises(MalformedRequest, match="twice"):
        parse_request(body)


def test_quotes_that_are_written_as_numbers_do_not_make_up_for_a_repeated_key() -> None:
    body = rb'{"model":"m","model":"m","messages":[{"role":"user","content":"\u0022\u0022\u0022\u0022"}]}'
    with pytest.raises(MalformedRequest, match="twice"):
        parse_request(body)


def test_what_nearly_every_client_sends_is_read_the_short_way() -> None:
    messages = [{"role": "system", "content": 'Say "yes".'}, USER, {"role": "assistant", "content": ""}, USER]
    body = {"model": "m", "messages": messages, "temperature": 0.2, "max_completion_tokens": 5, "stream": True}
    assert plain(msgspec.json.encode(body)) == read_any(msgspec.json.encode(body))


@pytest.mark.parametrize("more", [{"tools": []}, {"stop": "x"}, {"max_tokens": 1, "max_completion_tokens": 1}])
def test_anything_beyond_is_left_to_the_long_way(more: dict[str, Any]) -> None:
    assert read_plain(msgspec.json.encode({"model": "m", "messages": [USER], **more})) is None


def _written(document: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(document)
    except OverflowError:  # more than 64 bits
        import json  # noqa: PLC0415, TID251 - the one writer at hand that takes any integer

        return json.dumps(document).encode()
