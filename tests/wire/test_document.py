"""What cannot be read is refused with a text that says why; what can be read is read as the standard reader does."""

import json  # noqa: TID251 - the reader to agree with
import sys
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.errors import MalformedRequest
from penstock.wire.document import (
    as_array,
    as_bool,
    as_choice,
    as_int,
    as_name,
    as_number,
    as_object,
    as_text,
    read_document,
    take,
)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (b'{"a":1', "cut short: its JSON is incomplete at byte 6"),
        (b'{"a":"x', "cut short"),
        (b'{"a":"\\u12', "byte"),
        (b'{"a":[1,', "cut short"),
        (b'{"a":1,}', "not valid JSON at byte"),
        (b"{'a':1}", "not valid JSON at byte 1"),
        (b'{"a":1}x', "not valid JSON at byte 7: extra data"),
        (b'{"a":01}', "not valid JSON"),
        ("{'ü':1}".encode(), "byte 1"),
        ('{"ü":x}'.encode(), "byte 6"),
        (b'{"a":"\xff"}', "UTF-8 at byte 6"),
        (b'{"a":"\xed\xa0\x80"}', "UTF-8 at byte 6"),
        ('{"a":1}'.encode("utf-16"), "UTF-8 at byte 0"),
        (b'\xef\xbb\xbf{"a":1}', "byte order mark"),
        (b'{"a":"\\ud800"}', "half of a surrogate pair at `a`"),
        (b'{"a":{"b":["\\udc00x"]}}', "half of a surrogate pair at `b`"),
        (b'{"a":"\\ud83d\\u0041"}', "half of a surrogate pair"),
        (b'{"\\ud800":1}', "half of a surrogate pair"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":[-Infinity]}', "-Infinity"),
        (b'{"a":1e999}', "out of range"),
        (b'{"a":18446744073709551616}', "64 bits"),
        (b'{"a":-9223372036854775809}', "64 bits"),
        (b'{"a":' + b"9" * 5000 + b"}", ""),
        (b'{"a":"\x00"}', "not valid JSON at byte 6: invalid control character"),
        (b"[1]", "must be a JSON object, not an array"),
        (b"null", "must be a JSON object, not null"),
        (b'"x"', "must be a JSON object, not a string"),
        (b"[" * 200_000, "nested too deep"),
        (b'{"a":' * 200_000, "nested too deep"),
        (b'{"a":' * 101 + b"1" + b"}" * 101, "more than 100 levels"),
        (b'{"a":' + b"[" * 100 + b"]" * 100 + b"}", "more than 100 levels"),
        (b'{"model":"a","model":"b"}', "key `model` twice"),
        (b'{"x":[{"a":1,"b":2,"a":3}]}', "key `a` twice"),
        (b'{"a" :1, "a":2}', "key `a` twice"),
        (b'{"a":1,"\\u0061":2}', "key `a` twice"),
        (b'{"a\\"":1,"a\\"":2}', 'key `a"` twice'),
        (b'{"a\\\\":1,"a\\\\":"\\"\\""}', "key `a\\` twice"),
        (b'{"a":"\\"","b":1,"b":"\\u0022\\u0022"}', "key `b` twice"),
    ],
)
def test_a_bad_body_is_refused_with_its_reason(body: bytes, says: str) -> None:
    with pytest.raises(MalformedRequest) as caught:
        read_document(body)
    assert says in caught.value.public
    assert len(caught.value.public) < 300


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b' {"a" : 1.5e3 , "b":[true,false,null]} \n',
        b'{"a":"\\ud83d\\ude00 \\u0022: \\" \\\\\\" \\u0000"}',
        b'{"a":{"a":{"a":1}},"b":{"a":1}}',
        b'{"":1,":":":","\\"":"\\\\"}',
        b'{"a":18446744073709551615,"b":-9223372036854775808}',
        b'{"a":' * 100 + b"1" + b"}" * 100,
        b'{"a":' + b"[" * 99 + b"]" * 99 + b"}",
    ],
)
def test_an_odd_but_sound_body_is_read(body: bytes) -> None:
    assert read_document(body) == json.loads(body)


_TEXT = st.text(st.sampled_from('ab":\\\n ü😀{[,'), max_size=4)
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=12,
)


@given(document=st.dictionaries(_TEXT, _JSON, max_size=4), ascii_only=st.booleans(), indent=st.sampled_from([None, 1]))
@settings(max_examples=150, deadline=None)
def test_sound_documents_are_never_refused(document: dict[str, Any], *, ascii_only: bool, indent: int | None) -> None:
    assert read_document(json.dumps(document, ensure_ascii=ascii_only, indent=indent).encode()) == document
    assert read_document(msgspec.json.encode(document)) == document


@given(document=st.dictionaries(_TEXT, _JSON, min_size=1, max_size=4), value=_JSON, ascii_only=st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_repeated_key_never_slips_through(document: dict[str, Any], value: Any, *, ascii_only: bool) -> None:
    pairs = [*document.items(), (next(iter(document)), value)]

    def dump(value: Any) -> str:
        return json.dumps(value, ensure_ascii=ascii_only)

    body = "{" + ",".join(f"{dump(k)} : {dump(v)}" for k, v in pairs) + "}"
    with pytest.raises(MalformedRequest, match="twice"):
        read_document(body.encode())


@given(body=st.binary(max_size=40) | st.text('{}[]":,0189.eE+-\\un dtrfalse', max_size=30).map(str.encode))
@settings(max_examples=300, deadline=None)
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    try:
        read_document(body)
    except MalformedRequest as error:
        error.public.encode()


def test_depth_is_refused_however_deep_the_caller_already_is() -> None:
    def down(levels: int) -> None:
        if levels:
            return down(levels - 1)
        with pytest.raises(MalformedRequest, match="too deep"):
            read_document(b'{"a":' * 5000)
        return None

    down(sys.getrecursionlimit() // 2)


def test_readers_name_the_path_and_the_type() -> None:
    cases: list[tuple[Any, str]] = [
        (lambda: as_text(1, "messages[2].content"), "messages[2].content: expected a string, got a number"),
        (lambda: as_object([], "tools[0]"), "tools[0]: expected an object, got an array"),
        (lambda: as_array("x", "messages"), "messages: expected an array, got a string"),
        (lambda: as_bool(1, "stream"), "stream: expected a boolean, got a number"),
        (lambda: as_int(True, "n"), "n: expected an integer, got a boolean"),
        (lambda: as_int(1.5, "n"), "n: expected an integer, got 1.5"),
        (lambda: as_int(0, "n", least=1, most=128), "n: must be at least 1, got 0"),
        (lambda: as_int(129, "n", least=1, most=128), "n: must be at most 128, got 129"),
        (lambda: as_number(None, "temperature"), "temperature: expected a number, got null"),
        (lambda: as_name("", "model"), "model: must not be empty"),
        (lambda: as_name("a\x00b", "model"), "model: must not hold control characters"),
        (lambda: as_choice("x", "mode", ("a", "b")), "mode: must be one of `a`, `b`"),
        (lambda: take({}, "role", "messages[0]"), "messages[0].role: required, but missing"),
    ]
    for call, text in cases:
        with pytest.raises(MalformedRequest) as caught:
            call()
        assert caught.value.public == text
        assert caught.value.field == text.split(": ", maxsplit=1)[0]
